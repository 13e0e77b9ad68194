"""What the gateway is to reach, and whether it did: figures of each round, held against a goal.

A goal is reached when the worst of the rounds reaches it; noisy rounds judge only when most are noisy. A
ratio or difference of two servers is taken within one round, so that what slowed a round slowed both.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from sample import Sample
from servers import DEADLINE_S

Round = Mapping[str, Sample]
"""The samples of one round by server."""
Figure = Callable[[Round], float]
Measured = tuple[Figure, tuple[str, ...]]
"""A figure and the servers it is made of."""


class Limit(StrEnum):
    """Which side of its goal a figure has to be on."""

    AT_MOST = "at most"
    AT_LEAST = "at least"
    NONE = ""


class Outcome(StrEnum):
    """What came of a goal."""

    REACHED = "reached"
    BY_MEDIAN = "by the median only"
    MISSED = "MISSED"
    NO_GOAL = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure, of one section, with what it should be."""

    section: str
    what: str
    figure: Figure
    servers: tuple[str, ...]
    """Those the figure is made of."""
    limit: Limit = Limit.NONE
    wanted: float = 0.0
    unit: str = ""

    @property
    def words(self) -> str:
        """The goal as it is said."""
        return f"{self.limit.value} {self.wanted:,g}{self.unit}" if self.limit else ""

    def is_met(self, value: float) -> bool:
        """Whether a figure is good enough."""
        return value <= self.wanted if self.limit is Limit.AT_MOST else value >= self.wanted


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure over the rounds: median, lowest and highest of the quiet ones, or of all when few were."""

    section: str
    what: str
    median: float
    lowest: float
    highest: float
    unit: str
    goal: str
    wanted: float
    outcome: Outcome
    rounds: int
    noisy: int
    """Rounds in which other work on the machine took more than a tenth of the time."""

    @property
    def is_reached(self) -> bool:
        """Whether even the worst round reached the goal."""
        return self.outcome is Outcome.REACHED


def cpu_ratio(above: str, below: str) -> Measured:
    """CPU time per call of `above` over that of `below`."""
    return lambda samples: samples[above].cpu_us / samples[below].cpu_us, (above, below)


def added(server: str, quantile: Callable[[Sample], float]) -> Measured:
    """Milliseconds of a quantile beyond what the upstream itself took."""
    return lambda samples: samples[server].added_ms(quantile(samples[server])), (server,)


def of(server: str, figure: Callable[[Sample], float]) -> Measured:
    """A figure of one server."""
    return lambda samples: figure(samples[server]), (server,)


def slower(one: str, other: str) -> Measured:
    """Milliseconds by which the median latency of `one` is above that of `other`."""
    return lambda samples: samples[one].p50_ms - samples[other].p50_ms, (one, other)


def p50(sample: Sample) -> float:
    """Half of the calls were quicker."""
    return sample.p50_ms


def p99(sample: Sample) -> float:
    """All but one in a hundred were quicker."""
    return sample.p99_ms


def p999(sample: Sample) -> float:
    """All but one in a thousand were quicker."""
    return sample.p999_ms


def _most(section: str, what: str, wanted: float, figure: Measured, unit: str) -> Goal:
    return Goal(section, what, *figure, Limit.AT_MOST, wanted, unit)


def _least(section: str, what: str, wanted: float, figure: Measured, unit: str) -> Goal:
    return Goal(section, what, *figure, Limit.AT_LEAST, wanted, unit)


def _told(section: str, what: str, figure: Measured, unit: str) -> Goal:
    return Goal(section, what, *figure, unit=unit)


_OVER_FLOOR = cpu_ratio("gateway-hits", "floor")
GOALS = (
    _most("hit-equal", "one write, 8,000 calls/s: CPU over the floor", 1.2, _OVER_FLOOR, "x"),
    _most("hit", "one write, 50 callers: CPU over the floor", 1.2, _OVER_FLOOR, "x"),
    _least("hit", "one write: panoramisk over gateway", 2.3, cpu_ratio("panoramisk", "gateway-hits"), "x"),
    _least("hit", "one write: asyncio streams over gateway", 2.0, cpu_ratio("streams", "gateway-hits"), "x"),
    *(
        _told(section, f"{words}, 2,000 calls/s: {what}", figure, "x")
        for section, words in (("hit-lines", "line by line"), ("hit-one", "one write"))
        for what, figure in (
            ("CPU over the floor", _OVER_FLOOR),
            ("panoramisk over it", cpu_ratio("panoramisk", "gateway-hits")),
            ("streams over it", cpu_ratio("streams", "gateway-hits")),
        )
    ),
    _least("miss", "miss path, naive over gateway", 9.0, cpu_ratio("naive", "gateway-batches"), "x"),
    _least("miss", "miss path, tuned over gateway", 4.0, cpu_ratio("tuned", "gateway-batches"), "x"),
    _least(
        "miss", "the same with http = aiohttp, naive over it", 4.5, cpu_ratio("naive", "gateway-aiohttp"), "x"
    ),
    _told("miss", "the same with single requests, naive over it", cpu_ratio("naive", "gateway-singles"), "x"),
    _told("miss-tls", "miss path over TLS, naive over gateway", cpu_ratio("naive", "gateway-batches"), "x"),
    _told("miss-tls", "miss path over TLS, tuned over gateway", cpu_ratio("tuned", "gateway-batches"), "x"),
    _most("added", "added at 1,000 calls/s, p50", 0.4, added("gateway-batches", p50), " ms"),
    _most("added", "added at 1,000 calls/s, p99", 1.2, added("gateway-batches", p99), " ms"),
    _most("added", "added at 1,000 calls/s, p99.9", 4.0, added("gateway-batches", p999), " ms"),
    _told("added", "the same with single requests, p50", added("gateway-singles", p50), " ms"),
    _told("added", "the same with single requests, p99.9", added("gateway-singles", p999), " ms"),
    _most("steady", "added at 4,000 calls/s, p99.9", 15.0, added("gateway-batches", p999), " ms"),
    _told("steady", "the same, collector as Python has it", added("gateway-untuned", p999), " ms"),
    _most(
        "lone",
        "lone miss, batching on above off, p50",
        0.2,
        slower("gateway-batches", "gateway-singles"),
        " ms",
    ),
    _most(
        "burst",
        "3,500 calls in one instant, the longest",
        900,
        of("gateway-batches", lambda s: s.max_ms),
        " ms",
    ),
    _least(
        "sick",
        f"upstream of 2.5 s, answered within {DEADLINE_S:g} s of 5,000",
        4_500,
        of("gateway-patient", lambda s: s.answered),
        "",
    ),
    _told(
        "sick", "the same, counted from the caller's connect", of("gateway-patient", lambda s: s.in_time), ""
    ),
    _told("sick", "the same with single requests", of("patient-singles", lambda s: s.answered), ""),
    _most("held", "memory of 10,000 sessions held", 28, of("gateway-roomy", lambda s: s.session_mib), " MiB"),
    _most(
        "waiting",
        "memory of 10,000 waiting for upstream",
        70,
        of("gateway-roomy", lambda s: s.session_mib),
        " MiB",
    ),
    _least(
        "ami-rate",
        "AMI at 1,000 calls/s, panoramisk over gateway",
        12,
        cpu_ratio("ami-panoramisk", "ami-gateway"),
        "x",
    ),
    _least(
        "ami",
        "AMI unfiltered, panoramisk over gateway",
        12,
        cpu_ratio("panoramisk-unfiltered", "gateway-unfiltered"),
        "x",
    ),
    _told(
        "ami",
        "AMI filtered, panoramisk over gateway",
        cpu_ratio("panoramisk-filtered", "gateway-filtered"),
        "x",
    ),
    _least(
        "whole",
        "whole gateway, one core, delivered calls",
        6_500,
        of("gateway-whole", lambda s: s.delivered_per_s),
        "/s",
    ),
    _told(
        "whole-filtered",
        "the same with an AMI filter",
        of("gateway-whole", lambda s: s.delivered_per_s),
        "/s",
    ),
    _most(
        "workers", "two workers over one, CPU per call", 1.1, cpu_ratio("two-workers", "gateway-batches"), "x"
    ),
    _told("workers", "the busier worker's share of the work", of("two-workers", lambda s: s.busier), ""),
)
"""The table of what must be shown; those without a limit stand beside one to explain it."""


def verdicts(results: Mapping[str, Sequence[Sample]]) -> list[Verdict]:
    """The verdicts on the sections that were run, as far as their servers were."""
    found = []
    for goal in GOALS:
        rounds = list(_rounds(results.get(goal.section, ()), goal.servers))
        if rounds:
            found.append(judge(goal, rounds))
    return found


def _rounds(samples: Sequence[Sample], servers: tuple[str, ...]) -> Iterator[Round]:
    for number in sorted({sample.round for sample in samples}):
        of_round = {sample.server: sample for sample in samples if sample.round == number}
        if of_round.keys() >= set(servers):
            yield {name: of_round[name] for name in servers}


def judge(goal: Goal, rounds: Sequence[Round]) -> Verdict:
    """The verdict on a goal, by the quiet rounds when at least half of them are."""
    quiet = [one for one in rounds if not any(sample.spoilt for sample in one.values())]
    judges = quiet if len(quiet) * 2 >= len(rounds) else rounds
    values = [goal.figure(one) for one in judges]
    return Verdict(
        section=goal.section,
        what=goal.what,
        median=median(values),
        lowest=min(values),
        highest=max(values),
        unit=goal.unit,
        goal=goal.words,
        wanted=goal.wanted,
        outcome=_outcome(goal, values),
        rounds=len(rounds),
        noisy=len(rounds) - len(quiet),
    )


def _outcome(goal: Goal, values: Sequence[float]) -> Outcome:
    if goal.limit is Limit.NONE:
        return Outcome.NO_GOAL
    if all(goal.is_met(value) for value in values):
        return Outcome.REACHED
    return Outcome.BY_MEDIAN if goal.is_met(median(values)) else Outcome.MISSED
