"""Counters and histograms: plain numbers, counted without a lock on the event loop.

Whoever shows them (demo, admin, Prometheus) reads these objects; nothing here formats anything.
"""

from bisect import bisect_left
from collections import Counter

from gateway.model.decision import Decision, Reason, Source, Status

LATENCY_BOUNDS_S = (
    *(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02),
    *(0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0),
)
"""Upper bounds of the buckets, seconds; around the deadline finer than elsewhere."""


_CACHE = Source.CACHE  # looking a member up in its enum takes longer than counting


class Histogram:
    """Counts by upper bound; the last bucket has none."""

    def __init__(self, bounds: tuple[float, ...] = LATENCY_BOUNDS_S) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        """How many values were counted."""
        return sum(self.counts)

    def quantile(self, share: float) -> float:
        """The upper bound of the quantile's bucket, 0 with no values, `inf` past the last bound."""
        wanted = share * self.count
        seen = 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            seen += count
            if seen >= wanted and seen:
                return bound
        return 0.0


class CallMetrics:
    """What became of the calls."""

    def __init__(self) -> None:
        self._decisions: Counter[tuple[Status, Source, Reason]] = Counter()
        self._hits = 0
        self.latency = Histogram()
        self.unknown_keys: Counter[str] = Counter()
        """Argument keys the contract does not know; at most `_MAX_KEYS` of them, the rest under `other`."""
        self.bad_arguments: Counter[str] = Counter()
        """Known keys whose value was dropped because it made no sense."""
        self.not_owned = 0
        self.faults = 0

    _MAX_KEYS = 100

    def decided(self, decision: Decision, took_s: float) -> None:
        """One call has its answer, `took_s` after its request was complete."""
        if decision.source is _CACHE:  # the commonest by far, and an enum's hash is slow
            self._hits += 1
        else:
            self._decisions[decision.status, decision.source, decision.reason] += 1
        self.latency.observe(took_s)

    @property
    def decisions(self) -> Counter[tuple[Status, Source, Reason]]:
        """How many calls were decided in each way."""
        hits = Counter({(Status.ASSIGNED, Source.CACHE, Reason.NONE): self._hits} if self._hits else {})
        return self._decisions + hits

    def saw_unknown_key(self, key: str) -> None:
        """The dialplan sent a key nobody reads."""
        known = key in self.unknown_keys or len(self.unknown_keys) < self._MAX_KEYS
        self.unknown_keys[key if known else "other"] += 1


class SessionMetrics:
    """What became of the connections."""

    def __init__(self) -> None:
        self.opened = 0
        self.open = 0
        self.health_checks = 0
        self.requests = 0
        self.hung_up = 0
        self.refused_peers = 0
        self.overloaded = 0
        self.malformed = 0
        self.timed_out = 0
        self.faults = 0
        self.command_errors = 0
        """Answers other than 200: Asterisk refused one of our commands."""


class UpstreamMetrics:
    """How one provider does."""

    def __init__(self) -> None:
        self.requests = 0
        self.leads = 0
        self.latency = Histogram()
        self.failures: Counter[Reason] = Counter()
        self.batch_sizes = Histogram(bounds=(1, 2, 5, 10, 20, 50, 100, 200, 500))

    def sent(self, leads: int) -> None:
        """A request with this many leads was sent."""
        self.requests += 1
        self.leads += leads
        self.batch_sizes.observe(leads)

    def answered(self, took_s: float) -> None:
        """It was answered."""
        self.latency.observe(took_s)

    def failed(self, reason: Reason) -> None:
        """It failed."""
        self.failures[reason] += 1


class Metrics:
    """Everything counted in this process."""

    def __init__(self) -> None:
        self.calls = CallMetrics()
        self.sessions = SessionMetrics()
        self.upstreams: dict[Source, UpstreamMetrics] = {}

    def upstream(self, source: Source) -> UpstreamMetrics:
        """The counters of one provider."""
        return self.upstreams.setdefault(source, UpstreamMetrics())
