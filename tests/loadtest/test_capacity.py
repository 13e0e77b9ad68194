import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
Part = Callable[[str], Any]


def run(part: Part, **samples: list[Any]) -> dict[str, Any]:
    about = {"started": 0.0, "quick": False, "commands": ["make"]}
    stored = part("stored_run").StoredRun(Path("run.json"), about, {})
    stored._about |= part("stored_run").machine()
    stored.samples = {name.replace("_", "-"): mine for name, mine in samples.items()}
    document: dict[str, Any] = json.loads(json.dumps(stored._document()))
    return document


def sample(part: Part, server: str, cpu_us: float, **more: Any) -> Any:
    return part("sample").Sample(server=server, calls=9, cpu_us=cpu_us, **more)


def test_figures_are_medians_of_the_quiet_rounds_in_three_digits(part: Part) -> None:
    rounds = [sample(part, "gateway-hits", cost, calls_per_s=19_876) for cost in (40.0, 41.0, 44.0)]
    noisy = sample(part, "gateway-hits", 90.0, spoilt=True)
    told = part("capacity").tables(run(part, hit=[*rounds, noisy]))
    assert "| number in the cache, 50 callers | 41 | 24,400 | 19,900 | `hit` |" in told


def test_sections_that_were_not_run_have_no_row_and_no_table(part: Part) -> None:
    told = part("capacity").tables(run(part, hit=[sample(part, "gateway-hits", 40.0)]))
    assert "### Calls\n" in told
    assert "### Memory" not in told
    assert "`miss`" not in told


def test_interpreter_machine_and_command_stand_with_the_figures(part: Part) -> None:
    told = part("capacity").tables(run(part))
    assert "`make`" in told
    assert f"CPython {sys.version.split()[0]} built with" in told


@pytest.mark.parametrize("page", ["figures\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nafter\n"])
def test_the_tables_replace_what_stands_between_the_marks(part: Part, tmp_path: Path, page: str) -> None:
    stored, written = tmp_path / "run.json", tmp_path / "page.md"
    stored.write_text(json.dumps(run(part, hit=[sample(part, "gateway-hits", 40.0)])))
    written.write_text(page)
    command = [sys.executable, str(ROOT / "loadtest" / "capacity.py"), str(stored), "--write", str(written)]
    for _ in range(2):
        subprocess.run(command, check=True)
    told = written.read_text()
    assert told.startswith("figures\n<!-- figures: begin -->\n\nMeasured 1970-01-01")
    assert told.endswith("<!-- figures: end -->\nafter\n")
    assert told.count("### Calls") == 1
    assert "old" not in told
