"""When misses go out singly and when they gather for a batch. Pure: `now` comes in, seconds on the clock.

    few come, few under way          each goes at once, alone
    many come                        one request a window takes what came in between
    many are under way               the windows grow, so that the connections left carry more each
    a whole batch waits              it goes

"Many come" is a bucket of leads that fills at the allowed rate: once it is empty, windows it is, until a
twenty times larger one would be full. So a rate near the limit does not go to and fro, and calls that come in
bunches, because their answers did, are not taken for few.
"""

from gateway.assignment.settings import AssignmentSettings

_BUCKET_S = 0.01
"""How long the allowed rate may be exceeded twofold: a stir of the machine is no rush of calls."""
_CALM_S = 0.2
"""How much of the allowed rate must have been left unused before leads go singly again."""
_WINDOWS = ((0.75, 8.0), (0.5, 4.0))
"""From this share of the requests allowed, windows are so many times longer, whatever the rate."""


class Pacing:
    """Says when the next request may be sent."""

    def __init__(self, settings: AssignmentSettings) -> None:
        self._window_s = settings.batch_window_s
        self._max_batch = settings.max_batch
        self._windows_s = [
            (share * settings.max_in_flight, factor * settings.batch_window_s) for share, factor in _WINDOWS
        ]
        self._rate = settings.batch_above
        self._room = max(1.0, self._rate * _BUCKET_S)
        self._calm = max(self._room, self._rate * _CALM_S)
        self._left = self._room
        self._counted_at = 0.0
        self._gathers = False
        self._sent_at = float("-inf")

    def came(self, now: float) -> None:
        """A lead came."""
        left = self._left + (now - self._counted_at) * self._rate
        self._counted_at = now
        if left < 1.0:
            self._gathers = True
        elif self._gathers:
            self._gathers = left < self._calm
        if not self._gathers:
            left = min(left, self._room)
        self._left = max(left - 1.0, 0.0)

    def sent(self, now: float) -> None:
        """A request was sent."""
        self._sent_at = now

    def ready_at(self, waiting: int, in_flight: int) -> float:
        """When the next request may go, with so many leads waiting and requests under way."""
        window_s = self._window_for(in_flight)
        return self._sent_at + window_s if window_s and waiting < self._max_batch else 0.0

    def _window_for(self, in_flight: int) -> float:
        """How long leads gather, 0 when each goes at once."""
        for many, window_s in self._windows_s:
            if in_flight >= many:
                return window_s
        return self._window_s if self._gathers else 0.0
