"""Loads a million leads through `ani-gateway assign`, kills it at 40 %, goes on, and checks every row.

The provider is `ani-gateway api` on loopback, a process of its own. Prints as JSON: rows a second and peak
memory (VmHWM) of both runs, and how many rows are wrong. Exit code 1 when any is, or a run took more memory
than `MAX_MEMORY_MB`.

    python loadtest/million_leads.py --rows 1000000
"""

import argparse
import contextlib
import csv
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from processes import ENVIRONMENT

from gateway.engine.inventory import SAMPLE

MAX_MEMORY_MB = 150.0
KEY = "made-up-key"
_KILL_AT = 0.4
_POLL_S = 0.02
_GATEWAY = (sys.executable, "-m", "gateway")
_AREAS = (205, 212, 305, 310, 404, 415, 512, 617, 702, 713, 808, 907)


@dataclass(frozen=True, slots=True)
class Ran:
    """How one run went."""

    code: int
    seconds: float
    peak_mb: float
    output: str


def write_leads(path: Path, rows: int) -> None:
    """Leads whose phones are all different, with a cell that must be quoted now and then."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("row_id", "phone", "zip", "campaign", "note"))
        for number in range(rows):
            note = 'said "later", on\ntwo lines' if number % 1_000 == 0 else f"lead {number}"
            writer.writerow((f"R{number}", phone_of(number), f"{10_001 + number % 80_000:05d}", "9001", note))


def phone_of(number: int) -> str:
    """The phone of one lead."""
    return f"{_AREAS[number % len(_AREAS)]}{2_000_000 + number // len(_AREAS)}"


@contextlib.contextmanager
def api() -> Iterator[str]:
    """`ani-gateway api` with the sample inventory and caps no list reaches; its address."""
    settings = ("--set", f"engine.inventory={SAMPLE}", "--set", "engine.daily_cap=100000")
    command = [*_GATEWAY, "api", "--listen", "127.0.0.1:0", "--set", f"api.keys={KEY}", *settings]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None  # noqa: S101 - it was asked for
        try:
            yield next(line for line in process.stderr if "serving the engine at" in line).split()[-1]
        finally:
            process.send_signal(signal.SIGTERM)


def assign(leads: Path, output: Path, url: str, *, kill_at_rows: int = 0) -> Ran:
    """Run the command, or kill it once it has so many rows safe."""
    settings = ("--set", f"outboundiq.url={url}", "--set", f"outboundiq.key={KEY}")
    command = [
        *_GATEWAY,
        "assign",
        str(leads),
        "-o",
        str(output),
        "--provider",
        "outboundiq",
        "--json",
        *settings,
    ]
    began = time.monotonic()
    peak_mb = 0.0
    with subprocess.Popen(  # noqa: S603 - our own command
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None:
            peak_mb = max(peak_mb, _peak_mb(process.pid))
            if kill_at_rows and rows_safe(output) >= kill_at_rows:
                process.kill()
                break
            time.sleep(_POLL_S)
        text, _ = process.communicate()
    return Ran(process.returncode, time.monotonic() - began, peak_mb, text)


def rows_safe(output: Path) -> int:
    """Rows that the checkpoint speaks of."""
    try:
        checkpoint = json.loads(output.with_name(output.name + ".progress").read_text())
    except FileNotFoundError:
        return 0
    return int(checkpoint["counts"]["rows"])


def _peak_mb(pid: int) -> float:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def wrong_rows(leads: Path, output: Path) -> int:
    """Rows missing, doubled, out of order, changed, or without a number."""
    wrong = 0
    with leads.open(newline="") as asked, output.open(newline="") as answered:
        rows, results = csv.reader(asked), csv.reader(answered)
        wrong += next(results) != [*next(rows), "ani", "assignment_error"]
        for row in rows:
            result = next(results, [])
            wrong += result[: len(row)] != row or not result[len(row)] or result[len(row) + 1] != ""
        wrong += sum(1 for _ in results)
    return wrong


def load(rows: int, folder: Path) -> dict[str, object]:
    """Write, assign, kill, go on, check; the figures."""
    leads, output = folder / "leads.csv", folder / "out.csv"
    write_leads(leads, rows)
    with api() as url:
        first = assign(leads, output, url, kill_at_rows=int(rows * _KILL_AT))
        safe = rows_safe(output)
        second = assign(leads, output, url)
    summary = json.loads(second.output) if second.code == 0 else {}
    return {
        "rows": rows,
        "was_killed": first.code == -signal.SIGKILL,
        "rows_safe_at_kill": safe,
        "first_run": _figures(first, safe),
        "second_run": _figures(second, rows - safe),
        "summary": summary,
        "progress_left": output.with_name("out.csv.progress").exists(),
        "wrong_rows": wrong_rows(leads, output),
    }


def _figures(ran: Ran, rows: int) -> dict[str, object]:
    return {
        "code": ran.code,
        "seconds": round(ran.seconds, 1),
        "rows_per_s": round(rows / max(ran.seconds, 0.001)),
        "peak_mb": round(ran.peak_mb, 1),
        "peak_kept": ran.peak_mb <= MAX_MEMORY_MB,
    }


def main() -> int:
    """0 when the output is right and the memory was kept."""
    parser = argparse.ArgumentParser(description="load a long list, with a kill in the middle")
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = load(options.rows, Path(folder))
    print(json.dumps(figures, indent=2))
    runs = (figures["first_run"], figures["second_run"])
    kept = all(isinstance(one, dict) and one["peak_kept"] for one in runs)
    is_good = figures["was_killed"] and not figures["wrong_rows"] and not figures["progress_left"] and kept
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
