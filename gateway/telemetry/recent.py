"""The last calls, for those who watch: kept only while somebody does, shown with masked numbers."""

import time
from collections import deque
from collections.abc import Callable

import msgspec

from gateway.model.decision import Decision
from gateway.model.phone import PhoneNumber

MOST_CALLS = 20
_WATCHED_S = 10.0
"""How long calls are kept after somebody looked."""

_Kept = tuple[float, PhoneNumber | None, Decision, float, str]


class LastCall(msgspec.Struct, array_like=True, frozen=True):
    """One call, as it is shown."""

    at: float
    """Seconds since the epoch."""
    phone: str
    """Masked, as `ani` is; "" when it was no number to find a caller ID for."""
    ani: str
    status: str
    source: str
    reason: str
    took_s: float
    uniqueid: str


class RecentCalls:
    """A ring of calls. `clock` gives seconds since the epoch."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._until = 0.0
        self._calls: deque[_Kept] = deque(maxlen=MOST_CALLS)
        self.is_watched = False
        """Whether calls are to be noted; looked at for every call, so it is plain."""

    def watch(self) -> None:
        """Somebody looks: note the calls of the next 10 s."""
        self._until = self._clock() + _WATCHED_S
        self.is_watched = True

    def note(self, uniqueid: str, phone: PhoneNumber | None, decision: Decision, took_s: float) -> None:
        """A call has its answer; call it only while `is_watched`."""
        now = self._clock()
        if now >= self._until:
            self.is_watched = False
            self._calls.clear()
            return
        self._calls.append((now, phone, decision, took_s, uniqueid))

    def shown(self) -> tuple[LastCall, ...]:
        """What was noted, the newest first; nothing once nobody watches."""
        if not self.is_watched or self._clock() >= self._until:
            return ()
        return tuple(_shown(call) for call in reversed(self._calls))


def _shown(call: _Kept) -> LastCall:
    at, phone, decision, took_s, uniqueid = call
    return LastCall(
        at,
        phone.masked if phone is not None else "",
        decision.ani.masked if decision.ani is not None else "",
        decision.status,
        decision.source,
        decision.reason,
        took_s,
        uniqueid,
    )
