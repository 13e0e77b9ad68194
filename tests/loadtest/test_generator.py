import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture(params=[(), ("--turns",)], ids=["one-trip", "turns"])
def floor_port(request: pytest.FixtureRequest) -> Iterator[int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    command = [sys.executable, str(ROOT / "loadtest" / "floor.py"), f"--port={port}", *request.param]
    with subprocess.Popen(command, env=ENVIRONMENT) as floor:
        try:
            stop = time.monotonic() + 20
            while time.monotonic() < stop:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                    break
                time.sleep(0.05)
            yield port
        finally:
            floor.terminate()


def generate(port: int, *options: str) -> dict[str, Any]:
    command = [sys.executable, str(ROOT / "loadtest" / "generator.py"), f"--port={port}", "--seconds=0.3"]
    done = subprocess.run(
        [*command, *options],
        input="\n\n",
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRONMENT,
        timeout=30,
    )
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


@pytest.mark.parametrize(
    "load",
    [
        ("--open=5",),
        ("--rate=200",),
        ("--rate=200", "--environment=lines"),
        ("--rate=200", "--warm-s=0.1"),
        ("--burst=50",),
        ("--burst=50", "--pause"),
        ("--burst=50", "--pause", "--hold"),
    ],
)
def test_generator_completes_every_call(floor_port: int, load: tuple[str, ...]) -> None:
    seen = generate(floor_port, "--fixed", *load)
    assert seen["calls"] > 10
    assert seen["failures"] == {}
    assert 0 < seen["p50_ms"] <= seen["p99_ms"] <= seen["max_ms"]


def test_wrong_numbers_are_failures(floor_port: int) -> None:
    """The floor gives everybody the same number, so each call that expects its own must fail."""
    seen = generate(floor_port, "--open=5", "--phones=50")
    assert seen["failures"] == {"wrong ANI": seen["calls"]}


def test_refused_calls_are_failures() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        seen = generate(closed.getsockname()[1], "--rate=50")
    assert seen["calls"] == 0
    assert sum(seen["failures"].values()) > 5


def test_a_burst_counts_every_latency_from_its_one_instant(floor_port: int) -> None:
    seen = generate(floor_port, "--fixed", "--burst=200")
    assert seen["calls"] == 200
    assert seen["max_ms"] <= seen["seconds"] * 1000
    assert seen["quantiles_ms"] == sorted(seen["quantiles_ms"])


def test_no_two_calls_share_a_uniqueid_though_they_share_a_phone(part: Callable[[str], Any]) -> None:
    asked = list(itertools.islice(part("calls").questions(phones=3, offset=7, fixed=False), 9))
    assert len({question.uniqueid for question in asked}) == 9
    assert len({question.expected for question in asked}) == 3
    assert all(question.uniqueid in question.environment for question in asked)


def test_the_default_number_is_counted_and_no_failure_where_it_may_come(floor_port: int) -> None:
    seen = generate(floor_port, "--open=5", "--phones=50", "--default-ani=5550001111")
    assert seen["failures"] == {}
    assert seen["fallbacks"] == seen["calls"] > 10


def test_calls_in_time_are_counted_from_their_own_connect(floor_port: int) -> None:
    seen = generate(floor_port, "--fixed", "--burst=50", "--within-s=10")
    assert seen["in_time"] == 50
    assert generate(floor_port, "--fixed", "--burst=50", "--within-s=0.000001")["in_time"] == 0
