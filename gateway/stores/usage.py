"""How often each number was used: the counters of all processes that share one engine's database."""

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date

from gateway.model.phone import PhoneNumber
from gateway.stores.shared import News, last_mark, next_mark
from gateway.stores.sqlite import Migration, Row, SqliteDatabase, Transaction

HOUR_S = 3_600.0
OF_HOURS: Migration = (
    "ALTER TABLE usage ADD COLUMN hour_began REAL NOT NULL DEFAULT 0",
    "ALTER TABLE usage ADD COLUMN hour_uses INTEGER NOT NULL DEFAULT 0",
)
SHARED: Migration = (
    "ALTER TABLE usage ADD COLUMN written INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX usage_written ON usage (written)",
)
_COLUMNS = "number, day, count, last_used, hour_began, hour_uses"


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


def added(one: Usage, other: Usage) -> Usage:
    """Both uses of one number together; of two days or hours only the later counts."""
    early, late = sorted((one, other), key=lambda usage: usage.last_used_s)
    day, count = late.day, late.count
    if early.day == late.day:
        count += early.count
    elif early.day > late.day:  # a clock or a time zone was set back
        day, count = early.day, early.count
    began, uses = late.hour_began_s, late.hour_uses
    if early.hour_uses and late.last_used_s - early.hour_began_s < HOUR_S:
        began, uses = early.hour_began_s, early.hour_uses + uses
    return Usage(late.number, day, count, late.last_used_s, began, uses)


class UsageStore:
    """Reads and writes through the engine's database."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def load(self) -> News[Usage]:
        """One entry for each number ever used. Blocks. Raises `StoreError`."""

        def work(transaction: Transaction) -> News[Usage]:
            rows = transaction.execute(f"SELECT {_COLUMNS} FROM usage")  # noqa: S608 - a constant
            return News(list(map(_usage, rows)), last_mark(transaction, "usage"))

        return self._database.run(work)

    def add(self, uses: Iterable[Usage], mark: int) -> Future[News[Usage]]:
        """Add these uses to the counters soon, without blocking. Raises `StoreError`.

        Gives what others used since `mark`, with these uses in it.
        """
        ours = list(uses)

        def work(transaction: Transaction) -> News[Usage]:
            changed = transaction.execute(
                f"SELECT {_COLUMNS} FROM usage WHERE written > ?",  # noqa: S608 - a constant
                (mark,),
            )
            others = {row[0]: _usage(row) for row in changed}
            new_mark = next_mark(transaction, "usage")
            for use in ours:
                total = _add(transaction, use, new_mark)
                if use.number.e164 in others:
                    others[use.number.e164] = total
            return News(list(others.values()), new_mark)

        return self._database.write(work)


def _add(transaction: Transaction, use: Usage, mark: int) -> Usage:
    rows = transaction.execute(
        f"SELECT {_COLUMNS} FROM usage WHERE number = ?",  # noqa: S608 - a constant
        (use.number.e164,),
    )
    total = added(_usage(rows[0]), use) if rows else use
    transaction.execute(
        f"REPLACE INTO usage ({_COLUMNS}, written) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
        (
            total.number.e164,
            total.day.isoformat(),
            total.count,
            total.last_used_s,
            total.hour_began_s,
            total.hour_uses,
            mark,
        ),
    )
    return total


def _usage(row: Row) -> Usage:
    number, day, count, last_used, hour_began, hour_uses = row
    return Usage(PhoneNumber(number), date.fromisoformat(day), count, last_used, hour_began, hour_uses)
