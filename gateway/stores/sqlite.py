"""One SQLite file behind one thread: the only place that knows SQLite and its errors.

Every piece of work runs on the database's own thread, so no caller ever waits for a disk it did not ask for.
Pieces that arrive close together share one transaction and one sync to disk (group commit); each stands
behind its own savepoint, so one that fails takes none of the others with it.
"""

import contextlib
import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from gateway.stores.base import (
    StoreBusyError,
    StoreCorruptError,
    StoreError,
    StoreReadOnlyError,
    StoreRefusedError,
    StoreTooNewError,
    StoreUnusableError,
)

T = TypeVar("T")
Value = str | int | float | bytes | None
Row = tuple[Any, ...]
Migration = Sequence[str]
"""Statements that lift a file from one version to the next."""

_log = logging.getLogger(__name__)
_MODE = 0o640  # it may hold phone numbers
_MEMORY = ":memory:"
# Work beyond this is refused: at 20,000 writes/s it is half a second behind already.
_MAX_QUEUED = 10_000
# Most pieces in one transaction: bounds how long the first one waits for the last one.
_MAX_GROUP = 2_000
_CORRUPT = {"SQLITE_CORRUPT", "SQLITE_NOTADB"}
_UNFIT = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
_BUSY = {"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR"}


class Transaction:
    """What a piece of work may do. Valid only while the work runs, on the database's thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Run one statement; its rows, all of them."""
        return self._connection.execute(sql, values).fetchall()

    def execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each of `rows`."""
        self._connection.executemany(sql, rows)


@dataclass(slots=True)
class _Job:
    work: Callable[[Transaction], Any]
    future: Future[Any]
    urgent: bool
    error: Exception | None = None
    result: Any = None


class SqliteDatabase:
    """One open file (or memory). Make it with `open`; leave it with `close`."""

    def __init__(self, connection: sqlite3.Connection, name: str, group_window_s: float) -> None:
        self._connection = connection
        self._name = name
        self._group_window_s = group_window_s
        self._jobs: queue.Queue[_Job | None] = queue.Queue(_MAX_QUEUED)
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name=f"sqlite {name}", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls,
        path: str,
        migrations: Sequence[Migration],
        *,
        group_window_s: float = 0.005,
        lock_timeout_s: float = 5.0,
        synchronous: str = "FULL",
    ) -> Self:
        """Open `path` ("" for memory) and lift it to the last of `migrations`.

        `group_window_s` is how long a write waits for others to share its sync (0 to 1 s); `lock_timeout_s`
        how long to wait for another process that holds the file. Writes are on disk when they are reported
        done (WAL); with `synchronous` NORMAL a power cut may take the last of them. Raises `StoreError`.
        """
        name = path or _MEMORY
        if path and not Path(path).resolve().parent.is_dir():
            raise StoreUnusableError(f'folder of "{path}" does not exist; create it or name another file')
        if path:
            _create_private(path)
        with _translated(name):
            connection = sqlite3.connect(
                name, timeout=lock_timeout_s, isolation_level=None, check_same_thread=False
            )
        try:
            with _translated(name):
                _prepare(connection, name, migrations, synchronous)
        except StoreError:
            connection.close()
            raise
        return cls(connection, name, group_window_s)

    def write(self, work: Callable[[Transaction], T]) -> Future[T]:
        """Run `work` soon, with others in one transaction; done when it is on disk.

        The future fails with `StoreError`, or with what `work` raised. Raises `StoreBusyError` when too much
        is waiting and `StoreUnusableError` after `close`.
        """
        return self._submit(work, urgent=False)

    def run(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` at once and wait for it. Blocks: not for an event loop."""
        return self._submit(work, urgent=True).result()

    def close(self) -> None:
        """Finish what is waiting, then close the file. Safe to call twice. Raises `StoreError`."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._jobs.put(None)
        self._thread.join()
        with _translated(self._name):
            self._connection.close()

    def _submit(self, work: Callable[[Transaction], T], *, urgent: bool) -> Future[T]:
        future: Future[T] = Future()
        # Running futures cannot be cancelled: a write that was accepted happens.
        future.set_running_or_notify_cancel()
        with self._closing:
            if self._closed:
                raise StoreUnusableError(f'database "{self._name}" is closed')
            try:
                self._jobs.put_nowait(_Job(work, future, urgent))
            except queue.Full:
                raise StoreBusyError(
                    f'database "{self._name}" is {_MAX_QUEUED} writes behind; its disk is too slow'
                ) from None
        return future

    def _serve(self) -> None:
        while (first := self._jobs.get()) is not None:
            group, is_last = self._gather(first)
            self._commit(group)
            if is_last:
                return

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        """The jobs of one transaction, and whether they are the last ever."""
        group = [first]
        ends_at = time.monotonic() + self._group_window_s
        while len(group) < _MAX_GROUP and not group[-1].urgent:
            try:
                job = self._jobs.get(timeout=max(0.0, ends_at - time.monotonic()))
            except queue.Empty:
                break
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _commit(self, group: list[_Job]) -> None:
        transaction = Transaction(self._connection)
        try:
            with _translated(self._name):
                self._connection.execute("BEGIN IMMEDIATE")
                for job in group:
                    self._attempt(job, transaction)
                self._connection.execute("COMMIT")
        except StoreError as error:
            self._abandon(group, error)
        for job in group:
            if job.error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(job.error)

    def _attempt(self, job: _Job, transaction: Transaction) -> None:
        self._connection.execute("SAVEPOINT job")
        try:
            with _translated(self._name):
                job.result = job.work(transaction)
        except Exception as error:  # noqa: BLE001 - one piece of work is fenced off; its owner gets the error
            job.error = error
            # A full disk or an I/O error makes SQLite roll back everything; then COMMIT fails for all.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO job")
        if self._connection.in_transaction:
            self._connection.execute("RELEASE job")

    def _abandon(self, group: list[_Job], error: StoreError) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.rollback()
            except sqlite3.Error as second:
                _log.warning('database "%s": rollback failed as well: %s', self._name, second)
        for job in group:
            job.error = job.error or error


def look_into(path: str, work: Callable[[Transaction], T], *, lock_timeout_s: float = 1.0) -> T:
    """What `work` reads out of the file at `path`, opened for reading only; blocks. Raises `StoreError`.

    Nothing of the file changes, its format included; a process that writes to it is not held up.
    """
    with _translated(path):
        address = f"{Path(path).resolve().as_uri()}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=lock_timeout_s, isolation_level=None)
        try:
            connection.execute("BEGIN")
            return work(Transaction(connection))
        finally:
            connection.close()


def _prepare(
    connection: sqlite3.Connection, name: str, migrations: Sequence[Migration], synchronous: str
) -> None:
    if name != _MEMORY:
        connection.execute("PRAGMA journal_mode=WAL")
        # FULL costs next to nothing over NORMAL when commits are shared, and survives a power cut.
        connection.execute(f"PRAGMA synchronous={synchronous}")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("BEGIN IMMEDIATE")
    try:
        _migrate(connection, name, migrations)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _migrate(connection: sqlite3.Connection, name: str, migrations: Sequence[Migration]) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        raise StoreTooNewError(
            f'database "{name}" is of format {version}, this program knows up to {len(migrations)}; '
            "upgrade the program or name another file"
        )
    for migration in migrations[version:]:
        for statement in migration:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version={len(migrations)}")


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Turn SQLite's errors into ours, with the file's name and the mend."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translate(error, name) from error


def _translate(error: sqlite3.Error, name: str) -> StoreError:
    # Extended codes (SQLITE_IOERR_WRITE) are told apart by their first two words.
    code = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
    if code in _CORRUPT:
        return StoreCorruptError(
            f'"{name}" is damaged or no database ({error}); restore it from a backup or move it away'
        )
    if code == "SQLITE_READONLY":
        return StoreReadOnlyError(f'"{name}" may not be written; check the rights of the file and its folder')
    if code in {"SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH"}:
        return StoreUnusableError(f'"{name}" cannot be opened; check that it is a file you may write')
    if code in _BUSY:
        return StoreBusyError(f'"{name}": {error}; is another process using it, or is the disk full?')
    if isinstance(error, _UNFIT):
        return StoreRefusedError(f'"{name}": {error}')
    return StoreError(f'"{name}": {error}')


def _create_private(path: str) -> None:
    """SQLite would make a file that everybody may read; its journals follow the mode of the file."""
    with contextlib.suppress(OSError):  # SQLite says what is wrong, or that it is there already
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE))
