"""Many deadlines of equal length, one timer.

Calls that may all wait equally long expire in the order they came, so one timer for the oldest serves all;
the cost per call does not grow with the number of calls waiting.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar


class Timer(Protocol):
    """A timer that can be stopped."""

    def cancel(self) -> None:
        """Stop the timer; stopping twice is fine."""
        ...


class Clock(Protocol):
    """The part of an event loop that tells time; seconds on the monotonic clock."""

    def time(self) -> float:
        """Now."""
        ...

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> Timer:
        """Call `callback(*args)` at `when`."""
        ...


ItemT = TypeVar("ItemT")


class Deadlines(Generic[ItemT]):
    """Watches items that each live `lifetime_s` and hands over those that outlive it, in order."""

    def __init__(self, clock: Clock, lifetime_s: float, expire: Callable[[ItemT], None]) -> None:
        """`expire` is called once for an item not forgotten in time; it must not raise."""
        self._clock = clock
        self._lifetime_s = lifetime_s
        self._expire = expire
        self._due: OrderedDict[ItemT, float] = OrderedDict()
        self._timer: Timer | None = None

    def __len__(self) -> int:
        return len(self._due)

    def watch(self, item: ItemT) -> float:
        """Start the item's time; returns its deadline on the clock."""
        deadline = self._clock.time() + self._lifetime_s
        self._due[item] = deadline
        if self._timer is None:
            self._timer = self._clock.call_at(deadline, self._ring)
        return deadline

    def forget(self, item: ItemT) -> bool:
        """The item finished in time; `False` when it was not watched, which is fine."""
        return self._due.pop(item, None) is not None

    def watched(self) -> list[ItemT]:
        """What is watched now, the oldest first."""
        return list(self._due)

    def close(self) -> None:
        """Stop the timer and forget all items."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        now = self._clock.time()
        while self._due:
            item, deadline = next(iter(self._due.items()))
            if deadline > now:
                break
            del self._due[item]
            self._expire(item)
        if self._due and self._timer is None:
            self._timer = self._clock.call_at(next(iter(self._due.values())), self._ring)
