"""Writes the figures of docs/reference/capacity.md out of a stored run of the benchmark.

    python loadtest/capacity.py bench-results/bench-….json
    python loadtest/capacity.py bench-results/bench-….json --write docs/reference/capacity.md

The first prints the tables, the second puts them between the two marks of the page. A section that was not
run has no row; figures of a quick run are marked. `--soak FILE.json` adds a table of a stored soak.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
_MB_PER_MIB = 1.048576
Row = dict[str, Any]
Figure = Callable[[Row], float]


@dataclass(frozen=True, slots=True)
class Told:
    """One row: which server of which section it is, and what is told of it."""

    what: str
    section: str
    server: str
    figures: tuple[Figure, ...]
    forms: tuple[str, ...]


def _cpu(sample: Row) -> float:
    return float(sample["cpu_us"])


def _capacity(sample: Row) -> float:
    """Calls or events a second of one core: CPU time does not depend on what else the machine does."""
    return 1e6 / _cpu(sample)


def _of(name: str) -> Figure:
    return lambda sample: float(sample[name])


_PATH = ((_cpu, _capacity, _of("calls_per_s")), (".0f", ",.0f", ",.0f"))
_PATHS = (
    ("number in the cache, 50 callers", "hit", "gateway-hits"),
    ("number from the upstream, batches, 500 callers", "miss", "gateway-batches"),
    ("the same, one request a call", "miss", "gateway-singles"),
    ("the same, batches, over TLS", "miss-tls", "gateway-batches"),
    ("the same, one request a call, over TLS", "miss-tls", "gateway-singles"),
    ("the same with `http = aiohttp`, batches", "miss", "gateway-aiohttp"),
    ("two workers, 500 callers, both cores", "workers", "two-workers"),
)
_AT_A_RATE = (
    ("number in the cache, 2,000 calls/s", "hit-one", "gateway-hits"),
    ("the same, written line by line as Asterisk does", "hit-lines", "gateway-hits"),
    ("number from the upstream, 1,000 calls/s", "added", "gateway-batches"),
    ("the same, 4,000 calls/s, cache full", "steady", "gateway-batches"),
)
_ADDED = tuple(
    (lambda sample, name=name: float(sample[name]) - float(sample["upstream_ms"]))  # type: ignore[misc]
    for name in ("p50_ms", "p99_ms", "p999_ms")
)
_SESSIONS = ((_of("session_mib"),), (".0f",))
_PROCESS = ((lambda sample: float(sample["memory_mb"]) / _MB_PER_MIB,), (".0f",))
_TABLES: tuple[tuple[str, tuple[str, ...], tuple[Told, ...]], ...] = (
    (
        "Calls",
        ("path", "CPU µs a call", "calls/s of one core", "calls/s seen", "section"),
        tuple(Told(what, section, server, *_PATH) for what, section, server in _PATHS),
    ),
    (
        "Calls at a rate, below what a core can do",
        ("path", "CPU µs a call", "share of a core", "section"),
        tuple(
            Told(what, section, server, (_cpu, _of("cpu_share")), (".0f", ".0%"))
            for what, section, server in _AT_A_RATE
        ),
    ),
    (
        "Time added to the upstream's own",
        ("load", "p50 ms", "p99 ms", "p99.9 ms", "section"),
        tuple(
            Told(what, section, server, _ADDED, (".2f", ".2f", ".2f"))
            for what, section, server in (
                ("1,000 calls/s", "added", "gateway-batches"),
                ("1,000 calls/s, one request a call", "added", "gateway-singles"),
                ("4,000 calls/s, cache full", "steady", "gateway-batches"),
                ("the same, collector as Python has it", "steady", "gateway-untuned"),
            )
        ),
    ),
    (
        "Calls with their records",
        ("what the PBX tells", "CPU µs a call", "calls/s of one core", "delivered records/s seen", "section"),
        tuple(
            Told(what, section, "gateway-whole", (_cpu, _capacity, _of("delivered_per_s")), _PATH[1])
            for what, section in (
                ("everything, 40 events a call", "whole"),
                ("one event a call, by the filter of the shipped manager.conf", "whole-filtered"),
            )
        ),
    ),
    (
        "AMI events",
        ("what", "CPU µs an event", "events/s of one core", "events/s seen", "section"),
        (Told("everything, 1,000 calls/s over a socket", "ami-rate", "ami-gateway", *_PATH),),
    ),
    (
        "Memory",
        ("what", "MiB", "section"),
        (
            Told("10,000 sessions whose request is not complete", "held", "gateway-roomy", *_SESSIONS),
            Told("10,000 sessions that wait for the upstream", "waiting", "gateway-roomy", *_SESSIONS),
            Told("the process with a full cache of 200,000 leads", "steady", "gateway-batches", *_PROCESS),
            Told("the process with AMI, spool and delivery", "whole", "gateway-whole", *_PROCESS),
        ),
    ),
)


def tables(run: Row, soak: Row | None = None) -> str:
    """All tables of a run, with where they come from."""
    parts = [_source(run)]
    for title, head, rows in _TABLES:
        if lines := list(_rows(run, rows)):
            parts.append("\n".join([f"### {title}", "", _line(head), _line(["---"] * len(head)), *lines]))
    if soak is not None:
        parts.append(_soak(soak))
    return "\n\n".join(parts)


def _source(run: Row) -> str:
    day = time.strftime("%Y-%m-%d", time.gmtime(run["started"]))
    build = "with" if run.get("optimised") else "without"
    python = f"CPython {run['python'].split()[0]} built {build} profile-guided optimisation"
    machine = f"{run.get('cores', '?')} virtual cores, {run.get('cpu', 'CPU unknown')}, {run['machine']}"
    commands = ", ".join(f"`{command}`" for command in run.get("commands", [])) or "`make bench`"
    quick = " **A quick run: too few rounds to rely on.**" if run["quick"] else ""
    return f"Measured {day} by {commands}; {python}; {machine}.{quick} Medians of the rounds."


def _rows(run: Row, rows: Sequence[Told]) -> Iterator[str]:
    for row in rows:
        mine = [one for one in run["samples"].get(row.section, ()) if one["server"] == row.server]
        quiet = [one for one in mine if not one["spoilt"]] or mine
        if mine:
            cells = [
                format(_rounded(median(figure(one) for one in quiet)), form)
                for figure, form in zip(row.figures, row.forms, strict=True)
            ]
            noisy = " (noisy)" if all(one["spoilt"] for one in mine) else ""
            yield _line([row.what + noisy, *cells, f"`{row.section}`"])


def _rounded(value: float) -> float:
    """Three digits, as no figure here is good for more."""
    return round(value, 2 - math.floor(math.log10(abs(value)))) if value else 0.0


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _soak(soak: Row) -> str:
    calls, options = soak["calls"], soak["options"]
    told = (
        f"{options['minutes']} minutes at {options['rate']} calls/s, {float(options['faults']):.0%} faults, "
    )
    told += f"{options['workers']} worker(s): {calls['calls']:,} calls, longest {calls['max_ms']:.0f} ms"
    head = ("figure", "first third", "last third", "growth an hour", "grows")
    lines = [
        _line(
            [
                one["name"],
                f"{one['first']:.1f}",
                f"{one['last']:.1f}",
                f"{one['per_hour']:+.1f}",
                str(one["grows"]),
            ]
        )
        for one in soak["growths"]
    ]
    return "\n".join(["### Soak", "", f"{told}.", "", _line(head), _line(["---"] * len(head)), *lines])


def main() -> int:
    """Print or write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="a stored run of the benchmark")
    parser.add_argument("--soak", type=Path, help="a stored soak")
    parser.add_argument("--write", type=Path, help="the page to put the tables into")
    options = parser.parse_args()
    soak = json.loads(options.soak.read_text()) if options.soak else None
    text = tables(json.loads(options.run.read_text()), soak)
    if options.write is None:
        print(text)
        return 0
    before, begin, rest = options.write.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        parser.error(f"{options.write} has no lines {BEGIN} and {END}")
    options.write.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
