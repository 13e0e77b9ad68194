import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def test_the_ami_section_alone_compares_and_judges() -> None:
    command = [sys.executable, str(ROOT / "loadtest" / "bench.py"), "--quick", "--only", "ami"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=50)
    assert run.returncode == 0, run.stderr
    assert re.search(r"gateway-unfiltered +[\d.]+ [\d.]+\.\.[\d.]+\n", run.stdout)
    assert re.search(r"AMI unfiltered.* goal at least 12x: reached", run.stdout), run.stdout
    stored = ROOT / re.findall(r"all samples: (.+)", run.stdout)[0]
    document = json.loads(stored.read_text())
    for path in stored.parent.glob(f"{stored.stem}.*"):
        path.unlink()
    servers = {sample["server"] for sample in document["samples"]["ami"]}
    assert servers == {
        f"{side}-{stream}" for side in ("gateway", "panoramisk") for stream in ("unfiltered", "filtered")
    }
    assert document["verdicts"][0]["median"] >= 12


def stored(part: Callable[[str], Any], folder: Path) -> Any:
    about = {"started": 1.0, "took_s": 0.0, "commands": [], **part("stored_run").machine()}
    return part("stored_run").StoredRun(folder / "run.json", about, {})


def test_a_stored_run_is_taken_up_where_it_ended(part: Callable[[str], Any], tmp_path: Path) -> None:
    sample = part("sample").Sample(server="floor", calls=9, cpu_us=30.0, failures={"wrong ANI": 1})
    run = stored(part, tmp_path)
    run.add("hit", [sample])
    again = part("stored_run").StoredRun.of(run.path)
    assert again.samples == {"hit": [sample]}
    again.add("burst", [sample])
    assert list(json.loads(run.path.read_text())["samples"]) == ["hit", "burst"]


def test_a_run_of_another_machine_is_not_added_to(part: Callable[[str], Any], tmp_path: Path) -> None:
    run = stored(part, tmp_path)
    run.add("hit", [])
    run.path.write_text(json.dumps(json.loads(run.path.read_text()) | {"cores": 512}))
    with pytest.raises(SystemExit, match="another cores"):
        part("stored_run").StoredRun.of(run.path)


def test_a_quick_run_is_expected_to_take_less_than_90_seconds(part: Callable[[str], Any]) -> None:
    assert sum(section.expected_s for section in part("sections").sections(is_quick=True)) < 90
