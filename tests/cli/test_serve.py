import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.main import main
from gateway.engine.inventory import SAMPLE

KEY = ["--set", "outboundiq.key=k", "--set", "outboundiq.url=http://127.0.0.1:9"]


def test_serve_answers_calls_and_ends_with_0_on_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gateway", "serve", "--listen", "127.0.0.1:0", *KEY]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "listening for Asterisk" in line)
        answer = CliRunner().invoke(main, ["call", "911", "--port", line.split()[-1]])
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert "status   BYPASSED" in answer.stdout


def test_serve_does_not_start_with_an_address_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = CliRunner().invoke(main, ["serve", "--listen", address, *KEY])
    assert result.exit_code == 3
    assert "error: could not start: " in result.stderr
    assert address in result.stderr


def test_serve_does_not_start_without_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clean = {name: None for name in os.environ if name.startswith("ANI_GATEWAY_")}
    result = CliRunner().invoke(main, ["serve"], env=clean)
    assert result.exit_code == 3
    assert result.stderr.startswith("error: outboundiq.key: is missing")


def test_calls_are_served_also_with_an_admin_address_in_use(tmp_path: Path) -> None:
    """Figures are worth a line in the log, no caller ID."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        options = ["--listen", "127.0.0.1:0", "--set", f"admin.listen={address}", *KEY]
        command = [sys.executable, "-m", "gateway", "serve", *options]
        with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            lines = []
            for line in process.stderr:
                lines.append(line)
                if "listening for Asterisk" in line:
                    break
            process.terminate()
            assert process.wait(10) == 0
    (told,) = (line for line in lines if "ERROR" in line)
    assert f"cannot listen on admin.listen {address}: " in told
    assert "calls are answered" in told


def test_serve_answers_http_as_well_when_it_is_told_to(tmp_path: Path) -> None:
    addresses = ["--listen", "127.0.0.1:0", "--set", "api.listen=127.0.0.1:0"]
    engine = ["--set", f"engine.inventory={SAMPLE}", "--set", "assignment.providers=engine"]
    api = ["--set", "api.in_serve=true", "--set", "api.keys=made-up-key"]
    command = [sys.executable, "-m", "gateway", "serve", *addresses, *engine, *api]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = next(line for line in process.stderr if "serving the engine at" in line).split()[-1]
        request = urllib.request.Request(  # noqa: S310 - the address is the loopback one just printed
            f"{url}/assignment",
            data=b'{"prospect_phone": "4045550123"}',
            headers={"Authorization": "Bearer made-up-key"},
        )
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 - the same
            answer = json.load(reply)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert answer["ani"].startswith("404")


@pytest.mark.parametrize(
    ("more", "missing"),
    [(["--set", f"engine.inventory={SAMPLE}"], "api.keys"), (["--set", "api.keys=k"], "engine.inventory")],
)
def test_serve_does_not_open_a_second_door_without_key_and_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], missing: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["serve", *KEY, "--set", "api.in_serve=true", *more])
    assert result.exit_code == 3
    assert result.stderr.startswith(f"error: {missing}: is missing")
