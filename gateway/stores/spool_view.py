"""What waits and what died in a spool, for people: listing, and another chance for dead letters.

Works beside the process that owns the spool: SQLite lets others read and write, and a record somebody puts or
retries is found by its owner when it looks next, within a few seconds.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from gateway.model.delivery import ConfirmedStats, Delivery, DeliveryState, SpooledDial, Stored, TargetStats
from gateway.model.dial import Dial
from gateway.stores.base import StoreError, StoreTooNewError, StoreUnusableError
from gateway.stores.spool import MIGRATIONS, count
from gateway.stores.spool_rows import decoded, forget_if_done, put
from gateway.stores.sqlite import Migration, Row, SqliteDatabase, Transaction, Value, look_into

_COLUMNS = "id, dial_id, dial, put_at, done_at, confirmed_at"
_HAS_DELIVERY = """AND EXISTS (
    SELECT 1 FROM deliveries WHERE record = id AND state BETWEEN ? AND ? AND (? = '' OR target = ?)
)"""
_IS_SPOOL = ("SELECT record, target FROM deliveries LIMIT 0", "SELECT dial_id, dial FROM records LIMIT 0")
_ONLY_LIFTED: tuple[Migration, ...] = (_IS_SPOOL, *MIGRATIONS[1:])
"""In place of the first one, which makes a spool, so that a file which is none is refused."""


class SpoolView:
    """Looks into a spool file. Every method blocks and raises `StoreError`."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    @classmethod
    def open(cls, file: str, *, create: bool = False) -> Self:
        """Open a spool, whether a gateway works with it or not; `create` makes one that does not exist.

        Raises `StoreError`, also when the file is a database of something else.
        """
        if not Path(file).exists():
            if create:
                return cls(SqliteDatabase.open(file, MIGRATIONS))
            raise StoreUnusableError(f'there is no spool "{file}"; check spool.file')
        database: SqliteDatabase | None = None
        try:
            database = SqliteDatabase.open(file, _ONLY_LIFTED)
            database.run(_look)
        except StoreError as error:
            if database is not None:
                database.close()
            # SQLite's plain error: a table or column is not there. Other faults have types of their own.
            if type(error) is StoreError or isinstance(error, StoreTooNewError):
                raise StoreUnusableError(f'"{file}" is no spool of this version: {error}') from error
            raise
        return cls(database)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def stats(self) -> dict[str, TargetStats]:
        """How much waits and died, by target."""
        return self._database.run(count)

    def confirmed(self) -> ConfirmedStats:
        """How many delivered records are remembered, and how many of them are confirmed."""
        return self._database.run(_confirmed)

    def page(
        self, *, state: DeliveryState | None = None, target: str = "", after: int = 0, most: int = 100
    ) -> list[SpooledDial]:
        """Up to `most` records in order of arrival, the next after number `after`.

        `state` picks those that stand so with any target, or with `target`: WAITING includes what is sent and
        not answered yet, DONE is those that all targets have.
        """
        return self._database.run(lambda transaction: _page(transaction, state, target, after, most))

    def find(self, dial_id: str) -> SpooledDial | None:
        """One record, `None` when it is unknown or long delivered."""
        return self._database.run(lambda transaction: _find(transaction, dial_id))

    def put(self, dials: Sequence[Dial], targets: Sequence[str], *, now: float) -> list[Stored]:
        """Put records for `targets`, due at once; on disk when it returns. One answer for each of `dials`."""
        return self._database.run(lambda transaction: put(transaction, dials, targets, now))

    def retry(self, dial_ids: Sequence[str] = (), *, target: str = "", now: float) -> int:
        """Give dead letters another chance at once: those named, or all; how many there were.

        Their time starts anew, so an old one is not dead again by its age. `target` "" means every target.
        """
        return self._database.run(lambda transaction: _retry(transaction, dial_ids, target, now))

    def discard(self, dial_ids: Sequence[str], *, target: str = "", now: float) -> int:
        """Give up these dead letters for good; they count as delivered. How many there were."""
        return self._database.run(lambda transaction: _discard(transaction, dial_ids, target, now))


