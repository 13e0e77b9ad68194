"""Keeps what changes with every call on disk, without making a call wait for the disk.

Each write brings back what other processes wrote to the same table since the one before.
"""

import logging
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Generic, TypeVar

from gateway.stores.base import StoreError
from gateway.stores.shared import News

R = TypeVar("R")
N = TypeVar("N")

_log = logging.getLogger(__name__)


def _latter(_earlier: R, later: R) -> R:
    return later


class WriteBehind(Generic[R, N]):
    """Rows that changed, written at most once in `interval_s` and never two writes at a time.

    What a crash can lose is what was noted within `interval_s` after the last write (or while a write was
    under way). `close` loses nothing.
    """

    def __init__(
        self,
        save: Callable[[Collection[R], int], Future[News[N]]],
        *,
        interval_s: float,
        what: str,
        merge: Callable[[R, R], R] = _latter,
        mark: int = 0,
    ) -> None:
        """`save` takes rows and the mark of the write before; it may raise `StoreError`.

        `what` names the rows in the log, `merge` makes one row of two with the same key, `mark` is the first.
        """
        self._save = save
        self._merge = merge
        self._interval_s = interval_s
        self._what = what
        self._mark = mark
        self._changed: dict[str, R] = {}
        self._writing: dict[str, R] = {}
        self._write: Future[News[N]] | None = None
        self._news: list[N] = []
        self._next_s = 0.0

    @property
    def expects_news(self) -> bool:
        """Whether `news` has some, or may have when a write is done."""
        return self._write is not None or bool(self._news)

    def note(self, key: str, row: R, now_s: float) -> None:
        """Have `row` written, merged with an earlier one of that `key`. Never blocks, never raises."""
        self._put(key, row)
        # A clock that was set back must not silence the log until it catches up.
        if now_s >= self._next_s or now_s < self._next_s - self._interval_s:
            self._next_s = now_s + self._interval_s
            self._flush()

    def news(self, most: int) -> list[N]:
        """Up to `most` rows of others. Nothing is written before all were taken. Never blocks or raises."""
        if not self._news and self._write is not None and self._write.done():
            self._settle(self._write)
        taken, self._news = self._news[:most], self._news[most:]
        return taken

    def unwritten(self, key: str) -> R | None:
        """What was noted since the write that brought the news at hand."""
        return self._changed.get(key)

    def close(self) -> None:
        """Write what is left, and wait for it. Raises `StoreError`."""
        if self._write is not None:
            self._settle(self._write)
        if self._changed:
            self._save(self._changed.values(), self._mark).result()
            self._changed = {}

    def _put(self, key: str, row: R) -> None:
        earlier = self._changed.get(key)
        self._changed[key] = row if earlier is None else self._merge(earlier, row)

    def _flush(self) -> None:
        if self._write is not None:
            if not self._write.done():
                return
            self._settle(self._write)
        if self._news:  # they are told with what is unwritten, which would be gone
            return
        try:
            self._write = self._save(self._changed.values(), self._mark)
        except StoreError as error:
            _log.warning("%s wait for the next write: %s", self._what, error)
            return
        self._writing, self._changed = self._changed, {}

    def _settle(self, write: Future[News[N]]) -> None:
        """Take note of how the last write ended; what failed is written again with the next."""
        error = write.exception()
        if error is None:
            found = write.result()
            self._news, self._mark = found.others, found.mark
        else:
            _log.warning("%s wait for the next write: %s", self._what, error)
            later, self._changed = self._changed, self._writing
            for key, row in later.items():
                self._put(key, row)
        self._writing, self._write = {}, None
