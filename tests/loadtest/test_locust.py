"""Whole runs, as their users start them. locust is a process: importing it here would change every socket."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "loadtest"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def run(tmp_path: Path, *options: str) -> tuple[int, str, dict[str, Any]]:
    """Exit code, what was printed, and the result."""
    file = tmp_path / "result.json"
    command = [
        sys.executable,
        str(FOLDER / "locust_run.py"),
        "--calls-per-s=60",
        "--ceiling=5000",
        f"--json={file}",
        *options,
    ]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=45)
    assert file.exists(), done.stdout + done.stderr
    result: dict[str, Any] = json.loads(file.read_text())
    return done.returncode, done.stdout, result


def test_every_call_gets_its_number_and_becomes_one_record(tmp_path: Path) -> None:
    code, printed, result = run(tmp_path, "--scenario=campaign-start", "--seconds=3", "--lines")
    assert code == 0, printed
    assert result["calls"] > 60
    assert result["failures"] == 0
    assert result["calls"] == result["ended"] == result["upstream"]["records"]
    assert result["upstream"]["repeats"] == 0
    assert "locust makes about 5,000 sessions/s a core" in printed
    assert f"the gateway's own: {result['calls']} calls, decided within p50" in printed


def test_the_upstream_fails_while_it_runs_and_no_call_is_left_without_a_number(tmp_path: Path) -> None:
    code, printed, result = run(tmp_path, "--scenario=sick-upstream", "--seconds=4")
    assert code == 0, printed
    assert result["entries"]["AGI default"][0] > 5
    assert result["entries"]["AGI outboundiq"][0] > 5
    assert result["entries"]["upstream fault 503"] == [1, 0]


@pytest.fixture
def api_url() -> Iterator[str]:
    """The simulated upstream as a process: it speaks the same API as the engine."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    command = [sys.executable, str(FOLDER / "upstream_server.py"), f"--port={port}", "--delay-ms=1"]
    with subprocess.Popen(command, env=ENVIRONMENT) as upstream:
        try:
            yield told_url(f"http://127.0.0.1:{port}")
        finally:
            upstream.terminate()


def told_url(control: str) -> str:
    stop = time.monotonic() + 20
    while time.monotonic() < stop:
        with contextlib.suppress(OSError), urllib.request.urlopen(control, timeout=2) as answer:  # noqa: S310 - own
            return str(json.load(answer)["url"])
        time.sleep(0.05)
    pytest.fail("the upstream did not start")


def test_clients_of_the_api_are_answered(api_url: str, tmp_path: Path) -> None:
    statistics = tmp_path / "statistics"
    command = [sys.executable, "-m", "locust", f"--locustfile={FOLDER / 'locustfile.py'}", "ApiUser"]
    load = ["--headless", "--users=20", "--spawn-rate=20", "--run-time=1", "--mean-wait-s=0.1"]
    files = [f"--json-file={statistics}", f"--logfile={tmp_path / 'log'}"]
    done = subprocess.run(
        [*command, *load, *files, f"--api-url={api_url}"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    entries = {one["name"]: one for one in json.loads(statistics.with_suffix(".json").read_text())}
    assert set(entries) == {"/assignment", "/assignment/batch", "/dials"}
    assert all(one["num_requests"] > 0 and one["num_failures"] == 0 for one in entries.values())


def test_a_wrong_number_is_a_failure(tmp_path: Path) -> None:
    code, printed, result = run(tmp_path, "--scenario=campaign-start", "--seconds=1", "--lie")
    assert code == 1
    calls, failures = result["entries"]["AGI outboundiq"]
    assert failures <= result["failures"]
    assert calls / 20 < failures < calls / 5
    assert "NOT GOOD" in printed
