"""The breaker of one upstream: stops asking a provider that does not answer, and probes until it does.

Pure: `now` comes in, permission goes out. Closed → (failures) → open for a while → one probe → closed,
or open again for twice as long.
"""

from collections import deque
from enum import StrEnum

_WINDOW_S = 10.0
_WINDOW_MIN_OUTCOMES = 20
_WINDOW_FAILED_SHARE = 0.5


class BreakerState(StrEnum):
    """Closed lets calls through, open does not, probing lets one through."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


_CLOSED = BreakerState.CLOSED  # every call asks, and looking a member up in its enum is slow


class Breaker:
    """Opens after `failures` in a row, or when over half of at least 20 outcomes within 10 s failed."""

    def __init__(self, *, failures: int, open_s: float, max_open_s: float) -> None:
        self._failures_allowed = failures
        self._first_open_s = open_s
        self._max_open_s = max_open_s
        self._open_s = open_s
        self._open_until = 0.0
        self._consecutive = 0
        self._seconds: deque[_Second] = deque()
        self.state = BreakerState.CLOSED
        self.opened_total = 0

    def allows(self, now: float) -> bool:
        """Whether a request may be sent now. When the rest is over, one `True` is given as a probe.

        A probe that is never reported grants another one after the same rest, so none can be lost.
        """
        if self.state is _CLOSED:
            return True
        if now < self._open_until:
            return False
        self.state = BreakerState.PROBING
        self._open_until = now + self._open_s
        return True

    def rests(self, now: float) -> bool:
        """Whether `allows` would say no. Changes nothing."""
        return self.state is not BreakerState.CLOSED and now < self._open_until

    def succeed(self, now: float) -> None:
        """The upstream answered. Ends a probe well; while open it is a late answer and changes nothing."""
        if self.state is BreakerState.OPEN:
            return
        self._consecutive = 0
        if self.state is BreakerState.PROBING:
            self.state = BreakerState.CLOSED
            self._open_s = self._first_open_s
        self._count(now, failed=False)

    def fail(self, now: float) -> None:
        """The upstream did not answer, or not sensibly."""
        if self.state is BreakerState.PROBING:
            self._open_s = min(self._open_s * 2, self._max_open_s)
            self._open(now)
        elif self.state is BreakerState.CLOSED:
            self._consecutive += 1
            self._count(now, failed=True)
            if self._consecutive >= self._failures_allowed or self._mostly_failing():
                self._open_s = self._first_open_s
                self._open(now)

    def _open(self, now: float) -> None:
        self.state = BreakerState.OPEN
        self._open_until = now + self._open_s
        self._consecutive = 0
        self._seconds.clear()
        self.opened_total += 1

    def _count(self, now: float, *, failed: bool) -> None:
        second = int(now)
        if not self._seconds or self._seconds[-1].second != second:
            self._seconds.append(_Second(second))
            while self._seconds[0].second <= second - _WINDOW_S:
                self._seconds.popleft()
        self._seconds[-1].outcomes += 1
        self._seconds[-1].failed += failed

    def _mostly_failing(self) -> bool:
        outcomes = sum(second.outcomes for second in self._seconds)
        failed = sum(second.failed for second in self._seconds)
        return outcomes >= _WINDOW_MIN_OUTCOMES and failed > outcomes * _WINDOW_FAILED_SHARE


class _Second:
    """Outcomes counted within one second of the clock."""

    __slots__ = ("failed", "outcomes", "second")

    def __init__(self, second: int) -> None:
        self.second = second
        self.outcomes = 0
        self.failed = 0


class RetryBudget:
    """Keeps retries to a share of the requests, so that a sick upstream is not asked twice as often.

    Each request earns `share` of a retry, at most `_SAVINGS` are kept.
    """

    _SAVINGS = 10.0

    def __init__(self, share: float) -> None:
        self._share = share
        self._saved = self._SAVINGS if share > 0 else 0.0

    def earn(self) -> None:
        """A first attempt was sent."""
        self._saved = min(self._saved + self._share, self._SAVINGS)

    def spend(self) -> bool:
        """Take one retry; `False` when the budget is used up."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
