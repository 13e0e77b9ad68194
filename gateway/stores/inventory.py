"""Inventory and usage counters in one database: what the engine must not forget."""

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date

from gateway.model.inventory import Inventory, Item, Kind
from gateway.model.inventory_change import Change
from gateway.model.phone import PhoneNumber
from gateway.stores import (
    engine_dials,
    engine_statistics,
    engine_sticky,
    inventory_items,
    outdial_rows,
)
from gateway.stores.inventory_items import Replaced
from gateway.stores.sqlite import Migration, SqliteDatabase

_USAGE_OF_HOURS: Migration = (
    "ALTER TABLE usage ADD COLUMN hour_began REAL NOT NULL DEFAULT 0",
    "ALTER TABLE usage ADD COLUMN hour_uses INTEGER NOT NULL DEFAULT 0",
)
MIGRATIONS: tuple[Migration, ...] = (
    (
        """CREATE TABLE campaigns (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, inbound_pool_id TEXT NOT NULL
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE dispos (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,
            contact INTEGER NOT NULL, success INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE anis (
            number TEXT PRIMARY KEY, inbound_group_id TEXT NOT NULL, is_branded INTEGER NOT NULL,
            brand_name TEXT NOT NULL, paused_until TEXT
        ) STRICT, WITHOUT ROWID""",
        """CREATE TABLE usage (
            number TEXT PRIMARY KEY, day TEXT NOT NULL, count INTEGER NOT NULL, last_used REAL NOT NULL
        ) STRICT, WITHOUT ROWID""",
    ),
    engine_dials.MIGRATION,
    inventory_items.MIGRATION,
    outdial_rows.MIGRATION,
    _USAGE_OF_HOURS,
    engine_sticky.MIGRATION,
    engine_dials.BY_NUMBER,
    engine_dials.PLACES,
    engine_statistics.MIGRATION,
)


@dataclass(frozen=True, slots=True)
class Usage:
    """How often a number was handed out on the last day it was used."""

    number: PhoneNumber
    day: date
    count: int
    last_used_s: float
    """Unix time."""
    hour_began_s: float = 0.0
    """Unix time of the first use of its last hour; 0 when hours are not counted."""
    hour_uses: int = 0
    """Uses in that hour."""


class InventoryStore:
    """Reads and writes through a database opened with `MIGRATIONS`. Reads block."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def save(self, inventory: Inventory) -> None:
        """Insert or replace everything in `inventory`, in one transaction. Raises `StoreError`."""
        self._database.run(lambda transaction: inventory_items.save(transaction, inventory))

    def load(self) -> Inventory:
        """Everything, ordered by id and number. Raises `StoreError`."""
        return self._database.run(inventory_items.load)

    def create(self, item: Item) -> Future[bool]:
        """Add `item`; false, and nothing changed, when its key is taken. Raises `StoreError`."""
        return self._database.write(lambda transaction: inventory_items.create(transaction, item))

    def get(self, kind: Kind, key: str) -> Future[Item | None]:
        """The item with that key. Raises `StoreError`."""
        return self._database.write(lambda transaction: inventory_items.get(transaction, kind, key))

    def update(self, change: Change) -> Future[Replaced | None]:
        """Make `change`; the item before and after, `None` when there is none. Raises `StoreError`."""
        return self._database.write(lambda transaction: inventory_items.update(transaction, change))

    def delete(self, kind: Kind, key: str) -> Future[Item | None]:
        """Take the item out; what it was, `None` when there was none. Raises `StoreError`."""
        return self._database.write(lambda transaction: inventory_items.delete(transaction, kind, key))

    def list_all(self, kind: Kind) -> Future[list[Item]]:
        """Everything of a kind, ordered by key. Raises `StoreError`."""
        return self._database.write(lambda transaction: inventory_items.list_all(transaction, kind))

    def version(self) -> Future[int]:
        """A count that grows with every write of any process, usage aside. Raises `StoreError`."""
        return self._database.write(inventory_items.version)

    def load_usage(self) -> list[Usage]:
        """One entry for each number ever used. Raises `StoreError`."""
        rows = self._database.run(
            lambda transaction: transaction.execute(
                "SELECT number, day, count, last_used, hour_began, hour_uses FROM usage"
            )
        )
        return [
            Usage(PhoneNumber(number), date.fromisoformat(day), count, last_used, hour_began, hour_uses)
            for number, day, count, last_used, hour_began, hour_uses in rows
        ]

    def save_usage(self, usage: Iterable[Usage]) -> Future[None]:
        """Replace these numbers' counters soon, without blocking. Raises `StoreError`."""
        rows = [
            (
                entry.number.e164,
                entry.day.isoformat(),
                entry.count,
                entry.last_used_s,
                entry.hour_began_s,
                entry.hour_uses,
            )
            for entry in usage
        ]
        return self._database.write(
            lambda transaction: transaction.execute_many("REPLACE INTO usage VALUES (?, ?, ?, ?, ?, ?)", rows)
        )
