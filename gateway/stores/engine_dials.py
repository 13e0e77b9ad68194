"""The dials the engine keeps, in its own database, to learn how often each number reaches people."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from gateway.model.dial import Dial
from gateway.stores.sqlite import Migration, SqliteDatabase, Transaction

MIGRATION: Migration = (
    """CREATE TABLE dials (
        dial_id TEXT PRIMARY KEY, at REAL NOT NULL, ani TEXT NOT NULL, prospect_phone TEXT NOT NULL,
        campaign_id TEXT NOT NULL, disposition_name TEXT NOT NULL, talk_s REAL
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX dials_at ON dials (at)",
)
PLACES_MIGRATION: Migration = (
    "ALTER TABLE dials ADD COLUMN zip TEXT NOT NULL DEFAULT ''",
    # Covers what is asked of single numbers, so that the rows themselves need not be read.
    "CREATE INDEX dials_ani ON dials (ani, at, disposition_name)",
)
# Each dial kept takes at most this many old ones away, so that no write is a long one.
_PRUNED_PER_DIAL = 2


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

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def keep(self, dials: Sequence[Dial], *, forget_before: float) -> Future[None]:
        """Insert or replace `dials`, and forget some that are older than `forget_before` (epoch seconds).

        Done when it is on disk. Fails with, or raises, `StoreError`.
        """
        rows = [
            (
                dial.dial_id,
                dial.at,
                dial.ani,
                dial.prospect_phone,
                dial.campaign_id,
                dial.disposition_name,
                dial.talk_s,
                dial.zip,
            )
            for dial in dials
        ]

        def work(transaction: Transaction) -> None:
            transaction.execute_many(
                "REPLACE INTO dials"
                " (dial_id, at, ani, prospect_phone, campaign_id, disposition_name, talk_s, zip)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            transaction.execute(
                "DELETE FROM dials WHERE dial_id IN (SELECT dial_id FROM dials WHERE at < ? LIMIT ?)",
                (forget_before, len(rows) * _PRUNED_PER_DIAL),
            )

        return self._database.write(work)

    def contact_counts(self, *, since: float) -> list[ContactCount]:
        """How each number did since then (epoch seconds), by number. Blocks. Raises `StoreError`.

        A dial's disposition is looked up by id, then by name, as the inventory has it now: a flag that is
        mended counts for the past too.
        """
        rows = self._database.run(
            lambda transaction: transaction.execute(
                "SELECT ani, count(contact), coalesce(sum(contact), 0) FROM ("
                " SELECT ani, coalesce("
                "  (SELECT contact FROM dispos WHERE id = disposition_name),"
                "  (SELECT max(contact) FROM dispos WHERE name = disposition_name)) AS contact"
                " FROM dials WHERE at >= ?"
                ") GROUP BY ani HAVING count(contact) > 0 ORDER BY ani",
                (since,),
            )
        )
        return [ContactCount(*row) for row in rows]
