"""When batches rest: after the endpoint failed, or while it is much slower than single requests. Pure."""


class BatchRest:
    """Rests 1 s first, doubling to 60 s; a batch that does well ends the doubling."""

    _FIRST_S = 1.0
    _MOST_S = 60.0
    _SLOWER_BY = 2.0
    _SLOWER_SLACK_S = 0.02
    _SMOOTHING = 0.1

    def __init__(self) -> None:
        self._rest_s = self._FIRST_S
        self._broken_until = 0.0
        self._slow_until = 0.0
        self._single_s: float | None = None

    def is_broken(self, now: float) -> bool:
        """The batch endpoint failed lately: single requests only."""
        return now < self._broken_until

    def is_slow(self, now: float) -> bool:
        """Batches take much longer than single requests: batch only what has no connection."""
        return now < self._slow_until

    def failed(self, now: float) -> None:
        """The batch endpoint failed in a way that says nothing about single requests."""
        self._broken_until = now + self._longer_rest()

    def saw_single(self, took_s: float) -> None:
        """A single request was answered."""
        known = took_s if self._single_s is None else self._single_s
        self._single_s = known + (took_s - known) * self._SMOOTHING

    def saw_batch(self, now: float, took_s: float) -> None:
        """A batch was answered."""
        if self._single_s is not None and took_s > self._single_s * self._SLOWER_BY + self._SLOWER_SLACK_S:
            self._slow_until = now + self._longer_rest()
        else:
            self._rest_s = self._FIRST_S

    def _longer_rest(self) -> float:
        rest_s, self._rest_s = self._rest_s, min(self._rest_s * 2, self._MOST_S)
        return rest_s
