"""A folder with a configuration for the engine and simulated vendors, for the management commands."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, arguments, env=env)


@dataclass(frozen=True, slots=True)
class Vendor:
    """A simulated vendor with a loop of its own, as the commands under test have theirs."""

    upstream: UpstreamSimulator
    loop: asyncio.AbstractEventLoop

    @property
    def items(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What outboundIQ has, by kind and key."""
        return self.upstream.custom.items

    def fail(self, fault: Fault) -> None:
        """Misbehave from now on."""
        asyncio.run_coroutine_threadsafe(self.upstream.set_fault(fault), self.loop).result(10)


@contextmanager
def serving() -> Iterator[Vendor]:
    """A vendor that answers until the context ends."""
    loop, started, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    upstream = UpstreamSimulator()

    async def serve() -> None:
        async with upstream:
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(10)
        yield Vendor(upstream, loop)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    """All backends are configured, in the folder the commands run in."""
    monkeypatch.chdir(tmp_path)
    with serving() as one:
        Path("ani-gateway.toml").write_text(
            '[assignment]\nproviders = ["engine"]\n'
            f'[outboundiq]\nurl = "{one.upstream.url}"\nkey = "{one.upstream.key}"\n'
            f'[outboundani]\nurl = "{one.upstream.url}/dialer"\nkey = "{one.upstream.key}"\n'
            '[engine]\ndatabase = "engine.db"\n'
            "[management]\nretry_s = 0\nrequests_per_second = 0\n"
        )
        yield one
