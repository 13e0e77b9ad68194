"""What the engine's database can tell of numbers and dials: pages of numbers, tallies, where dials went.

Everything runs on the database's own thread, which also writes the usage counters and the dials. So each call
here is a short piece of work, bounded by rows; who wants more asks again, and others have their turn between.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

import orjson

from gateway.model.phone import PhoneNumber
from gateway.stores.sqlite import Migration, Row, SqliteDatabase, Transaction

# As long as geography needs it to tell places apart.
_PREFIX = "substr({0}, 1, CASE WHEN {0} LIKE '+1%' THEN 5 ELSE 11 END)"
MIGRATION: Migration = (
    """CREATE TABLE ani_history (
        number TEXT PRIMARY KEY, inventoried_at REAL NOT NULL, assigned INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE ani_acts (
        number TEXT NOT NULL, act TEXT NOT NULL, at REAL NOT NULL, carrier TEXT NOT NULL, note TEXT NOT NULL,
        PRIMARY KEY (number, act)
    ) STRICT, WITHOUT ROWID""",
    """INSERT INTO ani_history SELECT number, CAST(strftime('%s', 'now') AS REAL),
        coalesce((SELECT count FROM usage WHERE usage.number = anis.number), 0) FROM anis""",
    # Triggers, because numbers come in by files, commands and requests, and none of them may forget it. What
    # fires them may be a REPLACE, whose rule for conflicts would hold here too: so no conflict is made.
    """CREATE TRIGGER ani_inventoried BEFORE INSERT ON anis
        WHEN NOT EXISTS (SELECT 1 FROM ani_history WHERE number = NEW.number)
    BEGIN
        INSERT INTO ani_history VALUES (NEW.number, CAST(strftime('%s', 'now') AS REAL), 0);
    END""",
    """CREATE TRIGGER ani_taken_out AFTER DELETE ON anis BEGIN
        DELETE FROM ani_history WHERE number = OLD.number;
        DELETE FROM ani_acts WHERE number = OLD.number;
    END""",
    # `usage` has the count of one day; this has the sum of all days.
    """CREATE TRIGGER ani_assigned BEFORE INSERT ON usage BEGIN
        UPDATE ani_history SET assigned = assigned + NEW.count - coalesce(
            (SELECT count FROM usage WHERE number = NEW.number AND day = NEW.day), 0
        ) WHERE number = NEW.number;
    END""",
)


class Act(StrEnum):
    """What somebody did about a number; the last one of each is remembered."""

    REMEDIATE = "remediate"
    PAUSE = "pause"
    ACTIVATE = "activate"


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """One number and what is known of it beside its dials. Times are seconds since the epoch."""

    number: PhoneNumber
    group: str
    campaign_name: str
    """Of the campaign the group is; "" when it is none."""
    brand: str
    paused_until: date | None
    inventoried_at: float
    assigned: int
    """How often it was handed out, ever."""
    acts: Mapping[Act, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NumberPage:
    """Some of the numbers, in their order."""

    numbers: Sequence[NumberFacts]
    total: int
    """How many there are on all pages."""


@dataclass(frozen=True, slots=True)
class DispositionTally:
    """Dials of one number that ended with one disposition."""

    number: str
    """E.164 with plus."""
    disposition: str
    dials: int
    recent: int
    last_at: float


@dataclass(frozen=True, slots=True)
class DialPlace:
    """Dials alike in everything a plan asks for."""

    prefix: str
    """How the number begins: country and area code for +1, ten digits for others, with plus."""
    zip: str
    """The prospect's; "" when it was not told or not asked for."""
    campaign_id: str
    disposition: str
    dials: int
    without_zip: int
    """Those of `dials` whose zip was not told."""


@dataclass(frozen=True, slots=True)
class DialSlice:
    """A part of the dials of some time."""

    places: Sequence[DialPlace]
    last: "Place | None"
    """Where the next part begins; `None` when this was the last one."""


Place = tuple[float, str]
"""Between two dials in the order of time: everything up to this time and dial id is before it."""


class EngineStatisticsStore:
    """Reads through the engine's database. Every future may fail with `StoreError`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def numbers(self, *, digits: str, skip: int, most: int) -> Future[NumberPage]:
        """Up to `most` numbers after the first `skip`, of those with `digits` in them.

        All are read to count them: about 20 ms for 100,000.
        """
        return self._database.write(lambda transaction: _numbers(transaction, digits, skip, most))

    def tallies(self, numbers: Sequence[str], *, recent_since: float) -> Future[list[DispositionTally]]:
        """How the dials of these numbers (E.164 with plus) ended. `recent_since`: seconds since the epoch."""
        return self._database.write(lambda transaction: _tallies(transaction, numbers, recent_since))

    def note(self, number: str, act: Act, *, at: float, carrier: str, note: str) -> Future[None]:
        """Remember what was done about a number, in place of the last act of its kind."""
        return self._database.write(
            lambda transaction: _note(transaction, (number, act.value, at, carrier, note))
        )

    def note_unless_since(
        self, number: str, act: Act, *, at: float, since: float, carrier: str, note: str
    ) -> Future[bool | None]:
        """As `note`; false, and nothing done, when it was done since then; `None` without such a number."""

        def work(transaction: Transaction) -> bool | None:
            if not transaction.execute("SELECT 1 FROM anis WHERE number = ?", (number,)):
                return None
            if transaction.execute(
                "SELECT 1 FROM ani_acts WHERE number = ? AND act = ? AND at > ?", (number, act.value, since)
            ):
                return False
            _note(transaction, (number, act.value, at, carrier, note))
            return True

        return self._database.write(work)

    def number_prefixes(self, *, paused_on: date | None) -> Future[dict[str, int]]:
        """How many numbers begin so (`DialPlace.prefix`); with a date, without those paused on that day."""
        return self._database.write(lambda transaction: _number_prefixes(transaction, paused_on))

    def dial_places(
        self, *, after: Place, before: float, most: int, by_ani: bool, by_zip: bool
    ) -> Future[DialSlice]:
        """Where up to `most` dials went, in the order of time, from `after` on and before that time.

        `by_ani` takes the prefix of the number shown and not of the prospect's; `by_zip` tells zips apart.
        """
        return self._database.write(
            lambda transaction: _dial_places(transaction, after, before, most, by_ani=by_ani, by_zip=by_zip)
        )


def _numbers(transaction: Transaction, digits: str, skip: int, most: int) -> NumberPage:
    (total,) = transaction.execute(
        "SELECT count(*) FROM anis WHERE ? = '' OR instr(number, ?)", (digits, digits)
    )[0]
    rows = transaction.execute(
        "SELECT number, inbound_group_id, coalesce(campaigns.name, ''), brand_name, paused_until,"
        " coalesce(inventoried_at, 0.0), coalesce(assigned, 0)"
        " FROM (SELECT * FROM anis WHERE ? = '' OR instr(number, ?) ORDER BY number LIMIT ? OFFSET ?)"
        " LEFT JOIN campaigns ON campaigns.id = inbound_group_id LEFT JOIN ani_history USING (number)"
        " ORDER BY number",
        (digits, digits, most, skip),
    )
    acts: dict[str, dict[Act, float]] = {}
    for number, act, at in transaction.execute(
        "SELECT number, act, at FROM ani_acts WHERE number IN (SELECT value FROM json_each(?))",
        (_listed([row[0] for row in rows]),),
    ):
        acts.setdefault(number, {})[Act(act)] = at
    return NumberPage([_facts(row, acts.get(row[0], {})) for row in rows], total)


def _facts(row: Row, acts: Mapping[Act, float]) -> NumberFacts:
    number, group, campaign, brand, until, inventoried_at, assigned = row
    paused_until = until and date.fromisoformat(until)
    return NumberFacts(
        PhoneNumber(number), group, campaign, brand, paused_until, inventoried_at, assigned, acts
    )


def _tallies(transaction: Transaction, numbers: Sequence[str], recent_since: float) -> list[DispositionTally]:
    rows = transaction.execute(
        "SELECT ani, disposition_name, count(*), sum(at >= ?), max(at) FROM dials"
        " WHERE ani IN (SELECT value FROM json_each(?)) GROUP BY ani, disposition_name",
        (recent_since, _listed(numbers)),
    )
    return [DispositionTally(*row) for row in rows]


def _note(transaction: Transaction, row: tuple[str, str, float, str, str]) -> None:
    transaction.execute("REPLACE INTO ani_acts (number, act, at, carrier, note) VALUES (?, ?, ?, ?, ?)", row)


def _number_prefixes(transaction: Transaction, paused_on: date | None) -> dict[str, int]:
    day = None if paused_on is None else paused_on.isoformat()
    rows = transaction.execute(
        f"SELECT {_PREFIX.format('number')}, count(*) FROM anis"  # noqa: S608 - a constant
        " WHERE ? IS NULL OR paused_until IS NULL OR paused_until <= ? GROUP BY 1",
        (day, day),
    )
    return dict(rows)


def _dial_places(
    transaction: Transaction, after: Place, before: float, most: int, *, by_ani: bool, by_zip: bool
) -> DialSlice:
    ends = transaction.execute(
        "SELECT at, dial_id FROM dials WHERE (at, dial_id) > (?, ?) AND at < ?"
        " ORDER BY at, dial_id LIMIT 1 OFFSET ?",
        (*after, before, most - 1),
    )
    last = ends[0] if ends else None
    prefix = _PREFIX.format("ani" if by_ani else "prospect_phone")
    rows = transaction.execute(
        f"SELECT {prefix}, CASE WHEN ? THEN zip ELSE '' END, campaign_id, disposition_name,"  # noqa: S608 - constants
        " count(*), sum(zip = '') FROM dials WHERE (at, dial_id) > (?, ?) AND"
        f" {'(at, dial_id) <= (?, ?)' if last else 'at < ?'} GROUP BY 1, 2, 3, 4",
        (by_zip, *after, *(last or (before,))),
    )
    return DialSlice([DialPlace(*row) for row in rows], last)


def _listed(numbers: Sequence[str]) -> str:
    return orjson.dumps(list(numbers)).decode()
