"""What the engine's database tells of its numbers today: how often each was shown, which ones rest.

One piece of work on the database's thread: about 70 ms for 100,000 numbers that were all used today.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date

from gateway.stores.sqlite import SqliteDatabase, Transaction

_HOUR_S = 3_600.0


@dataclass(frozen=True, slots=True)
class RestLimits:
    """When a number rests; `now` in seconds since the epoch."""

    now: float
    cool_down_s: float
    hourly_cap: int
    """0: there is none."""


@dataclass(frozen=True, slots=True)
class Resting:
    """A number that is not shown now. One of the two is there."""

    number: str
    """E.164 with plus."""
    until: float | None
    """Seconds since the epoch."""
    paused_until: date | None


@dataclass(frozen=True, slots=True)
class UsageToday:
    """All numbers together, and some of them."""

    numbers: int
    """In the inventory, paused ones included."""
    uses: int
    """Today, of all numbers."""
    busiest: Sequence[tuple[str, int]]
    """The numbers used most today and how often, the first the most."""
    resting: Sequence[Resting]


class EngineUsageStore:
    """Reads through the engine's database."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def today(self, day: date, limits: RestLimits, *, most: int, most_resting: int) -> Future[UsageToday]:
        """Uses on `day`, with up to `most` numbers. May fail with `StoreError`."""
        return self._database.write(lambda transaction: _today(transaction, day, limits, most, most_resting))


def _today(
    transaction: Transaction, day: date, limits: RestLimits, most: int, most_resting: int
) -> UsageToday:
    today = day.isoformat()
    numbers = transaction.execute("SELECT count(*) FROM anis")[0][0]
    uses = transaction.execute("SELECT coalesce(sum(count), 0) FROM usage WHERE day = ?", (today,))[0][0]
    busiest = transaction.execute(
        "SELECT number, count FROM usage WHERE day = ? AND number IN (SELECT number FROM anis)"
        " ORDER BY count DESC, number LIMIT ?",
        (today, most),
    )
    return UsageToday(
        numbers,
        uses,
        [(row[0], row[1]) for row in busiest],
        _resting(transaction, today, limits, most_resting),
    )


def _resting(transaction: Transaction, today: str, limits: RestLimits, most: int) -> list[Resting]:
    now, cap = limits.now, limits.hourly_cap
    rows = transaction.execute(
        "SELECT number, max(last_used + ?,"
        " CASE WHEN ? > 0 AND hour_uses >= ? THEN hour_began + ? ELSE 0 END) AS until"
        " FROM usage WHERE until > ? AND number IN (SELECT number FROM anis) ORDER BY until DESC LIMIT ?",
        (limits.cool_down_s, cap, cap, _HOUR_S, now, most),
    )
    paused = transaction.execute(
        "SELECT number, paused_until FROM anis WHERE paused_until > ? ORDER BY number LIMIT ?", (today, most)
    )
    found = [Resting(number, None, date.fromisoformat(until)) for number, until in paused]
    return [*found, *(Resting(number, until, None) for number, until in rows)][:most]
