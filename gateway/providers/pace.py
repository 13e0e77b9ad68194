"""How fast a service may be asked: a token bucket, and a rest when it asks for one. Times come in."""

_CLOSE_ENOUGH_S = 1e-6
"""A wait shorter than this is none: a clock may stand a rounding error before the time it was waited for."""


class Pace:
    """At most `burst` requests at once, and `rate_per_s` in the long run."""

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self._interval_s = 1 / rate_per_s
        self._tolerance_s = (burst - 1) * self._interval_s
        self._full_at = float("-inf")
        """When the bucket is full again; the further away, the fewer tokens are left."""
        self._rest_until = float("-inf")

    def wait_s(self, now: float) -> float:
        """Seconds until the next request may go; 0 when it may go now."""
        wait_s = max(self._full_at - self._tolerance_s, self._rest_until) - now
        return wait_s if wait_s > _CLOSE_ENOUGH_S else 0.0

    def take(self, now: float) -> None:
        """Count one request that goes now."""
        self._full_at = max(self._full_at, now) + self._interval_s

    def rest(self, until: float) -> None:
        """Let nothing go before `until`; a rest is never shortened."""
        self._rest_until = max(self._rest_until, until)
