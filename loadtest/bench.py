"""Measures what a call costs, beside a bare uvloop server and what others would build; holds it to goals.

Run `make bench`, or `python loadtest/bench.py --quick` for about 80 seconds; `--only hit` runs one section.
Tables go to stdout, progress to stderr, all samples and a plot to bench-results/, which
docs/reference/benchmark.md explains. Exit code 1 when any call got no number or a wrong one, an AMI event was
missed, or a dial record was not delivered exactly once; 3 when a server did not start. A goal that is not
reached is said, and no failure: machines differ.
"""

import argparse
import dataclasses
import json
import platform
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from generator import SHARES
from goals import Verdict, verdicts
from load_process import LoadError
from plot import NoPlotError, draw
from processes import HERE, StartError
from report import print_section, print_verdicts
from rounds import Bench
from sample import Sample, Section
from sections import sections
from servers import has_workers

RESULTS = HERE.parent / "bench-results"
_PATIENCE_S = {True: 0.0, False: 900.0}
"""How long, quick or not, the benchmark goes on repeating spoilt samples; later ones are kept as they are."""


def main() -> int:
    """Run, print, store, draw."""
    arguments = _arguments()
    chosen = [
        section
        for section in sections(is_quick=arguments.quick and not arguments.only)
        if not arguments.only or section.name in arguments.only
    ]
    if arguments.quick and arguments.only:
        chosen = [dataclasses.replace(section, rounds=1) for section in chosen]
    started = time.time()
    results = run(chosen, patience_s=_PATIENCE_S[arguments.quick])
    found = verdicts(results)
    print_verdicts(found)
    path = store(results, found, started=started, is_quick=arguments.quick)
    print(f"\nall samples: {_shown(path)}")
    try:
        print(f"plot: {', '.join(_shown(plot) for plot in draw(path))}")
    except NoPlotError as error:
        print(f"no plot: {error}")
    return 1 if any(sample.faults for samples in results.values() for sample in samples) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer sections and rounds; about 80 s in all")
    names = [section.name for section in sections(is_quick=False)]
    parser.add_argument(
        "--only", choices=names, action="append", help="run this section only; may be repeated"
    )
    return parser.parse_args()


def run(chosen: Sequence[Section], *, patience_s: float) -> dict[str, list[Sample]]:
    """Run the sections and print each when it is done."""
    results: dict[str, list[Sample]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        bench = Bench(Path(name), patience_s=patience_s)
        for section in chosen:
            if "two-workers" in section.servers and not has_workers():
                print(f"\n{section.title}: skipped, `ani-gateway serve` has no option --workers")
                continue
            results[section.name] = bench.run(section)
            print_section(section, results[section.name])
            sys.stdout.flush()
    return results


def store(
    results: Mapping[str, Sequence[Sample]], found: Sequence[Verdict], *, started: float, is_quick: bool
) -> Path:
    """Write everything to a JSON file named after the time."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / time.strftime("bench-%Y%m%d-%H%M%S.json", time.gmtime(started))
    document = {
        "started": started,
        "took_s": time.time() - started,
        "quick": is_quick,
        "python": sys.version,
        "machine": platform.platform(),
        "shares": SHARES,
        "verdicts": [dataclasses.asdict(verdict) for verdict in found],
        "samples": {name: [dataclasses.asdict(s) for s in samples] for name, samples in results.items()},
    }
    path.write_text(json.dumps(document, indent=1))
    return path


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (StartError, LoadError) as error:
        print(error, file=sys.stderr)
        sys.exit(3)
