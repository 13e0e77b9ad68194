"""Turns samples and verdicts into tables on stdout."""

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import median

from goals import Verdict
from sample import Kind, Sample, Section


def print_section(section: Section, samples: Sequence[Sample]) -> None:
    """The table of one section: a line for each server, medians of the rounds."""
    length = f" of {section.seconds:g} s" if section.seconds else ""
    print(f"\n{section.title} ({section.rounds} rounds{length}, median, lowest to highest)")
    columns = _columns(section)
    cost = "CPU µs/event" if section.kind in {Kind.BYTES, Kind.EVENTS} else "CPU µs/call"
    print(f"  {'server':<22}{cost:>20}" + "".join(f"{name:>{width}}" for name, width, _ in columns))
    for name in section.servers:
        mine = [sample for sample in samples if sample.server == name]
        if not mine:
            continue
        cells = "".join(f"{write(mine):>{width}}" for _, width, write in columns)
        print(f"  {name:<22}{_spread(mine):>20}{cells}")
        if faults := sum((Counter(sample.faults) for sample in mine), Counter()):
            print(f"    FAILED: {dict(faults)}")


Column = tuple[str, int, Callable[[Sequence[Sample]], str]]


def _columns(section: Section) -> list[Column]:
    noisy: Column = ("noisy", 6, lambda mine: str(sum(sample.spoilt for sample in mine)))
    core = _median("core", 6, lambda sample: sample.cpu_share, ".0%")
    rate = _median("calls/s", 9, lambda sample: sample.calls_per_s, ",.0f")
    memory = _median("MB", 6, lambda sample: sample.memory_mb, ".0f")
    match section.kind:
        case Kind.BYTES:
            return []
        case Kind.EVENTS:
            return [_median("events/s", 10, lambda sample: sample.calls_per_s, ",.0f"), core, memory, noisy]
        case Kind.SESSIONS:
            return [
                _median("MiB/10,000", 12, lambda sample: sample.session_mib, ".1f"),
                _median("answered", 10, lambda sample: sample.answered, ",.0f"),
                noisy,
            ]
    columns = [
        *(rate, core),
        _median("p50 ms", 9, lambda sample: sample.p50_ms, ".2f"),
        _median("p99 ms", 9, lambda sample: sample.p99_ms, ".2f"),
        _median("p99.9", 9, lambda sample: sample.p999_ms, ".2f"),
        _median("longest", 9, lambda sample: sample.max_ms, ".1f"),
        _median("upstream", 9, lambda sample: sample.upstream_ms, ".2f"),
        _median("req/call", 9, lambda sample: sample.requests_per_call, ".3f"),
        *(memory, noisy),
    ]
    if section.kind is Kind.WHOLE:
        columns.insert(1, _median("delivered", 10, lambda sample: sample.delivered_per_s, ",.0f"))
    if section.may_miss:
        columns[:0] = [
            _median("answered", 9, lambda sample: sample.answered, ",.0f"),
            _median("in time", 9, lambda sample: sample.in_time, ",.0f"),
            _median("conns", 6, lambda sample: sample.connections, ",.0f"),
        ]
    return columns


def _median(name: str, width: int, figure: Callable[[Sample], float], form: str) -> Column:
    return name, width, lambda mine: format(median(figure(sample) for sample in mine), form)


def _spread(samples: Sequence[Sample]) -> str:
    values = [sample.cpu_us for sample in samples]
    digits = 2 if max(values) < 10 else 1  # noqa: PLR2004 - three figures
    return f"{median(values):.{digits}f} {min(values):.{digits}f}..{max(values):.{digits}f}"


def print_verdicts(found: Sequence[Verdict]) -> None:
    """One line for each figure."""
    if not found:
        return
    print("\nWhat it shows (median, lowest to highest; a goal is reached when the worst round reaches it)")
    for verdict in found:
        goal = f"  goal {verdict.goal}: {verdict.outcome.value}" if verdict.goal else ""
        noisy = f"  ({verdict.noisy} of {verdict.rounds} rounds noisy)" if verdict.noisy else ""
        value = f"{_number(verdict.median)}{verdict.unit}"
        spread = f"{_number(verdict.lowest)}..{_number(verdict.highest)}"
        print(f"  {verdict.what:<50}{value:>12}  {spread:<18}{goal}{noisy}")
    judged = [verdict for verdict in found if verdict.goal]
    reached = sum(verdict.is_reached for verdict in judged)
    print(f"\n{reached} of {len(judged)} goals reached")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"  # noqa: PLR2004 - three figures
