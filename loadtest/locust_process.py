"""Runs locust as a process of its own, headless, and reads what it counted.

locust changes the standard library for gevent when it is imported, so nothing else here imports it.
"""

import json
import math
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ceiling import Seen
from proc import pin
from processes import ENVIRONMENT, HERE, LOAD_CPU

_START_S = 60.0
"""Allowed beyond the time of the run: start of all processes, and the end of the last calls."""


class LocustError(Exception):
    """locust did not run to its end; the message says where its output is."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of locust's statistics."""

    method: str
    name: str
    requests: int
    failures: int
    seconds: float
    response_times_ms: tuple[tuple[float, int], ...]
    """Response times as locust rounds them, ascending, and how often each came."""

    def quantile_ms(self, share: float) -> float:
        """The time within which `share` of the requests were over; NaN when there were none."""
        wanted = share * sum(times for _, times in self.response_times_ms)
        seen = 0
        for value, times in self.response_times_ms:
            seen += times
            if seen >= wanted:
                return value
        return math.nan


@dataclass(frozen=True, slots=True)
class Run:
    """One run of locust."""

    entries: list[Entry]
    processes: list[Seen]
    """What each process saw of its own limit."""

    def good(self, method: str) -> int:
        """Events of one kind that went well."""
        return sum(one.requests - one.failures for one in self.entries if one.method == method)


def run_locust(
    options: Iterable[str], *, folder: Path, seconds: float, processes: int = 1, quiet: bool = False
) -> Run:
    """What one run counted. Raises `LocustError`.

    What the locustfile prints goes to stdout, unless `quiet`. One process is kept on the generator's CPU.
    """
    statistics, watch, log = folder / "statistics", folder / "watch", folder / "locust.log"
    command = [
        *(sys.executable, "-m", "locust", f"--locustfile={HERE / 'locustfile.py'}"),
        *("--headless", "--only-summary", f"--json-file={statistics}", f"--logfile={log}"),
        f"--watch-file={watch}",
        *((f"--processes={processes}",) if processes > 1 else ()),
        *options,
    ]
    output = subprocess.DEVNULL if quiet else None
    with subprocess.Popen(  # noqa: S603 - our own program
        command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=output, stderr=output
    ) as locust:
        if processes == 1:
            pin(locust.pid, LOAD_CPU)
        try:
            locust.wait(seconds + _START_S)
        except subprocess.TimeoutExpired:
            locust.terminate()
    path = statistics.with_suffix(".json")
    if not path.exists():
        said = log.read_text()[-2000:] if log.exists() else "nothing"
        raise LocustError(f"locust ended with code {locust.returncode} and no statistics; it said: {said}")
    seen = [Seen(**json.loads(one.read_text())) for one in sorted(folder.glob(f"{watch.name}.*"))]
    return Run([_entry(one) for one in json.loads(path.read_text())], seen)


def _entry(one: dict[str, object]) -> Entry:
    times = {float(value): count for value, count in one["response_times"].items()}
    return Entry(
        method=one["method"],
        name=one["name"],
        requests=one["num_requests"],
        failures=one["num_failures"],
        seconds=max(one["last_request_timestamp"] - one["start_time"], 1e-3),
        response_times_ms=tuple(sorted(times.items())),
    )
