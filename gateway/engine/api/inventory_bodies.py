"""Campaigns, dispositions and ANIs as the vendors' APIs write them, and the way to what the engine keeps.

Sources: the Custom Dialer Integration and AI Dialer Integration documents, which differ in one field: only
the former knows a campaign's `inbound_pool_id`. A body says by which keys its item may be known (`could_be`),
and what it makes of it (`item`, `change`). `carrier_id` is accepted and not kept, as the documents say.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from gateway.engine.api.bodies import BodyError, Name, Text, name
from gateway.engine.api.endpoint import first_of_each
from gateway.model.inventory import (
    COUNTRY_CODES,
    Ani,
    Campaign,
    CampaignType,
    Dispo,
    DispoType,
    parse_ani_number,
)
from gateway.model.inventory_change import AniChange, CampaignChange, DispoChange
from gateway.model.phone import PhoneNumber

CountryCode = Literal["+1", "+44"]
AniNumber = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=200,
        description="The number without its country code; formatting characters do no harm.",
        examples=["2125550100"],
    ),
]


class Id(msgspec.Struct):
    """Names a campaign or a disposition."""

    id: Name

    def could_be(self) -> Sequence[str]:
        """The one it can be."""
        return (name(self.id, "id"),)


class Number(msgspec.Struct):
    """Names an ANI."""

    number: AniNumber
    country_code: CountryCode | None = None
    """Not in the documents: which one is meant, where the same digits are a number of both countries."""

    def could_be(self) -> Sequence[str]:
        """Those it can be, in E.164 with plus. Raises `BodyError` when it can be none."""
        return [number.e164 for number in _numbers(self.number, self.country_code)]


class NewCampaign(msgspec.Struct):
    """A campaign as the AI Dialer Integration creates it."""

    id: Name
    name: Name
    type: CampaignType

    def item(self) -> Campaign:
        """The campaign. Raises `BodyError`."""
        return Campaign(name(self.id, "id"), name(self.name, "name"), self.type)


class NewPooledCampaign(NewCampaign):
    """A campaign as the Custom Dialer Integration creates it."""

    inbound_pool_id: Text | None = None

    def item(self) -> Campaign:
        """The campaign. Raises `BodyError`."""
        plain = NewCampaign.item(self)
        return Campaign(plain.id, plain.name, plain.type, (self.inbound_pool_id or "").strip())


class CampaignUpdate(Id):
    """What is to be different of a campaign; what is missing or null stays."""

    name: Name | None = None
    type: CampaignType | None = None

    def change(self, key: str) -> CampaignChange:
        """The change. Raises `BodyError`."""
        return CampaignChange(key, _named(self.name), self.type)


class PooledCampaignUpdate(CampaignUpdate):
    """The same with the pool: "" takes it away."""

    inbound_pool_id: Text | None = None

    def change(self, key: str) -> CampaignChange:
        """The change. Raises `BodyError`."""
        return CampaignChange(key, _named(self.name), self.type, _text(self.inbound_pool_id))


class NewDispo(msgspec.Struct):
    """A disposition to be created."""

    id: Name
    name: Name
    type: DispoType
    contact: bool
    success: bool

    def item(self) -> Dispo:
        """The disposition. Raises `BodyError`."""
        return Dispo(name(self.id, "id"), name(self.name, "name"), self.type, self.contact, self.success)


class DispoUpdate(Id):
    """What is to be different of a disposition; what is missing or null stays."""

    name: Name | None = None
    type: DispoType | None = None
    contact: bool | None = None
    success: bool | None = None

    def change(self, key: str) -> DispoChange:
        """The change. Raises `BodyError`."""
        return DispoChange(key, _named(self.name), self.type, self.contact, self.success)


class NewAni(msgspec.Struct):
    """An ANI to be created."""

    country_code: CountryCode
    number: AniNumber
    inbound_group_id: Text
    is_branded: bool | None = None
    brand_name: Text | None = None
    carrier_id: str | None = None

    def item(self) -> Ani:
        """The ANI. Raises `BodyError`."""
        return Ani(
            _numbers(self.number, self.country_code)[0],
            self.inbound_group_id.strip(),
            bool(self.is_branded),
            (self.brand_name or "").strip(),
        )


class AniUpdate(Number):
    """What is to be different of an ANI; what is missing or null stays."""

    inbound_group_id: Text | None = None
    is_branded: bool | None = None
    brand_name: Text | None = None
    carrier_id: str | None = None

    def change(self, key: str) -> AniChange:
        """The change."""
        group, brand = _text(self.inbound_group_id), _text(self.brand_name)
        return AniChange(PhoneNumber(key), group, self.is_branded, brand)


class ShownCampaign(msgspec.Struct):
    """A campaign as it is answered."""

    id: str
    name: str
    type: CampaignType

    @classmethod
    def of(cls, item: Campaign) -> "ShownCampaign":
        """What is shown of `item`."""
        return cls(item.id, item.name, item.type)


class ShownPooledCampaign(ShownCampaign, omit_defaults=True):
    """A campaign as it is answered, with its pool if it has one."""

    inbound_pool_id: str = ""

    @classmethod
    def of(cls, item: Campaign) -> "ShownPooledCampaign":
        """What is shown of `item`."""
        return cls(item.id, item.name, item.type, item.inbound_pool_id)


class ShownDispo(msgspec.Struct):
    """A disposition as it is answered."""

    id: str
    name: str
    type: DispoType
    contact: bool
    success: bool

    @classmethod
    def of(cls, item: Dispo) -> "ShownDispo":
        """What is shown of `item`."""
        return cls(item.id, item.name, item.type, item.contact, item.success)


class ShownAni(msgspec.Struct):
    """An ANI as it is answered, in the document's order."""

    number: str
    """Without its country code."""
    country_code: str
    inbound_group_id: str
    is_branded: bool
    brand_name: str

    @classmethod
    def of(cls, item: Ani) -> "ShownAni":
        """What is shown of `item`."""
        number = item.number
        return cls(
            number.national, number.country_code, item.inbound_group_id, item.is_branded, item.brand_name
        )


def with_plus(query: Iterable[tuple[str, str]]) -> Mapping[str, Any]:
    """A query that names an ANI: a plus nobody escaped arrives as a space."""
    found = dict(first_of_each(query))
    if found.get("country_code", "").startswith(" "):
        found["country_code"] = "+" + found["country_code"][1:]
    return found


def _numbers(written: str, country: CountryCode | None) -> Sequence[PhoneNumber]:
    """What `written` can stand for, the United States and Canada first. Raises `BodyError` when nothing."""
    countries = (country,) if country else COUNTRY_CODES
    found = (parse_ani_number(written, code) for code in countries)
    numbers = list(dict.fromkeys(number for number in found if number is not None))
    if not numbers:
        raise BodyError(f"number: cannot be a {' or '.join(countries)} number; write all its digits")
    return numbers


def _named(text: str | None) -> str | None:
    return None if text is None else name(text, "name")


def _text(text: str | None) -> str | None:
    return None if text is None else text.strip()
