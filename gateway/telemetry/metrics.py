"""Counters and histograms: plain numbers, counted without a lock on the event loop.

Whoever shows them (demo, admin, Prometheus) reads these objects; nothing here formats anything.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass

from gateway.model.decision import Decision, Reason, Source, Status
from gateway.model.delivery import Stored
from gateway.telemetry.recent import RecentCalls

LATENCY_BOUNDS_S = (
    *(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02),
    *(0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0),
)
"""Upper bounds of the buckets, seconds; around the deadline finer than elsewhere."""


BATCH_BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
"""Upper bounds of the buckets of batch sizes, leads."""

_CACHE = Source.CACHE  # looking a member up in its enum takes longer than counting

Way = tuple[Status, Source, Reason]
"""What was decided, where the number came from, and why it was not assigned."""


class Histogram:
    """Counts by upper bound; the last bucket has none."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...] = LATENCY_BOUNDS_S) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def add(self, other: "Histogram") -> None:
        """Count all that `other` has counted, with the same bounds."""
        self.counts = [own + more for own, more in zip(self.counts, other.counts, strict=True)]
        self.sum += other.sum

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
        self._hits = Histogram()
        self.ways: dict[Way, Histogram] = {(Status.ASSIGNED, _CACHE, Reason.NONE): self._hits}
        """How many calls were decided in each way, and how long each took in seconds."""
        self.unknown_keys: Counter[str] = Counter()
        """Argument keys the contract does not know; at most `_MAX_KEYS` of them, the rest under `other`."""
        self.bad_arguments: Counter[str] = Counter()
        """Known keys whose value was dropped because it made no sense."""
        self.not_owned = 0
        self.faults = 0
        self.recent = RecentCalls()

    _MAX_KEYS = 100

    def decided(self, decision: Decision, took_s: float) -> None:
        """One call has its answer, `took_s` after its request was complete."""
        if decision.source is _CACHE:  # the commonest by far
            self._hits.observe(took_s)
            return
        way = (decision.status, decision.source, decision.reason)
        known = self.ways.get(way)
        if known is None:
            known = self.ways[way] = Histogram()
        known.observe(took_s)

    @property
    def latency(self) -> Histogram:
        """How long all decisions took, seconds."""
        together = Histogram()
        for each in self.ways.values():
            together.add(each)
        return together

    @property
    def decisions(self) -> Counter[Way]:
        """How many calls were decided in each way."""
        return Counter({way: each.count for way, each in self.ways.items() if each.count})

    def saw_unknown_key(self, key: str) -> None:
        """The dialplan sent a key nobody reads."""
        known = key in self.unknown_keys or len(self.unknown_keys) < self._MAX_KEYS
        self.unknown_keys[key if known else "other"] += 1


@dataclass(slots=True)
class SessionMetrics:
    """What became of the connections."""

    opened: int = 0
    open: int = 0
    """Those that are now."""
    health_checks: int = 0
    requests: int = 0
    hung_up: int = 0
    refused_peers: int = 0
    overloaded: int = 0
    malformed: int = 0
    timed_out: int = 0
    faults: int = 0
    command_errors: int = 0
    """Answers other than 200: Asterisk refused one of our commands."""


class UpstreamMetrics:
    """How one provider does."""

    def __init__(self) -> None:
        self.requests = 0
        self.leads = 0
        self.latency = Histogram()
        self.failures: Counter[Reason] = Counter()
        self.last_failure = ""
        """What the last failure said, "" before the first."""
        self.batch_sizes = Histogram(BATCH_BOUNDS)

    def sent(self, leads: int) -> None:
        """A request with this many leads was sent."""
        self.requests += 1
        self.leads += leads
        self.batch_sizes.observe(leads)

    def answered(self, took_s: float) -> None:
        """It was answered."""
        self.latency.observe(took_s)

    def failed(self, reason: Reason, words: str = "") -> None:
        """It failed; `words` say how."""
        self.failures[reason] += 1
        self.last_failure = words or reason


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
        self.by_ani: Counter[str] = Counter()
        """Records by the number shown (E.164); at most `_MAX_ANIS` of them, the rest under `other`."""

    _MAX_ANIS = 10_000

    def recorded(self, ani: str) -> None:
        """A record was made of a call that showed this number."""
        known = ani in self.by_ani or len(self.by_ani) < self._MAX_ANIS
        self.by_ani[ani if known else "other"] += 1

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
