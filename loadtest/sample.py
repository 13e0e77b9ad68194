"""What is measured, and what came of it: sections of the benchmark and their samples."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

UPSTREAM_DELAY_MS = 20.0
MISSED = "no ANI"
"""How the generator calls a call that was answered without a number."""


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


@dataclass(frozen=True, slots=True)
class Section:
    """One comparison: the servers, the load (options of generator.py), and how often."""

    name: str
    title: str
    servers: tuple[str, ...]
    load: Mapping[str, float]
    rounds: int
    seconds: float
    kind: Kind = Kind.CALLS
    delay_ms: float = UPSTREAM_DELAY_MS
    """How long the upstream takes for an answer."""
    is_tls: bool = False
    """Whether the upstream speaks TLS."""
    is_fresh: bool = False
    """Whether each sample has a server of its own, that nobody has called before."""
    may_miss: bool = False
    """Whether a call may go without a number: then how many do is the result."""


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
    may_miss: bool = False
    requests_per_call: float = 0.0
    """Requests the upstream received, for each call."""
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
        """The failures that must not be."""
        return {why: count for why, count in self.failures.items() if why != MISSED or not self.may_miss}

    def added_ms(self, quantile_ms: float) -> float:
        """What the server added to the upstream's own time."""
        return quantile_ms - self.upstream_ms