def stats_at_a_glance(file: str) -> dict[str, TargetStats]:
    """`SpoolView.stats` of a file that is only read, and not even lifted to this version; blocks.

    Raises `StoreError`.
    """

    def work(transaction: Transaction) -> dict[str, TargetStats]:
        _look(transaction)
        return count(transaction)

    return look_into(file, work)


def _page(
    transaction: Transaction, state: DeliveryState | None, target: str, after: int, most: int
) -> list[SpooledDial]:
    values: list[Value] = []
    if state is DeliveryState.DONE:
        where = "AND done_at IS NOT NULL"
    elif state is None and not target:
        where = ""
    else:
        where = _HAS_DELIVERY
        low, high = _between(state)
        values = [low, high, target, target]
    rows = transaction.execute(
        f"SELECT {_COLUMNS} FROM records WHERE id > ? {where} ORDER BY id LIMIT ?",  # noqa: S608 - no outside text
        (after, *values, most),
    )
    return [_spooled(transaction, row) for row in rows]


def _between(state: DeliveryState | None) -> tuple[int, int]:
    if state is None:
        return DeliveryState.WAITING, DeliveryState.DEAD
    if state is DeliveryState.WAITING:
        return DeliveryState.WAITING, DeliveryState.SENT
    return state, state


def _look(transaction: Transaction) -> None:
    """Raises `StoreError` when the tables are not those of a spool."""
    for statement in _IS_SPOOL:
        transaction.execute(statement)


def _find(transaction: Transaction, dial_id: str) -> SpooledDial | None:
    rows = transaction.execute(
        f"SELECT {_COLUMNS} FROM records WHERE dial_id = ?",  # noqa: S608 - no outside text
        (dial_id,),
    )
    return _spooled(transaction, rows[0]) if rows else None


def _spooled(transaction: Transaction, row: Row) -> SpooledDial:
    number, dial_id, text, put_at, done_at, confirmed_at = row
    deliveries = transaction.execute(
        "SELECT target, state, attempts, next_at, reason FROM deliveries WHERE record = ? ORDER BY target",
        (number,),
    )
    return SpooledDial(
        number,
        dial_id,
        _readable(text),
        put_at,
        done_at,
        [
            Delivery(target, DeliveryState(state), attempts, next_at, reason)
            for target, state, attempts, next_at, reason in deliveries
        ],
        confirmed_at,
    )


def _confirmed(transaction: Transaction) -> ConfirmedStats:
    rows = transaction.execute("SELECT count(*), count(confirmed_at) FROM records WHERE done_at IS NOT NULL")
    return ConfirmedStats(*rows[0])


def _readable(text: str | None) -> Dial | None:
    try:
        return None if text is None else decoded(text)
    except ValueError:
        return None


def _dead(transaction: Transaction, dial_ids: Sequence[str], target: str) -> list[Row]:
    """Record and target of every dead letter meant."""
    chosen = "(target = ? OR ? = '')"
    if not dial_ids:
        return transaction.execute(
            f"SELECT record, target FROM deliveries WHERE state = ? AND {chosen}",  # noqa: S608 - no outside text
            (DeliveryState.DEAD, target, target),
        )
    return [
        row
        for dial_id in dial_ids
        for row in transaction.execute(
            "SELECT record, target FROM deliveries JOIN records ON id = record"  # noqa: S608 - no outside text
            f" WHERE dial_id = ? AND state = ? AND {chosen}",
            (dial_id, DeliveryState.DEAD, target, target),
        )
    ]


def _retry(transaction: Transaction, dial_ids: Sequence[str], target: str, now: float) -> int:
    dead = _dead(transaction, dial_ids, target)
    transaction.execute_many(
        "UPDATE deliveries SET state = ?, attempts = 0, next_at = ? WHERE record = ? AND target = ?",
        [(DeliveryState.WAITING, now, record, name) for record, name in dead],
    )
    transaction.execute_many(
        "UPDATE records SET put_at = ? WHERE id = ?", [(now, record) for record, _ in dead]
    )
    return len(dead)


def _discard(transaction: Transaction, dial_ids: Sequence[str], target: str, now: float) -> int:
    if not dial_ids:
        return 0
    dead = _dead(transaction, dial_ids, target)
    for record, name in dead:
        transaction.execute("DELETE FROM deliveries WHERE record = ? AND target = ?", (record, name))
        forget_if_done(transaction, record, now)
    return len(dead)
