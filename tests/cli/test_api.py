import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.main import main
from gateway.engine.inventory import SAMPLE


def test_api_answers_with_a_key_and_ends_with_0_on_sigterm(tmp_path: Path) -> None:
    (tmp_path / "api.key").write_text("made-up-key\n")
    (tmp_path / "api.key").chmod(0o600)
    settings = ["--set", f"engine.inventory={SAMPLE}", "--set", "api.keys_file=api.key"]
    command = [sys.executable, "-m", "gateway", "api", "--listen", "127.0.0.1:0", *settings]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = next(line for line in process.stderr if "serving the engine at" in line).split()[-1]
        request = urllib.request.Request(  # noqa: S310 - the address is the loopback one just printed
            f"{url}/assignment",
            data=json.dumps({"prospect_phone": "4045550123", "real_time": True}).encode(),
            headers={"Authorization": "Bearer made-up-key", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 - the same
            answer = json.load(reply)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert answer["success"] is True
    assert answer["ani"].startswith("404")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_api_does_not_start_without_a_key() -> None:
    result = CliRunner().invoke(main, ["api", "--set", f"engine.inventory={SAMPLE}"])
    assert result.exit_code == 3
    assert result.stderr.startswith("error: api.keys: is missing")
    assert "hint: make a key: openssl rand -hex 32" in result.stderr


def test_api_does_not_start_with_faults_in_the_inventory() -> None:
    Path("numbers.yaml").write_text("anis:\n  - {number: '12', country_code: '+1'}\n")
    settings = ["--set", "engine.inventory=numbers.yaml", "--set", "api.keys=k"]
    result = CliRunner().invoke(main, ["api", *settings])
    assert result.exit_code == 3
    assert "error: numbers.yaml:2: " in result.stderr
    assert "hint: mend the file named by engine.inventory" in result.stderr
