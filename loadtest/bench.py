"""Measures what a call costs: the gateway against a bare uvloop server, and the ways to reach the upstream.

Also what an AMI event costs, beside panoramisk. Run `make bench`, or `python loadtest/bench.py --quick` for
about 90 seconds; `--only hit` runs one section. Tables go to stdout, all samples to bench-results/;
docs/reference/benchmark.md explains them. Exit code 1 when any call got no number or a wrong one, or an AMI
event was missed; 3 when a server did not start.
"""

import argparse
import dataclasses
import itertools
import json
import platform
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import ami_bench
from proc import Usage, memory_mb, pin, stolen_s
from report import (
    Sample,
    Section,
    Verdict,
    at_least,
    print_section,
    print_verdicts,
    verdicts,
)
from servers import ENVIRONMENT, HERE, LOAD_CPU, SERVERS, Server, StartError, Stub, running, running_stub

RESULTS = HERE.parent / "bench-results"
UPSTREAM_DELAY_MS = 20.0
KNOWN_PHONES = 2_000
_MAX_WAITED = 0.1
_MAX_STOLEN = 0.02
_REPEATS = 2
"""How often a spoilt round is tried again before it is kept and marked."""
_PATIENCE_S = {True: 25.0, False: 900.0}
"""How long, quick or not, the benchmark goes on repeating spoilt rounds; later ones are kept as they are."""
_PHONES_PER_RUN = 1_000_000
AMI = "ami"


def sections(*, quick: bool) -> list[Section]:
    """What is measured. Servers of one section take turns within each round."""
    rounds, seconds = (3, 2.0) if quick else (7, 4.0)
    return [
        Section(
            "hit",
            "Hit path: 2,000 known phones, 50 open calls",
            ("floor", "gateway-hits", "floor-turns", "panoramisk", "streams"),
            {"open": 50, "phones": KNOWN_PHONES},
            rounds,
            seconds,
        ),
        Section(
            "hit-lines",
            "Hit path, written line by line as Asterisk does: 1,000 calls/s, open loop",
            ("floor", "gateway-hits"),
            {"rate": 1000, "phones": KNOWN_PHONES, "lines": True},
            2 if quick else rounds,
            seconds,
        ),
        Section(
            "miss",
            f"Miss path: upstream answers after {UPSTREAM_DELAY_MS:.0f} ms, 500 open calls",
            ("naive", "tuned", "gateway-singles", "gateway-batches"),
            {"open": 500},
            2 if quick else rounds,
            seconds,
        ),
        Section(
            "miss-latency",
            f"Miss path, latency: upstream answers after {UPSTREAM_DELAY_MS:.0f} ms, 500 calls/s, open loop",
            ("naive", "gateway-singles", "gateway-batches"),
            {"rate": 500},
            1 if quick else rounds,
            seconds,
        ),
    ]


