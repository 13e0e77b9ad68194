"""How soon a process that died is started again. Pure: the time is passed in."""

from collections import deque

_WINDOW_S = 60.0
MANY = 5
"""Deaths within a minute that are worth an error in the log."""
_FIRST_S = 0.25
_MOST_S = 15.0


class Patience:
    """The deaths of one post, and what follows from them."""

    def __init__(self) -> None:
        self._deaths: deque[float] = deque(maxlen=32)

    def died(self, now: float) -> float:
        """Seconds to wait before the next start. `now` is the monotonic clock.

        The first death in a minute is an accident: none. Then 0.25 s, doubling to 15 s with each within it.
        """
        self._deaths.append(now)
        while self._deaths[0] <= now - _WINDOW_S:
            self._deaths.popleft()
        earlier = len(self._deaths) - 1
        return min(_MOST_S, _FIRST_S * 2.0 ** (earlier - 1)) if earlier else 0.0

    @property
    def are_many(self) -> bool:
        """Whether it died so often of late that somebody should look."""
        return len(self._deaths) >= MANY
