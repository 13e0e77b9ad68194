"""Campaigns, dispositions and ANIs as outboundIQ's and outboundANI's management APIs write them. Pure.

Source: the vendors' Custom Dialer Integration and AI Dialer Integration pages. The form of a GET's answer is
shown for ANIs only, as `{"success": true, "ani": {…}}`; an item is also found under `campaign`, `dispo`,
`data` or `result`, as the one of a list, or bare. Fields that are not known are ignored.
"""

from typing import Any, TypeVar

import msgspec

from gateway.model.inventory import (
    Ani,
    Campaign,
    CampaignType,
    Dispo,
    DispoType,
    Item,
    Kind,
    key_of,
    parse_ani_number,
)
from gateway.model.inventory_change import AniChange, Change, key_changed, kind_changed, named
from gateway.model.phone import PhoneNumber
from gateway.providers.base import BadAnswerError
from gateway.providers.refusal import plain

SINGULAR = {Kind.CAMPAIGN: "campaign", Kind.DISPO: "dispo", Kind.ANI: "ani"}
_ENVELOPES = ("data", "result", "results")
_MOST_NESTED = 4
"""Deeper than any answer wraps its item; ends the search in one that is nested without sense."""

T = TypeVar("T")


class _CampaignWire(msgspec.Struct):
    id: str | int
    name: str
    type: CampaignType
    inbound_pool_id: str | int | None = None


class _DispoWire(msgspec.Struct):
    id: str | int
    name: str
    type: DispoType
    contact: bool
    success: bool


class _AniWire(msgspec.Struct):
    number: str | int
    country_code: str | int | None = None
    inbound_group_id: str | int | None = None
    is_branded: bool | None = None
    brand_name: str | None = None


def key_body(kind: Kind, key: str) -> dict[str, str]:
    """What names one item: `{"id": …}`, or `{"number": …}` without the country code."""
    return {"number": PhoneNumber(key).national} if kind is Kind.ANI else {"id": key}


def body_of(item: Item) -> dict[str, Any]:
    """`item` to be created. What is empty and may be left out is left out."""
    match item:
        case Campaign():
            body: dict[str, Any] = {"id": item.id, "name": item.name, "type": item.type}
            return body | _told("inbound_pool_id", item.inbound_pool_id)
        case Dispo():
            return {
                "id": item.id,
                "name": item.name,
                "type": item.type,
                "contact": item.contact,
                "success": item.success,
            }
        case Ani():
            body = {
                "country_code": item.country_code,
                "number": item.number.national,
                "inbound_group_id": item.inbound_group_id,
                "is_branded": item.is_branded,
            }
            return body | _told("brand_name", item.brand_name)


def body_of_change(change: Change) -> dict[str, Any]:
    """The key and the fields `change` names; the others stay as they are.

    A British number's country goes along: its digits may be an American number's too.
    """
    body: dict[str, Any] = {**key_body(kind_changed(change), key_changed(change))}
    if isinstance(change, AniChange) and not change.number.is_nanp:
        body["country_code"] = change.number.country_code
    return body | named(change)


def fields_told(item: Item | Change) -> frozenset[str]:
    """The fields of `item` that say something: for an item those that are not empty."""
    if isinstance(item, Campaign | Dispo | Ani):
        return frozenset(name for name in item.__slots__ if getattr(item, name) not in ("", None))
    return frozenset(named(item))


def item_in(answer: object, kind: Kind, key: str) -> Item | None:
    """The item `key` in the answer to a GET, `None` when the answer says that there is none.

    Raises `BadAnswerError` when there is no item to be found, one with fields that make no sense, or only
    others than the one asked for.
    """
    found = [_item(each, kind, key) for each in _candidates(answer, kind, _MOST_NESTED)]
    if not found:
        return None
    mine = next((item for item in found if key_of(item) == key), None)
    if mine is None and not (kind is Kind.ANI and all(_same_digits(item, key) for item in found)):
        raise BadAnswerError(f"the answer is about another {SINGULAR[kind]} than the one asked for")
    return mine


def _told(name: str, value: str) -> dict[str, str]:
    return {name: value} if value else {}


def _candidates(answer: object, kind: Kind, depth: int) -> list[dict[str, Any]]:
    """The objects that may be items; empty when there is a place for one and nothing in it."""
    if isinstance(answer, list) and depth:
        return [one for each in answer for one in _candidates(each, kind, depth - 1)]
    if not isinstance(answer, dict) or not depth:
        raise BadAnswerError(f"the answer holds no {SINGULAR[kind]}")
    for name in (SINGULAR[kind], kind.value, *_ENVELOPES):
        inside = answer.get(name, "")
        if inside is None or inside == {}:
            return []
        if isinstance(inside, dict | list):
            return _candidates(inside, kind, depth - 1)
    return [answer]


def _item(value: dict[str, Any], kind: Kind, key: str) -> Item:
    match kind:
        case Kind.CAMPAIGN:
            campaign = _read(value, _CampaignWire, kind)
            pool = _text(campaign.inbound_pool_id)
            return Campaign(_text(campaign.id), campaign.name, campaign.type, pool)
        case Kind.DISPO:
            dispo = _read(value, _DispoWire, kind)
            return Dispo(_text(dispo.id), dispo.name, dispo.type, dispo.contact, dispo.success)
        case Kind.ANI:
            return _ani(_read(value, _AniWire, kind), key)


def _ani(wire: _AniWire, key: str) -> Ani:
    """Without a country code in the answer the number is of the country that was asked for."""
    code = _text(wire.country_code) or PhoneNumber(key).country_code
    number = parse_ani_number(_text(wire.number), code if code.startswith("+") else f"+{code}")
    if number is None:
        raise BadAnswerError("the answer's number is not one of the country it names")
    return Ani(
        number=number,
        inbound_group_id=_text(wire.inbound_group_id),
        is_branded=bool(wire.is_branded),
        brand_name=wire.brand_name or "",
    )


def _read(value: dict[str, Any], wire: type[T], kind: Kind) -> T:
    try:
        return msgspec.convert(value, type=wire, strict=False)
    except msgspec.ValidationError as error:
        # Without its cause: the text may repeat a number.
        raise BadAnswerError(f"the answer's {SINGULAR[kind]} makes no sense: {plain(str(error))}") from None


def _text(value: str | int | None) -> str:
    return "" if value is None else str(value)


def _same_digits(item: Item, key: str) -> bool:
    """Whether `item` is the number of another country that the API cannot tell from the one asked for."""
    return isinstance(item, Ani) and item.number.national == PhoneNumber(key).national
