import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_ami_section_alone_compares_and_judges() -> None:
    command = [sys.executable, str(ROOT / "loadtest" / "bench.py"), "--quick", "--only", "ami"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=50)
    assert run.returncode == 0, run.stderr
    assert re.search(r"unfiltered( +[\d.]+ [\d.]+\.\.[\d.]+){2} +[\d.]+\n", run.stdout)
    assert re.search(r"AMI event .* goal at least 8: reached", run.stdout), run.stdout
    stored = ROOT / run.stdout.rsplit("all samples: ", 1)[1].strip()
    document = json.loads(stored.read_text())
    stored.unlink()
    assert [result["stream"] for result in document["ami"]] == ["unfiltered", "filtered"]
    assert document["verdicts"][0]["median"] >= 8
