"""The dials the engine keeps, in its own database, to learn how often each number reaches people."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from gateway.model.dial import Dial
from gateway.stores import outdial_target_rows
from gateway.stores.outdial_target_rows import Tried
from gateway.stores.sqlite import Migration, SqliteDatabase, Transaction

MIGRATION: Migration = (
    """CREATE TABLE dials (
        dial_id TEXT PRIMARY KEY, at REAL NOT NULL, ani TEXT NOT NULL, prospect_phone TEXT NOT NULL,
        campaign_id TEXT NOT NULL, disposition_name TEXT NOT NULL, talk_s REAL
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX dials_at ON dials (at)",
)
PLACES: Migration = ("ALTER TABLE dials ADD COLUMN zip TEXT NOT NULL DEFAULT ''",)
"""Lets a plan tell dials apart by the prospect's zip."""
BY_NUMBER: Migration = ("CREATE INDEX dials_ani ON dials (ani, disposition_name, at)",)
"""Lets contacts be counted number by number, without a look at the rest of a row."""
# Numbers counted in one piece of work: at 75 dials a day and 30 days, 60,000 dials in about 10 ms.
_PAGE = 25
# Each dial kept takes at most this many old ones away, so that no write is a long one.
_PRUNED_PER_DIAL = 2
# A prospect who calls is no try; told in any case of letters.
_INBOUND = "inbound"


@dataclass(frozen=True, slots=True)
class ContactCount:
    """How one number did."""

    ani: str
    """E.164 with plus."""
    dials: int
    """Those whose disposition the inventory knows; the others say nothing."""
    contacts: int
    """Those of them whose disposition has the `contact` flag."""


class EngineDialStore:
    """Reads and writes through the engine's database."""

    def __init__(self, database: SqliteDatabase, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def keep(self, dials: Sequence[Dial], *, forget_before: float) -> Future[None]:
        """Insert or replace `dials`, and forget some that are older than `forget_before` (epoch seconds).

        Targets of outdials with the prospect's number count a try. Done when it is on disk. Fails with, or
        raises, `StoreError`.
        """
        now = int(self._clock() * 1_000_000)

        def work(transaction: Transaction) -> None:
            for dial in dials:
                _count_try(transaction, dial, now)
                _put(transaction, dial)
            transaction.execute(
                "DELETE FROM dials WHERE dial_id IN (SELECT dial_id FROM dials WHERE at < ? LIMIT ?)",
                (forget_before, len(dials) * _PRUNED_PER_DIAL),
            )

        return self._database.write(work)

    def contact_counts(self, *, since: float) -> list[ContactCount]:
        """How each number did since then (epoch seconds), by number. Blocks. Raises `StoreError`.

        A dial's disposition is looked up by id, then by name, as the inventory has it now: a flag that is
        mended counts for the past too. Reads a few numbers at a time, so that writes come in between.
        """
        counts: list[ContactCount] = []
        after = ""
        while page := self._database.run(partial(_page, after=after, since=since)):
            after = page.last
            counts.extend(page.counts)
        return counts


@dataclass(frozen=True, slots=True)
class _Page:
    last: str
    counts: list[ContactCount]


def _page(transaction: Transaction, *, after: str, since: float) -> _Page | None:
    """The next numbers after `after`; `None` at the end."""
    last = transaction.execute(
        "SELECT max(ani) FROM (SELECT DISTINCT ani FROM dials WHERE ani > ? ORDER BY ani LIMIT ?)",
        (after, _PAGE),
    )[0][0]
    if last is None:
        return None
    rows = transaction.execute(
        "SELECT ani, sum(dials), sum(dials * contact) FROM ("
        " SELECT ani, count(*) AS dials, coalesce("
        "  (SELECT contact FROM dispos WHERE id = disposition_name),"
        "  (SELECT max(contact) FROM dispos WHERE name = disposition_name)) AS contact"
        " FROM dials WHERE ani > ? AND ani <= ? AND at >= ? GROUP BY ani, disposition_name"
        ") WHERE contact IS NOT NULL GROUP BY ani ORDER BY ani",
        (after, last, since),
    )
    return _Page(last, [ContactCount(*row) for row in rows])


def _count_try(transaction: Transaction, dial: Dial, now: int) -> None:
    """Tell the targets of outdials, before the dial is kept: afterwards every dial is a known one."""
    if dial.call_direction.lower() == _INBOUND:
        return
    flags = transaction.execute(
        "SELECT max(contact OR success) FROM dispos WHERE id = ?1"
        " OR (name = ?1 AND NOT EXISTS (SELECT 1 FROM dispos WHERE id = ?1))",
        (dial.disposition_name,),
    )
    known = transaction.execute("SELECT 1 FROM dials WHERE dial_id = ?", (dial.dial_id,))
    tried = Tried(dial.prospect_phone, dial.campaign_id, reached=bool(flags[0][0]), is_repeat=bool(known))
    outdial_target_rows.note(transaction, tried, now)


def _put(transaction: Transaction, dial: Dial) -> None:
    transaction.execute(
        "REPLACE INTO dials (dial_id, at, ani, prospect_phone, campaign_id, disposition_name, talk_s, zip)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            dial.dial_id,
            dial.at,
            dial.ani,
            dial.prospect_phone,
            dial.campaign_id,
            dial.disposition_name,
            dial.talk_s,
            dial.zip,
        ),
    )
