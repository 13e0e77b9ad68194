"""Turns rows of text into inventory, whatever file or request they came from.

A row is field name -> text; what is wrong with it is said in words, with the mend. Names and closed sets are
those of the vendors' documents (`model.inventory`).
"""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import TypeVar

from gateway.model.inventory import Ani, Campaign, CampaignType, Dispo, DispoType, parse_ani_number

E = TypeVar("E", bound=StrEnum)
Row = Mapping[str, str]

CAMPAIGN_FIELDS = ("id", "name", "type", "inbound_pool_id")
DISPO_FIELDS = ("id", "name", "type", "contact", "success")
ANI_FIELDS = (
    "number",
    "country_code",
    "inbound_group_id",
    "is_branded",
    "brand_name",
    # Accepted and not kept, as the vendors do.
    "carrier_id",
    "paused_until",
)
_TRUE = {"true", "yes", "1", "on"}
_FALSE = {"false", "no", "0", "off", ""}
# Longer than any real id or name; keeps one bad cell from filling the database.
_MAX_TEXT = 200


class RowError(ValueError):
    """What is wrong with a row, and how to mend it."""


def unknown_fields(names: Iterable[str], known: tuple[str, ...]) -> str:
    """The complaint about names that are not in `known`, "" when there are none."""
    unknown = [f'"{name}"' for name in names if name not in known]
    return f"unknown field {', '.join(unknown)}; known are {', '.join(known)}" if unknown else ""


def campaign(row: Row) -> Campaign:
    """A campaign. Raises `RowError`."""
    return Campaign(
        id=_required(row, "id"),
        name=_required(row, "name"),
        type=_member(row, CampaignType),
        inbound_pool_id=_text(row, "inbound_pool_id"),
    )


def dispo(row: Row) -> Dispo:
    """A disposition. Raises `RowError`."""
    return Dispo(
        id=_required(row, "id"),
        name=_required(row, "name"),
        type=_member(row, DispoType),
        contact=_flag(row, "contact"),
        success=_flag(row, "success"),
    )


def ani(row: Row) -> Ani:
    """An ANI. Raises `RowError`."""
    written, country = _required(row, "number"), _country(row)
    number = parse_ani_number(written, country)
    if number is None:
        raise RowError(
            f'number "{written}" cannot be a {country or "+1 or +44"} number; '
            "write all its digits (a spreadsheet must format the column as text)"
        )
    return Ani(
        number=number,
        inbound_group_id=_text(row, "inbound_group_id"),
        is_branded=_flag(row, "is_branded"),
        brand_name=_text(row, "brand_name"),
        paused_until=_day(row, "paused_until"),
    )


def _text(row: Row, name: str) -> str:
    text = row.get(name, "").strip()
    if len(text) > _MAX_TEXT:
        raise RowError(f"{name} has {len(text)} characters; shorten it to {_MAX_TEXT}")
    return text


def _required(row: Row, name: str) -> str:
    text = _text(row, name)
    if not text:
        raise RowError(f"{name} is missing; give it a value")
    return text


def _member(row: Row, kind: type[E]) -> E:
    text = _required(row, "type")
    for member in kind:
        if member.value.lower() == text.lower():
            return member
    raise RowError(f'type "{text}" is unknown; write {", ".join(kind)}')


def _flag(row: Row, name: str) -> bool:
    text = _text(row, name).lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise RowError(f'{name} "{text}" is neither true nor false; write one of them')


def _country(row: Row) -> str:
    text = _text(row, "country_code").lstrip("+")
    if text in {"", "1", "44"}:
        return text and "+" + text
    raise RowError(f'country_code "{text}" is not covered; write +1 or +44')


def _day(row: Row, name: str) -> date | None:
    text = _text(row, name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise RowError(f'{name} "{text}" is no date; write YYYY-MM-DD') from None
