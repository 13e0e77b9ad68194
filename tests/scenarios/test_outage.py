"""Upstream down for the whole run, then back; `loadtest/outage.py` does it with 100,000 records."""

import json
import subprocess
import sys
from pathlib import Path

OUTAGE = Path(__file__).parents[2] / "loadtest" / "outage.py"


def test_what_waits_costs_no_memory_and_all_of_it_arrives() -> None:
    run = subprocess.run(
        [sys.executable, str(OUTAGE), "--records", "20000"],
        capture_output=True,
        text=True,
        check=False,
        timeout=55,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(run.stdout)
    assert (figures["arrived"], figures["repeats"]) == (20_000, 0)
    assert figures["memory_mib"] < 10, "a fifth of the records may take a fifth of the 50 MiB"
