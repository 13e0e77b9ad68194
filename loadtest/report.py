"""Turns samples into tables and ratios: medians with their spread, each ratio taken within one round."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Section:
    """One comparison: the servers, the load (options of generator.py), and how often."""

    name: str
    title: str
    servers: tuple[str, ...]
    load: dict[str, int | bool]
    rounds: int
    seconds: float


@dataclass(slots=True)
class Sample:
    """One server under one load. CPU counts the server's process with all its threads."""

    server: str
    cpu_us: float
    """Per call."""
    cpu_share: float
    """Of one core; near 1 the server was saturated."""
    calls: int
    calls_per_s: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    failures: dict[str, int]
    requests_per_call: float
    """Requests the upstream received, for each call."""
    memory_mb: float
    server_waited: float
    """Share of the time the server was runnable and had no CPU."""
    generator_waited: float
    generator_cpu_us: float
    stolen: float
    spoilt: bool
    """Other work on the machine took more than a tenth of the time."""
    round: int = 0
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """A ratio of two servers, with what it should be."""

    what: str
    median: float
    lowest: float
    highest: float
    goal: str
    reached: bool
    rounds: int
    noisy: int = field(default=0)
    """Rounds in which a sample stayed spoilt."""


def print_section(section: Section, samples: list[Sample]) -> None:
    """The table of one section."""
    print(f"\n{section.title} ({section.rounds} rounds of {section.seconds:g} s, median, lowest to highest)")
    print(
        f"  {'server':<17}{'CPU µs/call':>20}{'calls/s':>9}{'core':>6}{'p50 ms':>8}{'p99 ms':>8}{'p99.9':>8}"
        f"{'req/call':>9}{'MB':>6}{'noisy':>6}"
    )
    for name in section.servers:
        mine = [sample for sample in samples if sample.server == name]
        print(f"  {name:<17}{_spread(mine):>20}{_median(mine, lambda s: s.calls_per_s):>9,.0f}", end="")
        print(
            f"{_median(mine, lambda s: s.cpu_share):>6.0%}{_median(mine, lambda s: s.p50_ms):>8.2f}", end=""
        )
        print(f"{_median(mine, lambda s: s.p99_ms):>8.2f}{_median(mine, lambda s: s.p999_ms):>8.2f}", end="")
        print(f"{_median(mine, lambda s: s.requests_per_call):>9.3f}", end="")
        print(f"{_median(mine, lambda s: s.memory_mb):>6.0f}{sum(s.spoilt for s in mine):>6}")
        failures = {why: count for sample in mine for why, count in sample.failures.items()}
        if failures:
            print(f"    FAILED: {failures}")


def _spread(samples: list[Sample]) -> str:
    values = [sample.cpu_us for sample in samples]
    return f"{median(values):.1f} {min(values):.1f}..{max(values):.1f}"


def _median(samples: list[Sample], value: Callable[[Sample], float]) -> float:
    return median(value(sample) for sample in samples)


def verdicts(results: dict[str, list[Sample]]) -> list[Verdict]:
    """The ratios the project promises, from the sections that were run."""
    found = []
    if "hit" in results:
        found.append(
            _ratio(
                results["hit"], "gateway-hits", "floor", "hit path, CPU per call over the floor", at_most=1.6
            )
        )
        found.append(
            _ratio(results["hit"], "gateway-hits", "floor-turns", "the same, over the floor in turns")
        )
    if "hit-lines" in results:
        found.append(
            _ratio(results["hit-lines"], "gateway-hits", "floor", "the same at 1,000 calls/s, line by line")
        )
    if "miss" in results:
        found.append(
            _ratio(results["miss"], "naive", "gateway-singles", "miss path, naive over single requests")
        )
        found.append(
            _ratio(results["miss"], "naive", "gateway-batches", "miss path, naive over adaptive batches")
        )
        found.append(
            _ratio(
                results["miss"],
                "gateway-singles",
                "gateway-batches",
                "miss path, singles over adaptive batches",
            )
        )
    return found


def _ratio(
    samples: list[Sample], above: str, below: str, what: str, *, at_most: float | None = None
) -> Verdict:
    """CPU per call of `above` over `below`, round by round, so that what slowed a round slowed both."""
    rounds = sorted({sample.round for sample in samples})
    by_place = {(sample.round, sample.server): sample for sample in samples}
    pairs = [(by_place[number, above], by_place[number, below]) for number in rounds]
    ratios = [one.cpu_us / other.cpu_us for one, other in pairs]
    return Verdict(
        what=what,
        median=median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
        goal="" if at_most is None else f"at most {at_most:g}",
        reached=at_most is None or median(ratios) <= at_most,
        rounds=len(ratios),
        noisy=sum(one.spoilt or other.spoilt for one, other in pairs),
    )


def at_least(goal: float, ratios: Sequence[float], what: str) -> Verdict:
    """The verdict on ratios of which the median is to reach `goal`."""
    middle = median(ratios)
    return Verdict(
        what=what,
        median=middle,
        lowest=min(ratios),
        highest=max(ratios),
        goal=f"at least {goal:g}",
        reached=middle >= goal,
        rounds=len(ratios),
    )


def print_verdicts(found: list[Verdict]) -> None:
    """One line for each ratio."""
    if not found:
        return
    print("\nRatios of CPU time, taken within each round (median, lowest to highest)")
    for verdict in found:
        goal = f"  goal {verdict.goal}: {'reached' if verdict.reached else 'MISSED'}" if verdict.goal else ""
        noisy = f"  ({verdict.noisy} of {verdict.rounds} rounds noisy)" if verdict.noisy else ""
        spread = f"{verdict.median:>6.2f}  {verdict.lowest:.2f}..{verdict.highest:.2f}"
        print(f"  {verdict.what:<52}{spread}{goal}{noisy}")
