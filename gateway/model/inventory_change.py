"""A partial update of one item: only what is named is changed, as a PUT of the vendors' APIs means it."""

from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, overload

from gateway.model.inventory import Ani, Campaign, CampaignType, Dispo, DispoType, Item, Kind
from gateway.model.phone import PhoneNumber

NEVER_PAUSED = date.min
"""In `AniChange.paused_until`: end the pause."""


@dataclass(frozen=True, slots=True)
class CampaignChange:
    """What is to be different of the campaign `id`; `None` leaves a field as it is."""

    id: str
    name: str | None = None
    type: CampaignType | None = None
    inbound_pool_id: str | None = None
    """"" takes the pool away."""


@dataclass(frozen=True, slots=True)
class DispoChange:
    """What is to be different of the disposition `id`; `None` leaves a field as it is."""

    id: str
    name: str | None = None
    type: DispoType | None = None
    contact: bool | None = None
    success: bool | None = None


@dataclass(frozen=True, slots=True)
class AniChange:
    """What is to be different of the ANI `number`; `None` leaves a field as it is."""

    number: PhoneNumber
    inbound_group_id: str | None = None
    is_branded: bool | None = None
    brand_name: str | None = None
    paused_until: date | None = None
    """First day the number may be shown again; `NEVER_PAUSED` ends a pause."""


Change = CampaignChange | DispoChange | AniChange


def kind_changed(change: Change) -> Kind:
    """What kind of item `change` is for."""
    match change:
        case CampaignChange():
            return Kind.CAMPAIGN
        case DispoChange():
            return Kind.DISPO
        case AniChange():
            return Kind.ANI


def key_changed(change: Change) -> str:
    """The key of the item `change` is for."""
    return change.number.e164 if isinstance(change, AniChange) else change.id


def named(change: Change) -> dict[str, Any]:
    """The fields `change` names, with their new values; the key is not among them."""
    told = {field.name: getattr(change, field.name) for field in fields(change)[1:]}
    return {name: value for name, value in told.items() if value is not None}


@overload
def changed(item: Campaign, change: CampaignChange) -> Campaign: ...
@overload
def changed(item: Dispo, change: DispoChange) -> Dispo: ...
@overload
def changed(item: Ani, change: AniChange) -> Ani: ...
def changed(item: Any, change: Any) -> Any:
    """`item` with `change` made; both are of one kind."""
    told = named(change)
    if told.get("paused_until") == NEVER_PAUSED:
        told["paused_until"] = None
    return replace(item, **told)


def difference(have: Item, want: Item) -> Change | None:
    """What must change to make `want` of `have`, `None` when nothing. Both have one kind and key."""
    told = {
        field.name: getattr(want, field.name)
        for field in fields(want)[1:]
        if getattr(want, field.name) != getattr(have, field.name)
    }
    if not told:
        return None
    if told.get("paused_until", NEVER_PAUSED) is None:
        told["paused_until"] = NEVER_PAUSED
    match want:
        case Campaign():
            return CampaignChange(want.id, **told)
        case Dispo():
            return DispoChange(want.id, **told)
        case Ani():
            return AniChange(want.number, **told)
