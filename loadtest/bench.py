"""Measures what a call costs, beside a bare uvloop server and what others would build; holds it to goals.

Run `make bench`, or `python loadtest/bench.py --quick` for less than 90 seconds; `--only hit` runs one
section, `--resume FILE.json` those that a stored run lacks. How long it takes is told first. Tables go to
stdout, progress to stderr, all samples and a plot to bench-results/, which docs/reference/benchmark.md
explains. Exit code 1 when any call got no number or a wrong one, an AMI event was missed, or a dial record
was not delivered exactly once; 3 when a server did not start. A missed goal is said, and no failure: machines
differ.
"""

import argparse
import dataclasses
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from load_process import exit_with
from plot import NoPlotError, draw
from report import print_section, print_verdicts
from rounds import Bench
from sample import Section
from sections import sections
from servers import has_workers
from stored_run import StoredRun

_PATIENCE_S = {True: 0.0, False: 600.0}
"""How long, quick or not, the benchmark repeats spoilt samples in all; later ones are kept as they are."""


def main() -> int:
    """Run, print, store, draw."""
    arguments = _arguments()
    run = StoredRun.of(arguments.resume) if arguments.resume else StoredRun.new(is_quick=arguments.quick)
    chosen = _chosen(arguments, set(run.samples))
    patience_s = _PATIENCE_S[arguments.quick]
    minutes = sum(section.expected_s for section in chosen) / 60
    at_most = (
        f", at most {minutes + patience_s / 60:.0f} where samples have to be repeated" if patience_s else ""
    )
    print(f"about {math.ceil(minutes)} minute(s){at_most}", file=sys.stderr)
    measure(chosen, run, patience_s=patience_s)
    if not run.samples:
        return 0
    print_verdicts(run.verdicts)
    print(f"\nall samples: {_shown(run.path)}")
    try:
        print(f"plot: {', '.join(_shown(plot) for plot in draw(run.path))}")
    except NoPlotError as error:
        print(f"no plot: {error}")
    return 1 if any(sample.faults for samples in run.samples.values() for sample in samples) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer sections and rounds; below 90 s in all")
    names = [section.name for section in sections(is_quick=False)]
    parser.add_argument(
        "--only", choices=names, action="append", help="run this section only; may be repeated"
    )
    parser.add_argument("--resume", type=Path, help="a stored run, to add the sections it lacks")
    return parser.parse_args()


def _chosen(arguments: argparse.Namespace, done: set[str]) -> list[Section]:
    chosen = [
        section
        for section in sections(is_quick=arguments.quick and not arguments.only)
        if section.name not in done and (not arguments.only or section.name in arguments.only)
    ]
    if arguments.quick and arguments.only:
        chosen = [dataclasses.replace(section, rounds=1) for section in chosen]
    return chosen


def measure(chosen: Sequence[Section], run: StoredRun, *, patience_s: float) -> None:
    """Run the sections; print and store each when it is done."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        bench = Bench(Path(name), patience_s=patience_s)
        for section in chosen:
            if "two-workers" in section.servers and not has_workers():
                print(f"\n{section.title}: skipped, `ani-gateway serve` has no option --workers")
                continue
            run.add(section.name, bench.run(section))
            print_section(section, run.samples[section.name])
            sys.stdout.flush()


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


if __name__ == "__main__":
    exit_with(main)
