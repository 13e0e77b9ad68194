import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_list_killed_half_way_is_complete_in_little_memory() -> None:
    """`loadtest/million_leads.py` does it with a million."""
    command = [sys.executable, str(ROOT / "loadtest" / "million_leads.py"), "--rows", "20000"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=55)
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(run.stdout)
    assert figures["was_killed"]
    assert figures["rows_safe_at_kill"] >= 8_000
    assert figures["wrong_rows"] == 0
    assert figures["summary"]["assigned"] == 20_000
