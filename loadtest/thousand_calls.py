"""1,000 real calls with mixed outcomes: as many records, each right in every field, none twice.

    python loadtest/thousand_calls.py --calls 1000 --calls-per-s 40

Needs what the tests with the real Asterisk need: a Debian with apt; Asterisk and sipp are fetched when first
used. The calls go from Asterisk through the gateway to sipp as the carrier, which answers, is busy, refuses
in five ways, rings, says nothing, or is given up on. What the gateway delivers to a simulated service and to
a file is compared with what sipp saw and the dialplan said. Exit code 1 when a record is missing, wrong or
there twice.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.asterisk.fetch import fetch
from tests.asterisk.mixed_calls import MixedResult, place_mixed_calls
from tests.asterisk.reports_rig import started_reports

SHOWN = 10
"""Wrong records told in full; more of them say nothing new."""


def main() -> int:
    """Run, print the figures, and judge them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--calls-per-s", type=float, default=40)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="thousand-calls-") as folder,
        started_reports(fetch(), Path(folder)) as rig,
    ):
        result = place_mixed_calls(rig, options.calls, calls_per_s=options.calls_per_s)
        repeats = rig.service.simulator.dials.repeats
    tell(result, repeats, options.calls)
    is_good = not result.wrong and not repeats and result.records == result.lines == options.calls
    return 0 if is_good else 1


def tell(result: MixedResult, repeats: int, calls: int) -> None:
    """Print what came of the calls."""
    print(f"calls            {calls:6d}   in {result.calling_s:.1f} s")
    print(f"records          {result.records:6d}   the last {result.reporting_s:.1f} s after the last hangup")
    print(f"lines in a file  {result.lines:6d}")
    print(f"sent twice       {repeats:6d}")
    print(f"wrong in a field {len(result.wrong):6d}")
    for name, times in result.dispositions.most_common():
        print(f"  {name:15}{times:6d}")
    for number, differences in list(result.wrong.items())[:SHOWN]:
        print(f"{number}: {differences}")


if __name__ == "__main__":
    sys.exit(main())
