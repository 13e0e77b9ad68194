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
_GROWTH = ((0.75, 8.0), (0.5, 4.0))
"""From this share of the requests allowed, windows are so many times longer."""


class Pacing:
    """Says when the next request may be sent."""

    def __init__(self, settings: AssignmentSettings) -> None:
        self._window_s = settings.batch_window_s
        self._max_batch = settings.max_batch
        self._rate = settings.batch_above
        self._room = max(1.0, settings.batch_above * _BUCKET_S)
        self._calm = max(self._room, settings.batch_above * _CALM_S)
        self._left = self._room if settings.batch_above else 0.0
        self._counted_at = 0.0
        self._gathers = not settings.batch_above
        self._sent_at = float("-inf")
        self._growth = [(share * settings.max_in_flight, factor) for share, factor in _GROWTH]
        self._few = settings.max_in_flight / 2

    def came(self, now: float) -> None:
        """A lead came."""
        left = self._left + (now - self._counted_at) * self._rate
        self._counted_at = now
        if left < 1.0 or not self._rate:
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
        if waiting >= self._max_batch or (not self._gathers and in_flight < self._few):
            return 0.0
        for many, factor in self._growth:
            if in_flight >= many:
                return self._sent_at + self._window_s * factor
        return self._sent_at + self._window_s
