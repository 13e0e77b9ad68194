"""Outdials and their targets in the engine's database, for the VoIPBin part of its HTTP service.

Deleting marks a row; what was marked long ago goes, bit by bit, with every later write.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime

from gateway.model.outdial import Outdial, OutdialTarget
from gateway.stores import outdial_rows, outdial_target_rows
from gateway.stores.outdial_rows import OutdialChange
from gateway.stores.sqlite import SqliteDatabase, Transaction

# Long enough to look up what somebody deleted by mistake last month.
_KEEP_DELETED_S = 90 * 86_400
# Old rows each write takes away: more than it can add, few enough to take about 4 ms.
_FORGOTTEN_PER_WRITE = 100


class OutdialStore:
    """Reads and writes through the engine's database. Every method may raise, and every future, `StoreError`.

    Ids are UUIDs in lower case; `None` in an answer means that there is no such outdial or target.
    """

    def __init__(self, database: SqliteDatabase, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def create(self, outdial: Outdial) -> Future[Outdial]:
        """Add it; the answer has its id and stamps."""
        now = self._now()

        def work(transaction: Transaction) -> Outdial:
            _forget(transaction, now)
            return outdial_rows.create(transaction, outdial, now)

        return self._database.write(work)

    def get(self, outdial_id: str) -> Future[Outdial | None]:
        """The outdial; one that was deleted has the stamp."""
        return self._database.write(lambda transaction: outdial_rows.get(transaction, outdial_id))

    def page(self, *, before: datetime | None, limit: int) -> Future[list[Outdial]]:
        """The `limit` newest of those created before then, newest first, without deleted ones."""
        return self._database.write(lambda transaction: outdial_rows.page(transaction, before, limit))

    def update(self, outdial_id: str, change: OutdialChange) -> Future[Outdial | None]:
        """The outdial after the change; a deleted one cannot be changed."""
        now = self._now()
        return self._database.write(
            lambda transaction: outdial_rows.update(transaction, outdial_id, change, now)
        )

    def delete(self, outdial_id: str) -> Future[Outdial | None]:
        """The deleted outdial; twice is as good as once. Its targets are deleted with it."""
        now = self._now()

        def work(transaction: Transaction) -> Outdial | None:
            _forget(transaction, now)
            return outdial_rows.delete(transaction, outdial_id, now)

        return self._database.write(work)

    def create_target(self, target: OutdialTarget) -> Future[OutdialTarget | None]:
        """Add it to its outdial, idle and untried; the answer has its id and stamps."""
        now = self._now()

        def work(transaction: Transaction) -> OutdialTarget | None:
            _forget(transaction, now)
            return outdial_target_rows.create(transaction, target, now)

        return self._database.write(work)

    def get_target(self, outdial_id: str, target_id: str) -> Future[OutdialTarget | None]:
        """The target; one that was deleted, itself or with its outdial, has the stamp."""
        return self._database.write(
            lambda transaction: outdial_target_rows.get(transaction, outdial_id, target_id)
        )

    def page_targets(
        self, outdial_id: str, *, before: datetime | None, limit: int
    ) -> Future[list[OutdialTarget] | None]:
        """As `page`, of one outdial; empty for a deleted one."""
        return self._database.write(
            lambda transaction: outdial_target_rows.page(transaction, outdial_id, before, limit)
        )

    def delete_target(self, outdial_id: str, target_id: str) -> Future[OutdialTarget | None]:
        """The deleted target; twice is as good as once."""
        now = self._now()

        def work(transaction: Transaction) -> OutdialTarget | None:
            _forget(transaction, now)
            return outdial_target_rows.delete(transaction, outdial_id, target_id, now)

        return self._database.write(work)

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _forget(transaction: Transaction, now: int) -> None:
    outdial_rows.forget(transaction, now - _KEEP_DELETED_S * 1_000_000, _FORGOTTEN_PER_WRITE)
