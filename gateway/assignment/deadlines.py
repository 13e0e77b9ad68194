"""Many deadlines of equal length, one timer.

Calls that may all wait equally long expire in the order they came, so one timer for the oldest one waiting
serves all; the cost per call does not grow with the number of calls waiting. What is over is released at
once: objects that live on for seconds would fill memory and be walked by the garbage collector.
"""

from collections.abc import Callable
from itertools import takewhile
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
    """Watches items that may each take `lifetime_s`, and hands over those that are not released by then."""

    def __init__(self, clock: Clock, lifetime_s: float, expire: Callable[[ItemT], None]) -> None:
        """`expire` is called once for an item that is not released in time; it may not raise."""
        self._clock = clock
        self._lifetime_s = lifetime_s
        self._expire = expire
        self._due: dict[ItemT, float] = {}
        """In the order they came; a dict, so that one can leave without the others being touched."""
        self._timer: Timer | None = None

    def watch(self, item: ItemT) -> float:
        """Start the item's time, which must not be watched already; returns its deadline on the clock."""
        deadline = self._due[item] = self._clock.time() + self._lifetime_s
        if self._timer is None:
            self._timer = self._clock.call_at(deadline, self._ring)
        return deadline

    def release(self, item: ItemT) -> None:
        """The item is over, if it was watched at all."""
        self._due.pop(item, None)

    def waiting(self) -> list[ItemT]:
        """What is watched, the oldest first."""
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
        # First found, then let go: looking for the first of a dict again and again steps over every gap.
        for item in [item for item, _ in takewhile(lambda one: one[1] <= now, self._due.items())]:
            if self._due.pop(item, None) is not None:  # else released while another one expired
                self._expire(item)
        if self._due and self._timer is None:
            self._timer = self._clock.call_at(next(iter(self._due.values())), self._ring)
