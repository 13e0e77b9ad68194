"""The assigned calls that are still up, to find out which of them ended unheard.

Pure: `now` comes in. A call is known from the verb that assigned it or from Status; it leaves with its
Hangup event. One that Status no longer lists is missing; when nobody has told of its end within the grace,
it is given out as lost: its Hangup event fell into a gap of the link, or never comes at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gateway.model.variables import CallState

MAX_OPEN_CALLS = 20_000
"""About 30 MB; far more calls than one PBX carries at a time."""
MAX_UNSEEN_S = 12 * 3600.0
"""A call not seen for so long has ended, whether or not we may ask Status."""


class LostCall(NamedTuple):
    """A call that is over, and whose end nobody told."""

    uniqueid: str
    state: CallState
    in_gap: bool
    """Whether the link was down at some time since the call was last seen."""
    gone_for_s: float
    """Seconds since it was found missing; the call ended some time before."""


@dataclass(slots=True)
class _OpenCall:
    state: CallState
    seen_at: float
    in_gap: bool = False
    missing_since: float | None = None


class OpenCalls:
    """Bounded: past `MAX_OPEN_CALLS` the oldest is forgotten and counted in `forgotten`."""

    def __init__(self, *, grace_s: float, max_calls: int = MAX_OPEN_CALLS) -> None:
        self._grace_s = grace_s
        self._max_calls = max_calls
        self._calls: dict[str, _OpenCall] = {}
        self.forgotten = 0

    def __len__(self) -> int:
        return len(self._calls)

    def states(self) -> list[tuple[str, CallState]]:
        """All of them, by uniqueid, the oldest first."""
        return [(uniqueid, call.state) for uniqueid, call in self._calls.items()]

    def note(self, uniqueid: str, state: CallState, now: float) -> None:
        """A number was assigned on this channel; a later assignment replaces the earlier."""
        self._calls.pop(uniqueid, None)
        self._calls[uniqueid] = _OpenCall(state, now)
        if len(self._calls) > self._max_calls:
            del self._calls[next(iter(self._calls))]
            self.forgotten += 1

    def ended(self, uniqueid: str) -> None:
        """Its end was heard."""
        self._calls.pop(uniqueid, None)

    def link_was_down(self) -> None:
        """The ends of all calls open now may have gone unheard."""
        for call in self._calls.values():
            call.in_gap = True

    def reconcile(self, live: Mapping[str, CallState | None], *, asked_at: float, now: float) -> None:
        """Compare with the channels Status listed, all of them, when it was asked at `asked_at`."""
        for uniqueid, call in self._calls.items():
            if uniqueid in live:
                call.seen_at, call.missing_since, call.in_gap = now, None, False
            elif call.seen_at < asked_at and call.missing_since is None:
                call.missing_since = now
        for uniqueid, state in live.items():
            if state is not None and uniqueid not in self._calls:
                self.note(uniqueid, state, now)

    def lost(self, now: float) -> list[LostCall]:
        """The calls to give out as over. They stay known until `ended` is told for each."""
        return [
            LostCall(uniqueid, call.state, call.in_gap, now - (call.missing_since or now))
            for uniqueid, call in self._calls.items()
            if self._is_lost(call, now)
        ]

    def _is_lost(self, call: _OpenCall, now: float) -> bool:
        if call.missing_since is not None:
            return now - call.missing_since >= self._grace_s
        return now - call.seen_at >= MAX_UNSEEN_S
