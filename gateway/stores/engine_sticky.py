"""Which number each prospect saw last, on disk in the engine's database."""

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from gateway.stores.shared import News, last_mark, next_mark
from gateway.stores.sqlite import Migration, SqliteDatabase, Transaction

MIGRATION: Migration = (
    """CREATE TABLE sticky (
        prospect TEXT PRIMARY KEY, number TEXT NOT NULL, seen REAL NOT NULL
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX sticky_seen ON sticky (seen)",
)
SHARED: Migration = (
    "ALTER TABLE sticky ADD COLUMN written INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX sticky_written ON sticky (written)",
)


@dataclass(frozen=True, slots=True)
class StickyRow:
    """What one prospect saw. Both numbers are E.164 with plus."""

    prospect: str
    number: str
    """"" when nothing is kept any more."""
    seen_s: float
    """Unix time."""


class StickyStore:
    """Reads and writes through the engine's database."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def load(self, *, since_s: float, most: int) -> News[StickyRow]:
        """The last `most` prospects seen since then, the oldest first; the rest is deleted.

        Blocks. Raises `StoreError`.
        """

        def work(transaction: Transaction) -> News[StickyRow]:
            transaction.execute("DELETE FROM sticky WHERE seen < ?", (since_s,))
            transaction.execute(
                "DELETE FROM sticky WHERE prospect IN"
                " (SELECT prospect FROM sticky ORDER BY seen DESC, prospect LIMIT -1 OFFSET ?)",
                (most,),
            )
            rows = transaction.execute("SELECT prospect, number, seen FROM sticky ORDER BY seen, prospect")
            return News([StickyRow(*row) for row in rows], last_mark(transaction, "sticky"))

        return self._database.run(work)

    def save(self, rows: Iterable[StickyRow], mark: int) -> Future[News[StickyRow]]:
        """Replace or delete these prospects' rows soon, without blocking. Raises `StoreError`.

        Gives what others saved since `mark`, the oldest first; what they deleted is not told.
        """
        changed = list(rows)
        gone = [(row.prospect,) for row in changed if not row.number]

        def work(transaction: Transaction) -> News[StickyRow]:
            others = transaction.execute(
                "SELECT prospect, number, seen FROM sticky WHERE written > ? ORDER BY seen, prospect", (mark,)
            )
            new_mark = next_mark(transaction, "sticky")
            kept = [(row.prospect, row.number, row.seen_s, new_mark) for row in changed if row.number]
            transaction.execute_many("DELETE FROM sticky WHERE prospect = ?", gone)
            transaction.execute_many(
                "REPLACE INTO sticky (prospect, number, seen, written) VALUES (?, ?, ?, ?)", kept
            )
            return News([StickyRow(*row) for row in others], new_mark)

        return self._database.write(work)
