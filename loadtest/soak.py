"""Runs the gateway for a long time, over TLS with an upstream that fails now and then: nothing may grow.

    make soak
    python loadtest/soak.py --minutes 120 --rate 300 --faults 0.01

The gateway runs as it ships, with reports over AMI, spool and delivery. Calls come at a fixed mean rate
whatever it does, each to a new phone; the PBX tells 40 events of each. One upstream request in a hundred gets
no answer, a 500, a broken connection or a 429. Memory, descriptors, threads and asyncio tasks are looked at
every few seconds; loadtest/README.md says what is held against what. Exit code 1 when one of them grows, a
call got a wrong number or none or waited too long, or a dial record did not arrive exactly once; 3 when a
part did not start.
"""

import argparse
import dataclasses
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certificates import make_certificates
from growth import Growth
from load_process import LoadProcess, exit_with, load_process
from measure import delivered
from processes import ENVIRONMENT, HERE, free_port
from servers import REPORTING, Server, gateway, running
from soak_watch import Look, Watch
from stub_process import Stub, running_stub

RESULTS = HERE.parent / "bench-results"
DEADLINE_S = 0.7
"""`assignment.deadline_s` as it ships."""
_OVER_DEADLINE_S = 0.1
"""For connecting, writing and the half-close; what the generator itself was late comes on top."""
_DEFAULT_ANI = "3105550100"
_READY_ANSWERS = 20_000
"""What `ReadyAnswers` keeps, whatever the cache's size."""
_MAX_WAITED = 0.1
_WARM_SHARE = 0.2
_WARM_FILLS = 1.5
_WARM_S = 15.0
_LEAST_JUDGED_S = 60.0
"""A burst of calls on a busy machine opens connections for seconds; a shorter time would be all burst."""
_PROGRAM = str(HERE / "counted.py")


@dataclass(frozen=True, slots=True)
class Result:
    """What a soak came to."""

    calls: dict[str, Any]
    """What the generator saw."""
    upstream: dict[str, float]
    growths: list[Growth]
    looks: list[Look]
    deadline_s: float

    @property
    def longest_allowed_ms(self) -> float:
        """The deadline, and what is not the gateway's."""
        return (self.deadline_s + _OVER_DEADLINE_S) * 1e3 + self.calls["late_max_ms"]

    @property
    def waited(self) -> float:
        """Share of the time gateway or generator was runnable and had no CPU."""
        if not self.looks:
            return 0.0
        first, last = self.looks[0], self.looks[-1]
        gateway_waited = (last.used - first.used).waited_s / max(last.at - first.at, 1.0)
        return max(gateway_waited, float(self.calls["waited_share"]))

    @property
    def faults(self) -> list[str]:
        """Everything that must not be."""
        calls, upstream = self.calls, self.upstream
        claims = {
            f"calls failed: {calls['failures']}": bool(calls["failures"]),
            "no call was made": not calls["calls"],
            f"a call took {calls['max_ms']:.0f} ms": calls["max_ms"] > self.longest_allowed_ms,
            "more calls fell back than requests failed": calls["fallbacks"] > max(10, self._failed_leads),
            f"{calls['calls'] - upstream['dials']:.0f} records missing": upstream["dials"] != calls["calls"],
            f"{upstream['repeated_dials']:.0f} records came twice": upstream["repeated_dials"] > 0,
            f"{upstream['wrong_dials']:.0f} records with a wrong number": upstream["wrong_dials"] > 0,
            f"{upstream['default_dials']:.0f} records of {calls['fallbacks']} calls that fell back": (
                upstream["default_dials"] != calls["fallbacks"]
            ),
            "too few looks to judge": not self.growths,
        }
        grown = [f"{one.name} grow by {one.grown:+.1f}{one.unit}" for one in self.growths if one.grows]
        return [claim for claim, holds in claims.items() if holds] + grown

    @property
    def _failed_leads(self) -> float:
        """A failed request may have been a batch."""
        per_request = self.upstream["leads"] / max(self.upstream["requests"], 1)
        return self.upstream["failed_requests"] * max(1.0, per_request) * 2


def soak(options: argparse.Namespace, folder: Path) -> Result:
    """Start all, call for as long as is wanted, and let the last records arrive."""
    tasks = folder / "tasks"
    tasks.mkdir()
    ENVIRONMENT["LOADTEST_TASKS"] = str(tasks)
    port, ami_port = free_port(), free_port()
    load = {
        "port": port,
        "rate": options.rate,
        "seconds": options.minutes * 60,
        "ami-port": ami_port,
        "default-ani": _DEFAULT_ANI,
        "environment": options.environment,
    }
    stub_options = (f"--faults={options.faults}", f"--default-ani={_DEFAULT_ANI}")
    certificates = None if options.plain else make_certificates(folder)
    with (
        running_stub(folder, delay_ms=20.0, certificates=certificates, more=stub_options) as stub,
        load_process("generator.py", load, listens_on=ami_port) as generator,
        running(server(options), stub.url, folder, port=port, ami_port=ami_port, ca_file=stub.ca_file) as (
            pid,
            _port,
        ),
    ):
        return _soaked(options, Watch(pid, tasks, every_s=options.every_s), generator, stub)


def _soaked(options: argparse.Namespace, watch: Watch, generator: LoadProcess, stub: Stub) -> Result:
    generator.expect("ready")
    with watch.running():
        generator.go_on()
        calls = generator.result()
    upstream = delivered(stub, calls["calls"])
    generator.go_on()
    return Result(
        calls=calls,
        upstream=upstream,
        growths=watch.growths(warm_s=warm_s(options)),
        looks=watch.looks,
        deadline_s=DEADLINE_S,
    )


