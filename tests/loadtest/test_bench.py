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
