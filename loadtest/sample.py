"""What is measured, and what came of it: sections of the benchmark and their samples."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

UPSTREAM_DELAY_MS = 20.0
MISSED = "no ANI"
"""How the generator calls a call that was answered without a number."""


_START_S = 2.2
"""A server and its first calls."""
_FILL_PER_S = 6_000
"""Calls a second while a cache is filled."""


class Kind(StrEnum):
    """How a section is measured."""

    CALLS = "calls"
    """Calls, from the first to the end of the last."""
    SESSIONS = "sessions"
    """The memory of sessions that are open."""
    WHOLE = "whole"
    """Calls with their AMI events, until every dial record has been delivered."""
    EVENTS = "events"
    """AMI events over a socket."""
    BYTES = "bytes"
    """AMI events in one process."""


_EXTRA_S = {Kind.CALLS: 0.4, Kind.SESSIONS: 6.0, Kind.WHOLE: 3.0, Kind.EVENTS: 2.0, Kind.BYTES: 0.5}
"""Of each sample beyond its own seconds: starting the generator, the last calls, the last records."""


@dataclass(frozen=True, slots=True)
class Section:
    """One comparison: the servers, the load (options of generator.py), and how often."""

    name: str
    title: str
    servers: tuple[str, ...]
    load: Mapping[str, float | str]
    rounds: int
    seconds: float
    kind: Kind = Kind.CALLS
    delay_ms: float = UPSTREAM_DELAY_MS
    """How long the upstream takes for an answer."""
    is_tls: bool = False
    """Whether the upstream speaks TLS."""
    fill: int = 0
    """Calls made first, which do not count, as many as the server's cache holds."""
    is_fresh: bool = False
    """Whether each sample has a server of its own, that nobody has called before."""
    may_miss: bool = False
    """Whether a call may go without a number: then how many do is the result."""

    @property
    def expected_s(self) -> float:
        """About how long it takes, where nothing has to be repeated."""
        samples = self.rounds * len(self.servers)
        if self.kind is Kind.BYTES:
            return samples * _EXTRA_S[self.kind]
        each_s = self.seconds + self.delay_ms / 1e3 + _EXTRA_S[self.kind]
        each_s += float(self.load.get("warm-s", 0)) + self.fill / _FILL_PER_S
        starts = samples if self.is_fresh else len(self.servers)
        return samples * each_s + starts * _START_S


@dataclass(slots=True)
class Sample:
    """One server under one load. CPU counts the server's process with its children and all threads.

    What a kind of section does not measure is 0.
    """

    server: str
    calls: int
    """Or events, where a section is about those."""
    cpu_us: float
    """Per call, or per event."""
    cpu_share: float = 0.0
    """Of one core; near 1 the server was saturated."""
    calls_per_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    p999_ms: float = 0.0
    max_ms: float = 0.0
    quantiles_ms: list[float] = field(default_factory=list)
    """At `generator.SHARES`."""
    failures: dict[str, int] = field(default_factory=dict)
    earlier_faults: dict[str, int] = field(default_factory=dict)
    """Of the warm-up, and of attempts that were repeated because the machine was busy."""
    may_miss: bool = False
    in_time: int = 0
    """Calls with their number within `servers.DEADLINE_S` of their connect."""
    requests_per_call: float = 0.0
    """Requests the upstream received, for each call."""
    connections: int = 0
    """Connections to the upstream that were opened."""
    upstream_ms: float = 0.0
    """What the upstream itself took for a lead, mean."""
    memory_mb: float = 0.0
    session_mib: float = 0.0
    """Memory of 10,000 open sessions, above the idle server."""
    delivered_per_s: float = 0.0
    """Calls a second of which the record was delivered too."""
    server_waited: float = 0.0
    """Share of the time the server was runnable and had no CPU."""
    generator_waited: float = 0.0
    generator_cpu_us: float = 0.0
    stolen: float = 0.0
    others: float = 0.0
    """CPUs that other work on the machine used, where server and generator share theirs."""
    busier: float = 0.0
    """Of two workers' CPU time, the busier one's share."""
    spoilt: bool = False
    """Other work on the machine took more than a tenth of the time."""
    round: int = 0
    attempt: int = 0

    @property
    def answered(self) -> int:
        """Calls that got their number."""
        return self.calls - sum(count for why, count in self.failures.items() if "ANI" in why)

    @property
    def faults(self) -> dict[str, int]:
        """The failures that must not be, those of repeated attempts included."""
        both = Counter(self.failures) + Counter(self.earlier_faults)
        return {why: count for why, count in both.items() if why != MISSED or not self.may_miss}

    def added_ms(self, quantile_ms: float) -> float:
        """What the server added to the upstream's own time."""
        return quantile_ms - self.upstream_ms
