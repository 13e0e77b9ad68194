"""Many deadlines of equal length, one timer.

Calls that may all wait equally long expire in the order they came, so one timer for the oldest still waiting
serves all; the cost per call does not grow with the number of calls waiting. What is over is not taken out,
which would cost every call something, but passed over when its time comes.
"""

from collections import deque
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
    """Watches items that may each take `lifetime_s`, and hands over those that are not over by then."""

    def __init__(
        self,
        clock: Clock,
        lifetime_s: float,
        expire: Callable[[ItemT], None],
        is_over: Callable[[ItemT], bool],
    ) -> None:
        """`expire` is called once for an item that is not over in time; neither function may raise."""
        self._clock = clock
        self._lifetime_s = lifetime_s
        self._expire = expire
        self._is_over = is_over
        self._due: deque[tuple[float, ItemT]] = deque()
        self._timer: Timer | None = None

    def watch(self, item: ItemT) -> float:
        """Start the item's time; returns its deadline on the clock."""
        deadline = self._clock.time() + self._lifetime_s
        self._due.append((deadline, item))
        if self._timer is None:
            self._timer = self._clock.call_at(deadline, self._ring)
        return deadline

    def waiting(self) -> list[ItemT]:
        """What is watched and not over, the oldest first."""
        return [item for _, item in self._due if not self._is_over(item)]

    def close(self) -> None:
        """Stop the timer and forget all items."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        due, is_over = self._due, self._is_over
        now = self._clock.time()
        while due and (due[0][0] <= now or is_over(due[0][1])):
            _, item = due.popleft()
            if not is_over(item):
                self._expire(item)
        if due and self._timer is None:
            self._timer = self._clock.call_at(due[0][0], self._ring)
