"""Measures how many FastAGI sessions a second one locust process can make, whatever answers them.

    python loadtest/locust_ceiling.py --seconds 5

locust on one CPU, without waits, against floor.py on the other: a server that does less does not exist. The
ceiling is a second divided by the CPU time of a session, which a busy machine changes less than the rate. It
is kept in bench-results/, so that later runs can say how near they came.
"""

import argparse
import importlib.metadata
import json
import platform
import sys
import tempfile
from pathlib import Path

from calls import FIXED_ANI
from locust_process import LocustError, run_locust
from processes import HERE, StartError
from servers import SERVERS, running

STORED = HERE.parent / "bench-results" / "locust-ceiling.json"
_USERS = 50


def measure(seconds: float, *, lines: bool = False) -> float:
    """Sessions a second of one process that has a core to itself. Raises `LocustError`, `StartError`."""
    with (
        tempfile.TemporaryDirectory() as name,
        running(SERVERS["floor"], "", Path(name)) as (_pid, port),
    ):
        options = [
            f"--gateway=127.0.0.1:{port}",
            f"--expect-ani={FIXED_ANI}",
            "--mean-wait-s=0",
            f"--users={_USERS}",
            f"--spawn-rate={_USERS}",
            f"--run-time={seconds:.0f}",
            *(("--lines",) if lines else ()),
        ]
        run = run_locust(options, folder=Path(name), seconds=seconds, quiet=True)
    (seen,) = run.processes
    if sum(entry.failures for entry in run.entries) or not seen.cpu_us:
        raise LocustError("calls to the bare server failed or never began; the ceiling is not known")
    return 1e6 / seen.cpu_us


def known(*, lines: bool) -> float | None:
    """What was measured last with this Python, locust and machine; `None` when nothing was."""
    if not STORED.exists():
        return None
    stored = json.loads(STORED.read_text())
    return stored["sessions_per_s"] if stored["where"] == _where(lines=lines) else None


def measure_and_keep(seconds: float, *, lines: bool) -> float:
    """Measure, and remember it for the runs to come."""
    rate = measure(seconds, lines=lines)
    STORED.parent.mkdir(exist_ok=True)
    STORED.write_text(json.dumps({"sessions_per_s": rate, "where": _where(lines=lines)}, indent=1))
    return rate


def _where(*, lines: bool) -> dict[str, object]:
    versions = {"python": platform.python_version(), "locust": importlib.metadata.version("locust")}
    return {**versions, "machine": platform.node(), "lines": lines}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--lines", action="store_true", help="write the environment line by line")
    options = parser.parse_args()
    try:
        rate = measure_and_keep(options.seconds, lines=options.lines)
    except (LocustError, StartError) as error:
        print(error, file=sys.stderr)
        return 3
    print(f"locust makes about {rate:,.0f} sessions/s a core here")
    return 0


if __name__ == "__main__":
    sys.exit(main())
