import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvloop

from tests.scenarios.engine_api import EngineApi, ServeApi, started

START_S = 20.0
STOP_S = 10.0
CONFIG = """
[agi]
listen = ["127.0.0.1:{port}"]
session_timeout_s = {session_timeout_s}

[assignment]
providers = ["outboundiq"]
deadline_s = {deadline_s}
{assignment}

[outboundiq]
url = "{upstream}"
key = "simulated-key"
"""


@dataclass(frozen=True, slots=True)
class RunningGateway:
    port: int
    pid: int
    config: Path
    log: Path

    def waited_s(self) -> float:
        """How long the process was ready to run and had no CPU, since its start (proc(5), schedstat)."""
        threads = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[1]) for thread in threads) / 1e9


StartGateway = Callable[..., RunningGateway]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The callers are quicker on uvloop, and should not be what is late."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def start_gateway(tmp_path: Path) -> Iterator[StartGateway]:
    """Starts `ani-gateway serve` as its users do; on leaving it must stop cleanly and have raised nothing."""
    with contextlib.ExitStack() as stack:

        def start(
            upstream: str, *, deadline_s: float = 0.25, assignment: str = "", more: str = ""
        ) -> RunningGateway:
            port = _free_port()
            config = tmp_path / f"gateway-{port}.toml"
            text = CONFIG.format(
                port=port,
                upstream=upstream,
                deadline_s=deadline_s,
                session_timeout_s=deadline_s + 0.35,
                assignment=assignment,
            )
            config.write_text(text + more)
            return stack.enter_context(_running(config, port, tmp_path / f"gateway-{port}.log"))

        yield start


@pytest.fixture(scope="session")
def geography_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the geography is folded once a run."""
    return tmp_path_factory.mktemp("geo")


@pytest.fixture
async def serve_api(tmp_path: Path, geography_dir: Path) -> AsyncIterator[ServeApi]:
    """Starts the engine's service as `ani-gateway api` does, over an empty inventory."""
    async with contextlib.AsyncExitStack() as stack:

        async def serve(**settings: object) -> EngineApi:
            api, server = await started(tmp_path, geography_dir, **settings)  # type: ignore[arg-type] # as given
            stack.callback(api.engine.close)
            stack.push_async_callback(server.stop)
            return api

        yield serve


@contextlib.contextmanager
def _running(config: Path, port: int, log: Path) -> Iterator[RunningGateway]:
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            _wait_until_listening(process, port, log)
            yield RunningGateway(port, process.pid, config, log)
        finally:
            process.send_signal(signal.SIGTERM)
            code = _stopped(process)
    assert code == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    stop = time.monotonic() + START_S
    while time.monotonic() < stop and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    pytest.fail(f"the gateway did not start:\n{log.read_text()}")


def _stopped(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return -1


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
