"""The inventory: campaigns, dispositions and the numbers we may show (ANIs).

Field names and closed sets are those of the Custom Dialer Integration and AI Dialer Integration documents.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.model.phone import PhoneNumber, parse_phone, strip_formatting

COUNTRY_CODES = ("+1", "+44")
"""Countries an ANI may be of."""


class Kind(StrEnum):
    """What an inventory is made of; the words of the APIs' paths and of the commands."""

    CAMPAIGN = "campaigns"
    DISPO = "dispos"
    ANI = "anis"


class CampaignType(StrEnum):
    """Direction of a campaign's calls."""

    INBOUND = "Inbound"
    OUTBOUND = "Outbound"
    BLENDED = "Blended"

    @property
    def calls_out(self) -> bool:
        """Whether the campaign places calls, and so needs numbers to show."""
        return self is not CampaignType.INBOUND


class DispoType(StrEnum):
    """Who sets the disposition."""

    SYSTEM = "System"
    AGENT = "Agent"


@dataclass(frozen=True, slots=True)
class Campaign:
    """A dialler's campaign. `id` is the dialler's own identifier."""

    id: str
    name: str
    type: CampaignType
    inbound_pool_id: str = ""
    """Group whose numbers the campaign shows, so that returned calls land there; "" for its own id's."""


@dataclass(frozen=True, slots=True)
class Dispo:
    """A call's outcome as the dialler names it."""

    id: str
    name: str
    type: DispoType
    contact: bool
    """The prospect was reached."""
    success: bool
    """The call did what it was for, wholly or in part."""


@dataclass(frozen=True, slots=True)
class Ani:
    """A number we may show. `number` is of one of `COUNTRY_CODES`."""

    number: PhoneNumber
    inbound_group_id: str = ""
    """Campaign or group the number belongs to; "" for none."""
    is_branded: bool = False
    brand_name: str = ""
    paused_until: date | None = None
    """First day the number may be shown again; `None` when it is not paused."""

    @property
    def country_code(self) -> str:
        """`+1` or `+44`."""
        return self.number.country_code


Item = Campaign | Dispo | Ani


def kind_of(item: Item) -> Kind:
    """What `item` is."""
    match item:
        case Campaign():
            return Kind.CAMPAIGN
        case Dispo():
            return Kind.DISPO
        case Ani():
            return Kind.ANI


def key_of(item: Item) -> str:
    """By what `item` is known among its kind: the id, or the number in E.164 with plus."""
    return item.number.e164 if isinstance(item, Ani) else item.id


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was read from one file or store."""

    campaigns: tuple[Campaign, ...] = ()
    dispos: tuple[Dispo, ...] = ()
    anis: tuple[Ani, ...] = ()


def parse_ani_number(number: str, country_code: str) -> PhoneNumber | None:
    """The ANI written as `number` without its country code, or `None` when it cannot be one.

    `country_code` is `+1`, `+44`, or "" to take `number` as `parse_phone` does. Formatting is stripped; a
    country code or, in the UK, a trunk 0 in front of `number` does no harm.
    """
    digits = strip_formatting(number)
    if country_code and not digits.startswith("+"):
        digits = country_code + _without_prefix(digits, country_code)
    parsed = parse_phone(digits)
    if parsed is None or parsed.country_code not in COUNTRY_CODES or not parsed.is_plausible():
        return None
    return parsed if country_code in {"", parsed.country_code} else None


def _without_prefix(digits: str, country_code: str) -> str:
    if country_code == "+1":
        return digits.removeprefix("1")
    return digits.removeprefix("44").removeprefix("0")
