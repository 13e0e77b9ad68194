"""The spool's file: every dial record waits here, on disk, until each target has taken it.

One row a `dial_id` in `records`, one row in `deliveries` for each target that does not have it yet. Once all
have it, the record's text goes and its `dial_id` stays for a while, so that a replay is not sent again. A
record is *confirmed* once the service itself told of its dial, whatever our own delivery knows.
Everything runs on the database's thread; what is called here returns at once with a future.
"""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from gateway.model.delivery import (
    Confirmed,
    DeliveryState,
    Outcome,
    Slice,
    Stored,
    TargetStats,
)
from gateway.model.dial import Dial
from gateway.stores.base import StoreCorruptError, StoreUnusableError
from gateway.stores.file_lock import FileLock
from gateway.stores.settings import SpoolSettings
from gateway.stores.spool_rows import put, settle, take
from gateway.stores.sqlite import Migration, SqliteDatabase, Transaction

MIGRATIONS: tuple[Migration, ...] = (
    (
        """CREATE TABLE records (
            id INTEGER PRIMARY KEY, dial_id TEXT NOT NULL UNIQUE, rank INTEGER NOT NULL, dial TEXT,
            put_at REAL NOT NULL, done_at REAL
        ) STRICT""",
        "CREATE INDEX records_done ON records (done_at) WHERE done_at IS NOT NULL",
        """CREATE TABLE deliveries (
            record INTEGER NOT NULL REFERENCES records (id), target TEXT NOT NULL, state INTEGER NOT NULL,
            attempts INTEGER NOT NULL, next_at REAL NOT NULL, reason TEXT NOT NULL,
            PRIMARY KEY (record, target)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX deliveries_due ON deliveries (target, state, next_at)",
    ),
    ("ALTER TABLE records ADD COLUMN confirmed_at REAL",),
)
MAY_HAVE_ARRIVED = "may have arrived"
"""How the reason begins of a record that is not sent again for fear that its target would count it twice."""
MAX_WAIT_S = 3_600.0
"""Longest time a record is put off at once; keeps a clock that was wrong for a while from hiding any."""

_log = logging.getLogger(__name__)
_SIDE_FILES = ("-wal", "-shm")


class SqliteSpool:
    """One spool file, held by this process alone. Make it with `open`; leave it with `close`."""

    def __init__(
        self, database: SqliteDatabase, lock: FileLock, targets: Mapping[str, bool], settle_s: float
    ) -> None:
        self._database = database
        self._lock = lock
        self._targets = tuple(targets)
        self._settle_s = settle_s

    @classmethod
    def open(
        cls,
        settings: SpoolSettings,
        targets: Mapping[str, bool],
        *,
        now: float,
        is_corrupt: bool = False,
    ) -> Self:
        """Open the file, or make it, and take up what a crash left half done. Blocks, for 0.1 s at most.

        `targets` are the names of the targets and whether a record that may have arrived can be sent again.
        A damaged file is renamed and a new one started; `is_corrupt` says that this one is known to be.
        Raises `StoreInUseError` when another process holds the file, or another `StoreError`.
        """
        lock = FileLock.take(settings.file + ".lock")
        try:
            if is_corrupt:
                _set_aside(settings.file, now)
            try:
                return cls._open(settings, targets, lock, now)
            except StoreCorruptError as error:
                _log.error("the spool cannot be read: %s", error)
                _set_aside(settings.file, now)
                return cls._open(settings, targets, lock, now)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _open(cls, settings: SpoolSettings, targets: Mapping[str, bool], lock: FileLock, now: float) -> Self:
        database = SqliteDatabase.open(
            settings.file,
            MIGRATIONS,
            group_window_s=settings.group_window_s,
            synchronous=settings.synchronous.value,
        )
        try:
            database.run(lambda transaction: _recover(transaction, targets, now))
        except BaseException:
            database.close()
            raise
        return cls(database, lock, targets, settings.settle_s)

    def record(
        self, dials: Sequence[Dial], outcomes: Sequence[Outcome], *, now: float
    ) -> Future[list[Stored]]:
        """Put new records and settle taken ones, all in one transaction.

        Done when it is on disk, with one answer for each of `dials`. Fails with `StoreError`, nothing stored.
        """

        def work(transaction: Transaction) -> list[Stored]:
            settle(transaction, outcomes, now)
            return put(transaction, dials, self._targets, now, self._settle_s)

        return self._database.write(work)

    def take(self, target: str, most: int, *, now: float) -> Future[Slice]:
        """Up to `most` records due for `target`, the longest due first; they count as sent from now on."""
        return self._database.write(lambda transaction: take(transaction, target, most, now))

    def prune(self, *, before: float, most: int) -> Future[int]:
        """Forget up to `most` delivered records done before that time; how many there were."""
        return self._database.write(lambda transaction: _prune(transaction, before, most))

    def confirm(self, dial_ids: Sequence[str], *, now: float) -> Future[Confirmed]:
        """Note that the service has told of these dials; the first time counts. How many were known."""
        return self._database.write(lambda transaction: _confirm(transaction, dial_ids, now))

    def stats(self) -> Future[dict[str, TargetStats]]:
        """Count what waits and died, by target; about 10 ms for 100,000 records."""
        return self._database.write(count)

    def close(self) -> None:
        """Finish what is under way, close the file and let others have it. Blocks. Safe to call twice."""
        try:
            self._database.close()
        finally:
            self._lock.release()


def count(transaction: Transaction) -> dict[str, TargetStats]:
    """How much waits and died, by target."""
    counts: dict[str, dict[int, int]] = {}
    for target, state, number in transaction.execute(
        "SELECT target, state, count(*) FROM deliveries GROUP BY target, state"
    ):
        counts.setdefault(target, {})[state] = number
    return {
        target: TargetStats(
            waiting=states.get(DeliveryState.WAITING, 0) + states.get(DeliveryState.SENT, 0),
            dead=states.get(DeliveryState.DEAD, 0),
            oldest_put_at=_oldest(transaction, target),
        )
        for target, states in counts.items()
    }


def _oldest(transaction: Transaction, target: str) -> float | None:
    # The plus signs keep SQLite on the primary key, whose order is that of arrival: the first hit is enough.
    rows = transaction.execute(
        "SELECT put_at FROM records WHERE id = (SELECT record FROM deliveries"
        " WHERE +target = ? AND +state < ? ORDER BY record LIMIT 1)",
        (target, DeliveryState.DEAD),
    )
    return rows[0][0] if rows else None


def _confirm(transaction: Transaction, dial_ids: Sequence[str], now: float) -> Confirmed:
    new = known = unknown = 0
    for dial_id in dict.fromkeys(dial_ids):
        found = transaction.execute("SELECT id, confirmed_at FROM records WHERE dial_id = ?", (dial_id,))
        if not found:
            unknown += 1
        elif found[0][1] is not None:
            known += 1
        else:
            transaction.execute("UPDATE records SET confirmed_at = ? WHERE id = ?", (now, found[0][0]))
            new += 1
    return Confirmed(new, known, unknown)


def _prune(transaction: Transaction, before: float, most: int) -> int:
    gone = transaction.execute(
        "DELETE FROM records WHERE id IN (SELECT id FROM records WHERE done_at < ? LIMIT ?) RETURNING id",
        (before, most),
    )
    return len(gone)


def _recover(transaction: Transaction, targets: Mapping[str, bool], now: float) -> None:
    """Decide about what was sent when the last process died, and say what belongs to nobody."""
    for target, repeats_safely in targets.items():
        state = DeliveryState.WAITING if repeats_safely else DeliveryState.DEAD
        reason = "" if repeats_safely else f"{MAY_HAVE_ARRIVED}: the gateway stopped while it was being sent"
        transaction.execute(
            "UPDATE deliveries SET state = ?, next_at = ?, reason = ? WHERE target = ? AND state = ?",
            (state, now, reason, target, DeliveryState.SENT),
        )
        transaction.execute(
            "UPDATE deliveries SET next_at = ? WHERE target = ? AND state = ? AND next_at > ?",
            (now, target, DeliveryState.WAITING, now + MAX_WAIT_S),
        )
    for (orphan,) in transaction.execute("SELECT DISTINCT target FROM deliveries"):
        if orphan not in targets:
            _log.warning(
                'records wait in the spool for target "%s", which is not configured any more', orphan
            )


def _set_aside(file: str, now: float) -> None:
    """Rename the damaged file with the date, so that a new one can take its place."""
    kept = f"{file}.corrupt-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%S}"
    while Path(kept).exists():
        kept += "-again"
    try:
        for suffix in ("", *_SIDE_FILES):
            if Path(file + suffix).exists():
                Path(file + suffix).rename(kept + suffix)
    except OSError as error:
        raise StoreUnusableError(f'the damaged "{file}" cannot be renamed: {error.strerror}') from error
    _log.error('the damaged spool is kept as "%s"; a new one takes its place', kept)
