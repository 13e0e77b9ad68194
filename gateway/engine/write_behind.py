"""Keeps what changes with every call on disk, without making a call wait for the disk."""

import logging
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Generic, TypeVar

from gateway.stores.base import StoreError

R = TypeVar("R")

_log = logging.getLogger(__name__)


class WriteBehind(Generic[R]):
    """Rows that changed, written at most once in `interval_s` and never two writes at a time.

    What a crash can lose is what was noted within `interval_s` after the last write (or while a write was
    under way). `close` loses nothing.
    """

    def __init__(
        self, save: Callable[[Collection[R]], Future[None]], *, interval_s: float, what: str
    ) -> None:
        """`save` may raise `StoreError`; `what` names the rows in the log."""
        self._save = save
        self._interval_s = interval_s
        self._what = what
        self._changed: dict[str, R] = {}
        self._writing: dict[str, R] = {}
        self._write: Future[None] | None = None
        self._next_s = 0.0

    def note(self, key: str, row: R, now_s: float) -> None:
        """Have `row` written, in the place of an earlier one with that `key`. Never blocks, never raises."""
        self._changed[key] = row
        # A clock that was set back must not silence the log until it catches up.
        if now_s >= self._next_s or now_s < self._next_s - self._interval_s:
            self._next_s = now_s + self._interval_s
            self._flush()

    def close(self) -> None:
        """Write what is left, and wait for it. Raises `StoreError`."""
        if self._write is not None:
            self._settle(self._write)
        if self._changed:
            self._save(self._changed.values()).result()
            self._changed = {}

    def _flush(self) -> None:
        if self._write is not None:
            if not self._write.done():
                return
            self._settle(self._write)
        try:
            self._write = self._save(self._changed.values())
        except StoreError as error:
            _log.warning("%s wait for the next write: %s", self._what, error)
            return
        self._writing, self._changed = self._changed, {}

    def _settle(self, write: Future[None]) -> None:
        """Take note of how the last write ended; what failed is written again with the next."""
        error = write.exception()
        if error is not None:
            _log.warning("%s wait for the next write: %s", self._what, error)
            self._changed = self._writing | self._changed
        self._writing, self._write = {}, None
