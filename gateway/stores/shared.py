"""Tables that several processes write: a write has a mark, and tells what others wrote since an earlier one.

A row has the mark of the write that made it in its column `written`. Marks are counted in the transaction
that writes, which SQLite gives to one process at a time: no clock is asked, and no row comes late below one.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from gateway.stores.sqlite import Migration, Transaction

T = TypeVar("T")
MIGRATION: Migration = (
    "CREATE TABLE marks (name TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "INSERT INTO marks VALUES ('usage', 0), ('sticky', 0)",
)


@dataclass(frozen=True, slots=True)
class News(Generic[T]):
    """What a write brought back."""

    others: list[T]
    """Rows that others wrote since the mark asked for, as they are now."""
    mark: int
    """To be asked for with the next write."""


def last_mark(transaction: Transaction, table: str) -> int:
    """The mark of the last write to `table`."""
    return int(transaction.execute("SELECT last FROM marks WHERE name = ?", (table,))[0][0])


def next_mark(transaction: Transaction, table: str) -> int:
    """The mark of a write to `table` that is about to be made."""
    rows = transaction.execute("UPDATE marks SET last = last + 1 WHERE name = ? RETURNING last", (table,))
    return int(rows[0][0])
