"""Campaigns, dispositions and ANIs as rows: what happens to them inside one transaction.

Every write counts the inventory's version up, by which other processes see that they must read it again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.model.inventory import (
    Ani,
    Campaign,
    CampaignType,
    Dispo,
    DispoType,
    Inventory,
    Item,
    Kind,
    key_of,
    kind_of,
)
from gateway.model.inventory_change import Change, changed, key_changed, kind_changed
from gateway.model.phone import PhoneNumber
from gateway.stores.sqlite import Migration, Row, Transaction, Value

MIGRATION: Migration = (
    "CREATE TABLE inventory_version (version INTEGER NOT NULL) STRICT",
    "INSERT INTO inventory_version VALUES (0)",
)


@dataclass(frozen=True, slots=True)
class Replaced:
    """An item before and after a change."""

    before: Item
    after: Item


@dataclass(frozen=True, slots=True)
class _Table:
    columns: str
    """The key first; names are constants of this file, never from outside."""
    to_row: Callable[[Any], tuple[Value, ...]]
    from_row: Callable[[Row], Item]

    @property
    def key(self) -> str:
        return self.columns.partition(",")[0]

    @property
    def marks(self) -> str:
        return ", ".join("?" * len(self.columns.split(",")))


def save(transaction: Transaction, inventory: Inventory) -> None:
    """Insert or replace everything in `inventory`."""
    for kind, items in _parts(inventory):
        table = _TABLES[kind]
        transaction.execute_many(
            f"REPLACE INTO {kind.value} ({table.columns}) VALUES ({table.marks})",  # noqa: S608 - constants
            map(table.to_row, items),
        )
    _count_up(transaction)


def load(transaction: Transaction) -> Inventory:
    """Everything, ordered by key."""
    found: dict[str, Any] = {kind.value: tuple(list_all(transaction, kind)) for kind in Kind}
    return Inventory(**found)


def list_all(transaction: Transaction, kind: Kind) -> list[Item]:
    """Everything of a kind, ordered by key."""
    table = _TABLES[kind]
    rows = transaction.execute(f"SELECT {table.columns} FROM {kind.value} ORDER BY {table.key}")  # noqa: S608 - constants
    return [table.from_row(row) for row in rows]


def get(transaction: Transaction, kind: Kind, key: str) -> Item | None:
    """The item with that key."""
    table = _TABLES[kind]
    rows = transaction.execute(
        f"SELECT {table.columns} FROM {kind.value} WHERE {table.key} = ?",  # noqa: S608 - constants
        (key,),
    )
    return table.from_row(rows[0]) if rows else None


def create(transaction: Transaction, item: Item) -> bool:
    """Add `item`, unless its key is taken."""
    kind = kind_of(item)
    if get(transaction, kind, key_of(item)) is not None:
        return False
    _put(transaction, item)
    return True


def update(transaction: Transaction, change: Change) -> Replaced | None:
    """Make `change`, when there is something to change."""
    before: Any = get(transaction, kind_changed(change), key_changed(change))
    if before is None:
        return None
    after = changed(before, change)
    _put(transaction, after)
    return Replaced(before, after)


def delete(transaction: Transaction, kind: Kind, key: str) -> Item | None:
    """Take the item out."""
    before = get(transaction, kind, key)
    if before is None:
        return None
    table = _TABLES[kind]
    transaction.execute(f"DELETE FROM {kind.value} WHERE {table.key} = ?", (key,))  # noqa: S608 - constants
    _count_up(transaction)
    return before


def version(transaction: Transaction) -> int:
    """How often the inventory was written."""
    return int(transaction.execute("SELECT version FROM inventory_version")[0][0])


def _put(transaction: Transaction, item: Item) -> None:
    kind = kind_of(item)
    table = _TABLES[kind]
    transaction.execute(
        f"REPLACE INTO {kind.value} ({table.columns}) VALUES ({table.marks})",  # noqa: S608 - constants
        table.to_row(item),
    )
    _count_up(transaction)


def _count_up(transaction: Transaction) -> None:
    transaction.execute("UPDATE inventory_version SET version = version + 1")


def _parts(inventory: Inventory) -> Iterable[tuple[Kind, tuple[Item, ...]]]:
    yield Kind.CAMPAIGN, inventory.campaigns
    yield Kind.DISPO, inventory.dispos
    yield Kind.ANI, inventory.anis


def _campaign_row(item: Campaign) -> tuple[Value, ...]:
    return item.id, item.name, item.type.value, item.inbound_pool_id


def _dispo_row(item: Dispo) -> tuple[Value, ...]:
    return item.id, item.name, item.type.value, item.contact, item.success


def _ani_row(item: Ani) -> tuple[Value, ...]:
    paused_until = None if item.paused_until is None else item.paused_until.isoformat()
    return item.number.e164, item.inbound_group_id, item.is_branded, item.brand_name, paused_until


def _campaign(row: Row) -> Campaign:
    key, name, kind, pool = row
    return Campaign(key, name, CampaignType(kind), pool)


def _dispo(row: Row) -> Dispo:
    key, name, kind, contact, success = row
    return Dispo(key, name, DispoType(kind), bool(contact), bool(success))


def _ani(row: Row) -> Ani:
    number, group, branded, brand, until = row
    return Ani(PhoneNumber(number), group, bool(branded), brand, until and date.fromisoformat(until))


_TABLES = {
    Kind.CAMPAIGN: _Table("id, name, type, inbound_pool_id", _campaign_row, _campaign),
    Kind.DISPO: _Table("id, name, type, contact, success", _dispo_row, _dispo),
    Kind.ANI: _Table("number, inbound_group_id, is_branded, brand_name, paused_until", _ani_row, _ani),
}
