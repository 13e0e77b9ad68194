"""Which number each prospect saw last, on disk in the engine's database."""

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass

from gateway.stores.sqlite import Migration, SqliteDatabase, Transaction

MIGRATION: Migration = (
    """CREATE TABLE sticky (
        prospect TEXT PRIMARY KEY, number TEXT NOT NULL, seen REAL NOT NULL
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX sticky_seen ON sticky (seen)",
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

    def load(self, *, since_s: float, most: int) -> list[StickyRow]:
        """The last `most` prospects seen since then, the oldest first; the rest is deleted.

        Blocks. Raises `StoreError`.
        """

        def work(transaction: Transaction) -> list[StickyRow]:
            transaction.execute("DELETE FROM sticky WHERE seen < ?", (since_s,))
            transaction.execute(
                "DELETE FROM sticky WHERE prospect IN"
                " (SELECT prospect FROM sticky ORDER BY seen DESC, prospect LIMIT -1 OFFSET ?)",
                (most,),
            )
            rows = transaction.execute("SELECT prospect, number, seen FROM sticky ORDER BY seen, prospect")
            return [StickyRow(*row) for row in rows]

        return self._database.run(work)

    def save(self, rows: Iterable[StickyRow]) -> Future[None]:
        """Replace or delete these prospects' rows soon, without blocking. Raises `StoreError`."""
        changed = list(rows)
        kept = [(row.prospect, row.number, row.seen_s) for row in changed if row.number]
        gone = [(row.prospect,) for row in changed if not row.number]

        def work(transaction: Transaction) -> None:
            transaction.execute_many("DELETE FROM sticky WHERE prospect = ?", gone)
            transaction.execute_many("REPLACE INTO sticky VALUES (?, ?, ?)", kept)

        return self._database.write(work)
