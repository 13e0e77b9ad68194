"""Counters and histograms: plain numbers, counted without a lock on the event loop.

Whoever shows them (demo, admin, Prometheus) reads these objects; nothing here formats anything.
"""

from bisect import bisect_left
from collections import Counter

from gateway.model.decision import Decision, Reason, Source, Status
from gateway.model.delivery import Stored

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


class AmiMetrics:
    """How one AMI link does: what Asterisk sent, what was made of it, and what was lost on the way."""

    def __init__(self) -> None:
        self.logins = 0
        self.refused_logins = 0
        self.losses = 0
        """Connections that ended without our asking."""
        self.pings = 0
        self.call_ends = 0
        """Ends of assigned calls, handed on."""
        self.ignored = 0
        """Hangup events of channels no number was assigned to."""
        self.passed_over_bytes = 0
        """Of messages not wanted, never parsed; many of them mean a missing `eventfilter`."""
        self.strange = 0
        """Messages that are neither event nor response."""
        self.oversized = 0
        self.faults = 0
        """Messages or hand-overs that failed on our side; the log names each."""
        self.stalls = 0
        """Times the next part could not take a call end and the link stopped reading for it."""
        self.gap_ends = 0
        """Calls known to be live, gone later without a Hangup event: reported as unknown."""
        self.missed_hangups = 0
        """Those of `gap_ends` that ended while the link was up."""
        self.forgotten = 0
        """Open calls dropped from memory because there were too many."""
        self.lag = Histogram()
        """Seconds from the event's own `Timestamp` to our hearing it, where Asterisk sends one."""


class TargetMetrics:
    """How one target of dial records does."""

    def __init__(self) -> None:
        self.waiting = 0
        """Records it does not have yet, dead letters aside; counted anew every few seconds."""
        self.dead = 0
        self.oldest_s = 0.0
        """Age of the oldest waiting one."""
        self.in_flight = 0
        self.delivered_total = 0
        self.retried_total = 0
        """Attempts that failed and will be repeated."""
        self.dead_total = 0
        self.faults_total = 0
        """Faults of our own while sending."""
        self.latency = Histogram()


class DialMetrics:
    """What became of the dial records."""

    def __init__(self) -> None:
        self.stored: Counter[Stored] = Counter()
        """Records put, by what became of them; `lost` ones stand in the log as errors."""
        self.buffered = 0
        """Records in memory that are not on disk yet."""
        self.spool_failures_total = 0
        """Times the spool could not be read or written."""
        self.targets: dict[str, TargetMetrics] = {}

    def target(self, name: str) -> TargetMetrics:
        """The counters of one target."""
        return self.targets.setdefault(name, TargetMetrics())


class Metrics:
    """Everything counted in this process."""

    def __init__(self) -> None:
        self.calls = CallMetrics()
        self.sessions = SessionMetrics()
        self.dials = DialMetrics()
        self.upstreams: dict[Source, UpstreamMetrics] = {}
        self.ami_links: dict[str, AmiMetrics] = {}

    def upstream(self, source: Source) -> UpstreamMetrics:
        """The counters of one provider."""
        return self.upstreams.setdefault(source, UpstreamMetrics())

    def ami_link(self, name: str) -> AmiMetrics:
        """The counters of one AMI link."""
        return self.ami_links.setdefault(name, AmiMetrics())
