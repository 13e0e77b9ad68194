"""Keeps the daily counters on disk without making a call wait for the disk."""

import logging
from collections.abc import Iterable
from concurrent.futures import Future
from datetime import date

from gateway.model.phone import PhoneNumber
from gateway.stores.base import StoreError
from gateway.stores.inventory import InventoryStore, Usage

_log = logging.getLogger(__name__)


class UsageLog:
    """Counters that changed, written at most once in `interval_s` and never two writes at a time.

    What a crash can lose is what was counted within `interval_s` after the last write (or while a write was
    under way): a number may then be used that many times more than its cap. `close` loses nothing.
    """

    def __init__(self, store: InventoryStore, interval_s: float) -> None:
        self._store = store
        self._interval_s = interval_s
        self._changed: dict[PhoneNumber, tuple[date, int, float]] = {}
        self._writing: dict[PhoneNumber, tuple[date, int, float]] = {}
        self._write: Future[None] | None = None
        self._next_s = 0.0

    def count(self, number: PhoneNumber, day: date, count: int, now_s: float) -> None:
        """Note that `number` was used for the `count`-th time on `day`. Never blocks, never raises."""
        self._changed[number] = (day, count, now_s)
        # A clock that was set back must not silence the log until it catches up.
        if now_s >= self._next_s or now_s < self._next_s - self._interval_s:
            self._next_s = now_s + self._interval_s
            self._flush()

    def close(self) -> None:
        """Write what is left, and wait for it. Raises `StoreError`."""
        if self._write is not None:
            self._settle(self._write)
        if self._changed:
            self._store.save_usage(_rows(self._changed.items())).result()
            self._changed = {}

    def _flush(self) -> None:
        if self._write is not None:
            if not self._write.done():
                return
            self._settle(self._write)
        try:
            self._write = self._store.save_usage(_rows(self._changed.items()))
        except StoreError as error:
            _log.warning("usage counters wait for the next write: %s", error)
            return
        self._writing, self._changed = self._changed, {}

    def _settle(self, write: Future[None]) -> None:
        """Take note of how the last write ended; what failed is written again with the next."""
        error = write.exception()
        if error is not None:
            _log.warning("usage counters wait for the next write: %s", error)
            self._changed = self._writing | self._changed
        self._writing, self._write = {}, None


def _rows(items: Iterable[tuple[PhoneNumber, tuple[date, int, float]]]) -> list[Usage]:
    return [Usage(number, day, count, now_s) for number, (day, count, now_s) in items]
