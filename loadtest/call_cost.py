"""Says where the gateway spends the Python part of a call: by part of the program, for hits and for misses.

    python loadtest/call_cost.py
    python loadtest/call_cost.py --path miss --seconds 10 --files 40

The gateway runs as it ships, under Python's own profiler, with the generator and the upstream of the
benchmark. The profiler makes each function dearer, so shares are what to read, and what a call really costs
is what `bench.py` says. Time in the kernel and the event loop is none of the parts: it stands in a line of
its own.
"""

import argparse
import pstats
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from load_process import LoadError, exit_with, load_process
from processes import ENVIRONMENT, HERE
from sample import UPSTREAM_DELAY_MS
from sections import hit, miss
from servers import HITS, Server, gateway, running
from stub_process import running_stub

ROOT = HERE.parent
LOADS = {section.name: section.load for section in (hit((), 1, 0.0), miss((), 1, 0.0))}
"""Those of the benchmark."""
_PROGRAM = str(HERE / "profiled.py")
_LOOP = "asyncio/runners.py"
OUTSIDE = "(kernel, event loop, start)"
LIBRARIES = "(standard library and others)"
BUILTINS = "(built-in functions)"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one part took."""

    part: str
    share: float
    """Of all time under the profiler."""
    entries: float
    """Calls of its functions for each call of the dialplan."""


def profiled(path: str, seconds: float, folder: Path) -> tuple[pstats.Stats, int]:
    """A run of the load under the profiler: its figures, and how many calls were made."""
    file = folder / "profile"
    ENVIRONMENT["LOADTEST_PROFILE"] = str(file)
    server = Server("profiled", "", gateway(*(HITS if path == "hit" else ()), program=(_PROGRAM,)))
    with (
        running_stub(folder, delay_ms=UPSTREAM_DELAY_MS) as stub,
        running(server, stub.url, folder) as (_, port),
    ):
        load = {**LOADS[path], "port": port, "seconds": seconds}
        with load_process("generator.py", load) as generator:
            generator.expect("ready")
            generator.go_on()
            seen = generator.result()
    if seen["failures"]:
        raise LoadError(f"calls failed: {seen['failures']}")
    return pstats.Stats(str(file)), int(seen["calls"])


def costs(stats: pstats.Stats, calls: int, *, by_file: bool) -> list[Cost]:
    """By package of the gateway, or by file; the greatest first."""
    times: defaultdict[str, float] = defaultdict(float)
    entries: Counter[str] = Counter()
    for part, own_s, count in _rows(stats, by_file=by_file):
        times[part] += own_s
        entries[part] += count
    total = sum(times.values())
    ordered = sorted(times.items(), key=lambda item: -item[1])
    return [Cost(part, own_s / total, entries[part] / calls) for part, own_s in ordered]


def _rows(stats: pstats.Stats, *, by_file: bool) -> Iterator[tuple[str, float, int]]:
    # (file, line, function) to (primitive calls, calls, own time, time with callees, callers)
    table: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = stats.stats  # type: ignore[attr-defined]
    for (file, *_), (_, count, own_s, *_) in table.items():
        yield part_of(file, by_file=by_file), own_s, count


def part_of(file: str, *, by_file: bool) -> str:
    """Which part the functions of a file belong to; built-in ones have none, and the loop runs in `_LOOP`."""
    if file.endswith(_LOOP):
        return OUTSIDE
    if file == "~":
        return BUILTINS
    try:
        path = Path(file).relative_to(ROOT / "gateway")
    except ValueError:
        return LIBRARIES
    return str(path) if by_file else f"gateway/{path.parts[0]}"


def main() -> int:
    """Run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--path", choices=LOADS, action="append", help="which calls; without it all")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--files", type=int, default=0, metavar="N", help="the N dearest files, not packages")
    options = parser.parse_args()
    for path in options.path or LOADS:
        with tempfile.TemporaryDirectory(prefix="call-cost-") as name:
            stats, calls = profiled(path, options.seconds, Path(name))
        print(f"\n{path}: {calls:,} calls\n{'part':45}{'share':>8}{'entries a call':>16}")
        for cost in costs(stats, calls, by_file=options.files > 0)[: options.files or None]:
            print(f"{cost.part:45}{cost.share:>8.1%}{cost.entries:>16.1f}")
    return 0


if __name__ == "__main__":
    exit_with(main)
