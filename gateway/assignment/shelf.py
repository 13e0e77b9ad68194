"""Numbers kept for hours or days, by prospect and campaign: bounded in number and age, the oldest go first.

`cachetools.TTLCache` drops everything that is too old at the next write. Here a whole list may grow old at
the same moment, and calls would wait meanwhile: each write drops two at most.
"""

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TypeVar

from gateway.model.phone import PhoneNumber

KeyT = TypeVar("KeyT")
ShelfKey = tuple[str, str]
"""Prospect in E.164, and campaign."""

_DROPPED_AT_ONCE = 2  # one more than is added, so that it shrinks again


def drop_oldest(kept: OrderedDict[KeyT, tuple[str, float]], size: int, until: float) -> None:
    """After an entry was added to `kept`, drop what is too much, or timed `until` or before.

    From its beginning, few at a time, so that no call waits for a whole list to go.
    """
    for _ in range(min(_DROPPED_AT_ONCE, len(kept))):
        oldest = next(iter(kept))
        if len(kept) <= size and kept[oldest][1] > until:
            return
        del kept[oldest]


class Shelf:
    """At most `size` numbers, each for `keep_s` seconds after it was put; 0 keeps nothing."""

    def __init__(self, *, size: int, keep_s: float, time: Callable[[], float]) -> None:
        """`time` is the monotonic clock in seconds."""
        self.size = size
        """The most it keeps."""
        self._keep_s = keep_s
        self._time = time
        # Texts and times only: the garbage collector does not walk what holds nothing but those.
        self._kept: OrderedDict[ShelfKey, tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: ShelfKey) -> PhoneNumber | None:
        """The number put last, unless it is too old."""
        kept = self._kept.get(key)
        return PhoneNumber(kept[0]) if kept is not None and kept[1] > self._time() else None

    def rows(self) -> Iterator[tuple[ShelfKey, str, float]]:
        """What is kept, the oldest first: the number in E.164 and the seconds left to it.

        Puts may come between two rows; what they add is not among them.
        """
        for key, (number, until) in list(self._kept.items()):
            left_s = until - self._time()
            if left_s > 0:
                yield key, number, left_s

    def put(self, key: ShelfKey, ani: PhoneNumber, left_s: float | None = None) -> None:
        """Keep `ani` from now on; only for `left_s` seconds when it is a row of another shelf."""
        if self._keep_s <= 0:
            return
        now = self._time()
        keep_s = self._keep_s if left_s is None else min(left_s, self._keep_s)
        self._kept.pop(key, None)
        # Few campaigns and few numbers make up many of these: their texts are shared.
        self._kept[key[0], sys.intern(key[1])] = (sys.intern(ani.e164), now + keep_s)
        drop_oldest(self._kept, self.size, now)
