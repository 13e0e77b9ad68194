"""`sync` as outboundIQ's and outboundANI's client, against the engine's own service of the same APIs."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.engine.inventory import SAMPLE, read_inventory
from gateway.stores.inventory import MIGRATIONS, InventoryStore
from gateway.stores.sqlite import SqliteDatabase
from gateway.sync.kept import kept
from gateway.sync.plan import ident_of, items_of
from tests.cli.backends import run

KEY = "simulated-key"
PATHS = {"outboundiq": "", "outboundani": "/dialer"}
"""Of each vendor's base URL."""


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The base URL of a running `ani-gateway api` with an empty database."""
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-m", "gateway", "api", "--listen", "127.0.0.1:0"]
    command += ["--set", f"api.keys={KEY}", "--set", "engine.database=engine.db"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "serving the engine at" in line)
        try:
            yield line.split()[-1]
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


@pytest.mark.parametrize("backend", PATHS)
def test_the_service_holds_what_the_file_says(backend: str, service: str) -> None:
    there = [str(SAMPLE), "--backend", backend, "--set", f"{backend}.key={KEY}"]
    there += [
        "--set",
        f"{backend}.url={service}{PATHS[backend]}",
        "--set",
        "management.requests_per_second=0",
    ]

    assert run("sync", "plan", *there).exit_code == 2
    applied = run("sync", "apply", *there, "--yes", "--state", "sync.json")
    assert applied.exit_code == 0, applied.stderr
    assert run("sync", "plan", *there).exit_code == 0

    database = SqliteDatabase.open("engine.db", MIGRATIONS)
    stored = InventoryStore(database).load()
    database.close()
    lacks = {"outboundiq": {"paused_until"}, "outboundani": {"paused_until", "inbound_pool_id"}}[backend]
    wanted = {ident_of(item): kept(item, lacks) for item in items_of(read_inventory(SAMPLE))}
    assert {ident_of(item): item for item in items_of(stored)} == wanted
