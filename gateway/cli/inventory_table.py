"""How campaigns, dispositions and ANIs are shown: fields named as in the vendors' APIs and inventory files.

Numbers are in full: they are the user's own.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from gateway.cli.tables import put_json, put_table
from gateway.model.inventory import Ani, Campaign, Dispo, Item, Kind

FIELDS = {
    Kind.CAMPAIGN: ("id", "name", "type", "inbound_pool_id"),
    Kind.DISPO: ("id", "name", "type", "contact", "success"),
    Kind.ANI: ("number", "country_code", "inbound_group_id", "is_branded", "brand_name", "paused_until"),
}


def as_object(item: Item) -> dict[str, Any]:
    """For JSON."""
    match item:
        case Campaign():
            return {name: getattr(item, name) for name in FIELDS[Kind.CAMPAIGN]}
        case Dispo():
            return {name: getattr(item, name) for name in FIELDS[Kind.DISPO]}
        case Ani():
            told: dict[str, Any] = {name: getattr(item, name) for name in FIELDS[Kind.ANI]}
            return told | {"number": item.number.national, "paused_until": plain(item.paused_until)}


def plain(value: object) -> object:
    """A field's value for JSON: a day as `2026-12-01`."""
    return value.isoformat() if isinstance(value, date) else value


def shown(value: object) -> str:
    """A field's value for a table."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(plain(value))


def put_item(item: Item, *, as_json: bool) -> None:
    """Write one item."""
    if as_json:
        put_json(as_object(item))
    else:
        put_table(("field", "value"), [(name, shown(value)) for name, value in as_object(item).items()])


def put_items(kind: Kind, items: Sequence[Item], *, as_json: bool) -> None:
    """Write items of one kind."""
    told = [as_object(item) for item in items]
    if as_json:
        put_json(told)
    else:
        put_table(FIELDS[kind], (tuple(map(shown, each.values())) for each in told))
