"""Runs a load scenario with everything it needs, on loopback: gateway, simulated upstream, PBX and locust.

    python loadtest/locust_run.py --scenario campaign-start --seconds 30

Prints what locust saw, how near it came to its own limit, the gateway's own numbers, and whether each call
that ended became one record. Exit code 1 when a call got no number or a wrong one, or a record is missing,
came twice or changed; 3 when a part did not start.
"""

import argparse
import dataclasses
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import locust_ceiling
from ceiling import is_near
from locust_process import Entry, LocustError, Run, run_locust
from processes import StartError
from rig import Health, Rig, last_words, rig
from scenarios import SCENARIOS

_CEILING_S = 3.0
_AGI, _AMI = "AGI", "AMI"


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to."""

    run: Run
    health: list[Health]
    """The gateway's, from before the run to after its last record."""
    upstream: dict[str, int]
    ceiling: float
    faults: bool
    """Whether the upstream was made to fail: then a record may come twice, the same both times."""

    @property
    def calls(self) -> int:
        """All calls, failed ones too."""
        return sum(one.requests for one in self.run.entries if one.method == _AGI)

    @property
    def failures(self) -> int:
        """Failed events of all kinds."""
        return sum(one.failures for one in self.run.entries)

    @property
    def is_good(self) -> bool:
        """Whether every call had its number, and every end became one record."""
        upstream = self.upstream
        is_complete = upstream["records"] == self.run.good(_AMI) and not upstream["changed"]
        is_single = self.faults or not upstream["repeats"]
        return bool(self.calls) and not self.failures and is_complete and is_single


def run_scenario(options: argparse.Namespace, folder: Path) -> Result:
    """Start all, run locust to its end, and let the last records arrive."""
    ceiling = options.ceiling or locust_ceiling.known(lines=options.lines)
    if not ceiling:
        ceiling = locust_ceiling.measure_and_keep(_CEILING_S, lines=options.lines)
    with rig(folder, pbxes=options.processes, lie=options.lie) as parts:
        with parts.watched(options.seconds) as health:
            run = run_locust(
                locust_options(options, parts, ceiling),
                folder=folder,
                seconds=options.seconds,
                processes=options.processes,
            )
            parts.wait_for_records(run.good(_AMI))
        faults = len(SCENARIOS[options.scenario].faults) > 1
        return Result(run, health, parts.upstream(), ceiling, faults)


def locust_options(options: argparse.Namespace, parts: Rig, ceiling: float) -> list[str]:
    """The command line of this run."""
    return [
        f"--scenario={options.scenario}",
        f"--seconds={options.seconds}",
        f"--calls-per-s={options.calls_per_s}",
        f"--known={options.known}",
        f"--gateway={parts.gateway}",
        f"--ami-port={parts.ami_port}",
        f"--upstream-control={parts.control}",
        f"--ceiling={ceiling}",
        *(("--lines",) if options.lines else ()),
    ]


def tell(result: Result, options: argparse.Namespace, own: str) -> None:
    """Print it: locust's view first, then what the gateway and the upstream say."""
    scenario = SCENARIOS[options.scenario]
    print(f"\n{scenario.name}: {scenario.what}; {options.calls_per_s:g} calls/s at the peak\n")
    print(f"{'seen by locust':26}{'count':>9}{'failed':>8}{'p50 ms':>9}{'p99 ms':>9}   own queues included")
    for one in sorted(result.run.entries, key=_place):
        print(_row(one))
    print(f"\nthe gateway's own: {own}")
    print(f"                   {_cost(result)}")
    upstream = result.upstream
    print(f"upstream: {upstream['requests']:,} requests, {upstream['batches']:,} of them batches")
    ended = result.run.good(_AMI)
    print(f"records: {ended:,} calls ended, {upstream['records']:,} arrived, {upstream['repeats']:,} twice")
    if any(is_near(seen, result.ceiling) for seen in result.run.processes):
        print("locust came near its own limit: its rate and its times are not the gateway's (see above)")
    print("good" if result.is_good else "NOT GOOD: see failed, and records")


def _place(entry: Entry) -> tuple[str, str]:
    return entry.method, entry.name


def _row(one: Entry) -> str:
    times = f"{one.quantile_ms(0.5):>9.0f}{one.quantile_ms(0.99):>9.0f}"
    return f"{one.method + ' ' + one.name:26}{one.requests:>9,}{one.failures:>8,}{times}"


def _cost(result: Result) -> str:
    health = result.health
    moments = (health[0], health[len(health) // 4], health[-1])
    cpu_us = (health[-1].used - health[0].used).cpu_s * 1e6 / max(result.calls, 1)
    memory = ", ".join(f"{moment.memory_mb:.0f}" for moment in moments)
    descriptors = ", ".join(str(moment.descriptors) for moment in moments)
    growth = f"before, after a quarter, in the end: {memory} MB; {descriptors} descriptors"
    return f"{cpu_us:.0f} µs of CPU a call with its record; {growth}"


def store(result: Result, path: Path, own: str) -> None:
    """Write the run as JSON."""
    document = {
        "calls": result.calls,
        "failures": result.failures,
        "ended": result.run.good(_AMI),
        "upstream": result.upstream,
        "gateway": own,
        "ceiling": result.ceiling,
        "entries": {f"{one.method} {one.name}": [one.requests, one.failures] for one in result.run.entries},
        "locust": [dataclasses.asdict(seen) for seen in result.run.processes],
        "good": result.is_good,
    }
    path.write_text(json.dumps(document, indent=1))


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenario", choices=list(SCENARIOS), default="campaign-start")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--calls-per-s", type=float, default=200.0, help="at the peak of the scenario")
    parser.add_argument("--known", type=float, default=0.1, help="share of calls to numbers called before")
    parser.add_argument("--lines", action="store_true", help="write the environment line by line")
    parser.add_argument("--processes", type=int, default=1, help="locust processes, each a PBX of its own")
    parser.add_argument("--ceiling", type=float, default=0.0, help="sessions/s a core; 0: measured once")
    parser.add_argument("--lie", action="store_true", help="give some wrong numbers: the run must fail")
    parser.add_argument("--folder", type=Path, help="where logs, configuration and spool are kept; a new one")
    parser.add_argument("--json", type=Path, help="write the result to this file, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="load-") as name:
        folder = options.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            result = run_scenario(options, folder)
        except (LocustError, StartError) as error:
            print(error, file=sys.stderr)
            return 3
        own = last_words(folder)
    tell(result, options, own)
    if options.json:
        store(result, options.json, own)
    return 0 if result.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
