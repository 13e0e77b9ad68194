"""Inventory and usage counters in one database: what the engine must not forget."""

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date

from gateway.model.inventory import Ani, Campaign, CampaignType, Dispo, DispoType, Inventory
from gateway.model.phone import PhoneNumber
from gateway.stores import engine_dials
from gateway.stores.sqlite import Migration, SqliteDatabase, Transaction

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
)


@dataclass(frozen=True, slots=True)
class Usage:
    """How often a number was handed out on the last day it was used."""

    number: PhoneNumber
    day: date
    count: int
    last_used_s: float
    """Unix time."""


class InventoryStore:
    """Reads and writes through a database opened with `MIGRATIONS`. Reads block."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def save(self, inventory: Inventory) -> None:
        """Insert or replace everything in `inventory`, in one transaction. Raises `StoreError`."""
        self._database.run(lambda transaction: _save(transaction, inventory))

    def load(self) -> Inventory:
        """Everything, ordered by id and number. Raises `StoreError`."""
        return self._database.run(_load)

    def load_usage(self) -> list[Usage]:
        """One entry for each number ever used. Raises `StoreError`."""
        rows = self._database.run(
            lambda transaction: transaction.execute("SELECT number, day, count, last_used FROM usage")
        )
        return [
            Usage(PhoneNumber(number), date.fromisoformat(day), count, last_used)
            for number, day, count, last_used in rows
        ]

    def save_usage(self, usage: Iterable[Usage]) -> Future[None]:
        """Replace these numbers' counters soon, without blocking. Raises `StoreError`."""
        rows = [(entry.number.e164, entry.day.isoformat(), entry.count, entry.last_used_s) for entry in usage]
        return self._database.write(
            lambda transaction: transaction.execute_many("REPLACE INTO usage VALUES (?, ?, ?, ?)", rows)
        )


def _save(transaction: Transaction, inventory: Inventory) -> None:
    transaction.execute_many(
        "REPLACE INTO campaigns VALUES (?, ?, ?, ?)",
        ((row.id, row.name, row.type.value, row.inbound_pool_id) for row in inventory.campaigns),
    )
    transaction.execute_many(
        "REPLACE INTO dispos VALUES (?, ?, ?, ?, ?)",
        ((row.id, row.name, row.type.value, row.contact, row.success) for row in inventory.dispos),
    )
    transaction.execute_many("REPLACE INTO anis VALUES (?, ?, ?, ?, ?)", map(_ani_row, inventory.anis))


def _ani_row(ani: Ani) -> tuple[str, str, bool, str, str | None]:
    paused_until = None if ani.paused_until is None else ani.paused_until.isoformat()
    return ani.number.e164, ani.inbound_group_id, ani.is_branded, ani.brand_name, paused_until


def _load(transaction: Transaction) -> Inventory:
    campaigns = transaction.execute("SELECT id, name, type, inbound_pool_id FROM campaigns ORDER BY id")
    dispos = transaction.execute("SELECT id, name, type, contact, success FROM dispos ORDER BY id")
    anis = transaction.execute(
        "SELECT number, inbound_group_id, is_branded, brand_name, paused_until FROM anis ORDER BY number"
    )
    return Inventory(
        tuple(Campaign(key, name, CampaignType(kind), pool) for key, name, kind, pool in campaigns),
        tuple(
            Dispo(key, name, DispoType(kind), bool(contact), bool(success))
            for key, name, kind, contact, success in dispos
        ),
        tuple(
            Ani(PhoneNumber(number), group, bool(branded), brand, until and date.fromisoformat(until))
            for number, group, branded, brand, until in anis
        ),
    )