class Bench:
    """Runs sections in a scratch folder, with one upstream for all."""

    def __init__(self, folder: Path, stub: Stub, *, patience_s: float) -> None:
        self._folder = folder
        self._stub = stub
        self._runs = itertools.count()
        self._patient_until = time.monotonic() + patience_s

    def run(self, section: Section) -> list[Sample]:
        """All samples of a section, rounds interleaved so that drift meets every server alike."""
        samples = []
        with ExitStack() as stack:
            servers = [SERVERS[name] for name in section.servers]
            places = {
                server.name: stack.enter_context(running(server, self._stub.url, self._folder))
                for server in servers
            }
            for server in servers:
                self._warm_up(section, server, places[server.name])
            for number in range(section.rounds):
                shift = number % len(servers)
                samples += [
                    self._settled(section, server, places[server.name], number)
                    for server in servers[shift:] + servers[:shift]
                ]
        return samples

    def _warm_up(self, section: Section, server: Server, place: tuple[int, int]) -> None:
        """Call until every known phone has been called once, so that hits are hits; 15 s at most."""
        for seconds in (1.0, 2.0, 4.0, 8.0):
            if self._measure(section, server, place, seconds).calls >= section.load.get("phones", 0):
                return

    def _settled(self, section: Section, server: Server, place: tuple[int, int], number: int) -> Sample:
        """One sample, taken again while other work on the machine spoils it."""
        for attempt in range(_REPEATS + 1):
            sample = self._measure(section, server, place, section.seconds)
            sample.round, sample.attempt = number, attempt
            if not sample.spoilt or time.monotonic() > self._patient_until:
                break
        progress(section, sample)
        return sample

    def _measure(self, section: Section, server: Server, place: tuple[int, int], seconds: float) -> Sample:
        pid, port = place
        options = [
            f"--{name}" if value is True else f"--{name}={value}" for name, value in section.load.items()
        ]
        if "phones" not in section.load:
            options.append(f"--offset={next(self._runs) * _PHONES_PER_RUN}")
        if server.fixed:
            options.append("--fixed")
        command = [
            sys.executable,
            str(HERE / "generator.py"),
            f"--port={port}",
            f"--seconds={seconds}",
            *options,
        ]
        with subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        ) as generator:
            pin(generator.pid, LOAD_CPU)
            if generator.stdout is None or generator.stdout.readline() != "ready\n":
                raise SystemExit("the generator did not start")
            stub, stolen, before = self._stub.counters(), stolen_s(), Usage.of(pid)
            output, _errors = generator.communicate("\n")
            used = Usage.of(pid) - before
        seen = json.loads(output)
        requests = self._stub.counters()["requests"] - stub["requests"]
        waited = used.waited_s / seen["seconds"]
        stolen = (stolen_s() - stolen) / seen["seconds"]
        return Sample(
            server=server.name,
            cpu_us=used.cpu_s * 1e6 / max(seen["calls"], 1),
            cpu_share=used.cpu_s / seen["seconds"],
            calls=seen["calls"],
            calls_per_s=seen["calls_per_s"],
            p50_ms=seen["p50_ms"],
            p99_ms=seen["p99_ms"],
            p999_ms=seen["p999_ms"],
            failures=seen["failures"],
            requests_per_call=requests / max(seen["calls"], 1),
            memory_mb=memory_mb(pid),
            server_waited=waited,
            generator_waited=seen["waited_share"],
            generator_cpu_us=seen["cpu_us_per_call"],
            stolen=stolen,
            spoilt=max(waited, seen["waited_share"]) > _MAX_WAITED or stolen > _MAX_STOLEN,
        )


def progress(section: Section, sample: Sample) -> None:
    """One line on stderr for each sample."""
    mark = "  (noisy: other work on this machine)" if sample.spoilt else ""
    line = f"{section.name} round {sample.round + 1}/{section.rounds} {sample.server}: "
    print(f"{line}{sample.cpu_us:.1f} µs/call, {sample.calls_per_s:,.0f} calls/s{mark}", file=sys.stderr)


def main() -> int:
    """Run, print, store."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, about 90 s")
    names = [*(section.name for section in sections(quick=True)), AMI]
    parser.add_argument(
        "--only", choices=names, action="append", help="run this section only; may be repeated"
    )
    arguments = parser.parse_args()
    only = set(arguments.only or names)
    started = time.time()
    results = call_sections(
        [section for section in sections(quick=arguments.quick) if section.name in only],
        quick=arguments.quick,
    )
    found = verdicts(results)
    ami = ami_bench.measure(quick=arguments.quick) if AMI in only else []
    if ami:
        ami_bench.print_ami(ami)
        what = "AMI event without a filter, panoramisk over gateway"
        found.append(at_least(ami_bench.GOAL, ami[0].ratios, what))
    print_verdicts(found)
    print(f"\nall samples: {store(results, ami, found, started=started, quick=arguments.quick)}")
    return 1 if any(sample.failures for samples in results.values() for sample in samples) else 0


def call_sections(chosen: list[Section], *, quick: bool) -> dict[str, list[Sample]]:
    """Run the sections about calls, with one upstream for all, and print each when it is done."""
    results: dict[str, list[Sample]] = {}
    if not chosen:
        return results
    with tempfile.TemporaryDirectory() as name, running_stub(Path(name), delay_ms=UPSTREAM_DELAY_MS) as stub:
        bench = Bench(Path(name), stub, patience_s=_PATIENCE_S[quick])
        for section in chosen:
            results[section.name] = bench.run(section)
            print_section(section, results[section.name])
    return results


def store(
    results: dict[str, list[Sample]],
    ami: list[ami_bench.AmiResult],
    found: list[Verdict],
    *,
    started: float,
    quick: bool,
) -> Path:
    """Write everything to a JSON file named after the time."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / time.strftime("bench-%Y%m%d-%H%M%S.json", time.gmtime(started))
    document = {
        "started": started,
        "quick": quick,
        "python": sys.version,
        "machine": platform.platform(),
        "verdicts": [dataclasses.asdict(verdict) for verdict in found],
        "samples": {name: [dataclasses.asdict(s) for s in samples] for name, samples in results.items()},
        "ami": [dataclasses.asdict(result) for result in ami],
    }
    path.write_text(json.dumps(document, indent=1))
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StartError as error:
        print(error, file=sys.stderr)
        sys.exit(3)