def server(options: argparse.Namespace) -> Server:
    """The gateway as it ships, but a cache that is full soon: its filling would be taken for a leak."""
    command = gateway(
        "agi.session_timeout_s=1.5",
        f"assignment.deadline_s={DEADLINE_S}",
        'assignment.fallback=["stale","engine","default"]',
        f"assignment.default_ani=+1{_DEFAULT_ANI}",
        f"assignment.cache_size={options.cache_size}",
        program=(_PROGRAM,),
        options=("--workers", str(options.workers)) if options.workers > 1 else (),
        more=REPORTING,
    )
    return Server("gateway", "ani-gateway serve", command, cpus=min(options.workers, 2))


def warm_s(options: argparse.Namespace) -> float:
    """Until all that is bounded is full and the pools have settled; what grows before is not judged."""
    fill_s = max(options.cache_size, _READY_ANSWERS) / options.rate
    return max(_WARM_FILLS * fill_s + _WARM_S, _WARM_SHARE * options.minutes * 60)


def tell(result: Result, options: argparse.Namespace) -> None:
    """Print it."""
    calls, upstream, looks = result.calls, result.upstream, result.looks
    way = f"{'plain HTTP' if options.plain else 'TLS'}, {options.workers} worker(s)"
    print(f"\nsoak: {options.minutes:g} minutes at {options.rate:g} calls/s over {way}")
    failures = calls["failures"] or "none"
    print(f"calls      {calls['calls']:,}; {calls['fallbacks']:,} fell back; failures: {failures}")
    times = " / ".join(f"{calls[name]:.1f}" for name in ("p50_ms", "p99_ms", "p999_ms", "max_ms"))
    allowed = f"{result.longest_allowed_ms:.0f} ms are allowed"
    print(f"latency    p50 / p99 / p99.9 / longest: {times} ms; {allowed}")
    failed = f"{upstream['failed_requests']:,.0f} requests and {upstream['failed_dials']:,.0f} records"
    print(f"upstream   {upstream['requests']:,.0f} requests answered; failed on purpose: {failed}")
    records = f"{upstream['dials']:,.0f} arrived, {upstream['repeated_dials']:.0f} twice"
    print(f"records    {records}, {upstream['wrong_dials']:.0f} with a wrong number")
    if len(looks) > 1:
        used = looks[-1].used - looks[0].used
        print(f"gateway    {used.cpu_s / (looks[-1].at - looks[0].at):.1%} of a core")
    _tell_growths(result.growths, warm_s(options))
    for fault in result.faults:
        print(f"NOT GOOD: {fault}")
    if result.waited > _MAX_WAITED:
        busy = f"gateway or generator waited {result.waited:.0%} of the time for a CPU"
        print(f"the machine was busy, {busy}: what is not good may be its fault; run again when it is quiet")
    if not result.faults:
        print("\ngood: nothing grows, every call has its number, every record came once")


def _tell_growths(growths: Sequence[Growth], warm_s: float) -> None:
    names = f"{'first third':>12}{'last third':>12}{'highest':>10}{'slope':>14}{'grown':>9}{'allowed':>9}"
    print(f"\n{f'after {warm_s:.0f} s':14}{names}")
    for one in growths:
        levels = f"{one.first:>12.1f}{one.last:>12.1f}{one.highest:>10.1f}"
        slope = f"{one.per_hour:+.2f}{one.unit}/h"
        verdict = "  GROWS" if one.grows else ""
        print(f"{one.name:14}{levels}{slope:>14}{one.grown:>+9.2f}{one.allowed:>9.2f}{verdict}")


def store(result: Result, options: argparse.Namespace, *, started: float) -> Path:
    """Write everything to a JSON file named after the time."""
    RESULTS.mkdir(exist_ok=True)
    path = options.json or RESULTS / time.strftime("soak-%Y%m%d-%H%M%S.json", time.gmtime(started))
    document = {
        "started": started,
        "python": sys.version,
        "machine": platform.platform(),
        "cores": os.cpu_count(),
        "options": {name: str(value) for name, value in vars(options).items()},
        "good": not result.faults,
        "faults": result.faults,
        "waited": result.waited,
        "growths": [dataclasses.asdict(one) | {"grows": one.grows} for one in result.growths],
        "calls": result.calls,
        "upstream": result.upstream,
        "looks": [dataclasses.asdict(look) for look in result.looks],
    }
    path.write_text(json.dumps(document, indent=1))
    return path


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options, held against each other."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=300.0, help="calls a second")
    parser.add_argument(
        "--faults", type=float, default=0.01, help="share of the upstream's requests that fail"
    )
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--cache-size", type=int, default=10_000, help="leads; judged once it is full")
    parser.add_argument("--every-s", type=float, default=2.0, help="how often the gateway is looked at")
    parser.add_argument("--environment", choices=("lines", "one"), default="lines")
    parser.add_argument("--plain", action="store_true", help="no TLS")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    options = parser.parse_args(arguments)
    if options.minutes * 60 - warm_s(options) < _LEAST_JUDGED_S:
        parser.error(
            f"the warm-up alone takes {warm_s(options):.0f} s; give more --minutes or a smaller --cache-size"
        )
    return options


def main() -> int:
    """Run, print, store, judge."""
    options = parsed()
    started = time.time()
    print(f"about {options.minutes + 0.5:g} minutes", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        result = soak(options, Path(name))
    tell(result, options)
    print(f"all looks: {store(result, options, started=started)}")
    return 1 if result.faults else 0


if __name__ == "__main__":
    exit_with(main)
