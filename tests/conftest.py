"""Event loops of the tests: uvloop, as in production, or simulated time where a test is about waiting."""

import asyncio
import logging
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import uvloop
from hypothesis import settings

from gateway.simulator.clock import SimulatedTimeLoop
from tests.stores.mariadb import STATEMENTS, fetched, running
from tests.stores.redis_server import RedisServer
from tests.stores.redis_server import fetched as redis_program

# A busy machine is no fault of the code: examples have no time limit of their own, tests have.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

# Not between letters: the digits of a random request id, written in hex, are no phone number.
FULL_NUMBER = re.compile(r"(?<![0-9A-Za-z.])(?:\+?1)?[2-9][0-9]{9}(?![0-9A-Za-z.])")
KEYS = ("simulated-key",)


class _Indiscretions(logging.Handler):
    """Notes every log line of ours that shows a full phone number or a key."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        if FULL_NUMBER.search(line) or any(key in line for key in KEYS):
            self.lines.append(f"{record.name}: {line}")


@pytest.fixture(autouse=True)
def no_log_line_shows_a_number_or_a_key(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test is about. A test that asks for unmasked numbers says so by the mark `unmasked`."""
    indiscretions = _Indiscretions()
    logger = logging.getLogger("gateway")
    level = logger.level
    logger.addHandler(indiscretions)
    logger.setLevel(logging.DEBUG)
    yield
    logger.setLevel(level)
    logger.removeHandler(indiscretions)
    if not request.node.get_closest_marker("unmasked"):
        assert indiscretions.lines == []


def pytest_asyncio_loop_factories(
    config: pytest.Config,  # noqa: ARG001 - the hook's signature
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.get_closest_marker("simulated_time"):
        return {"simulated": SimulatedTimeLoop}
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Path]:
    """The socket of a real MariaDB with FreePBX's CDR table; mark its tests with REAL_MARIADB."""
    server = fetched()
    # Not below pytest's own folder: a socket's path has 107 characters at most.
    with (
        tempfile.TemporaryDirectory(prefix="cdr") as folder,
        running(server, Path(folder), STATEMENTS) as one,
    ):
        yield one


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A real Redis; mark its tests with REAL_REDIS."""
    with RedisServer(redis_program(), tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(redis_server: RedisServer) -> RedisServer:
    """The real Redis, running and empty."""
    if not redis_server.is_running:
        redis_server.start()
    redis_server.cli("FLUSHALL")
    redis_server.cli("SCRIPT", "FLUSH")
    return redis_server


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly, in one line each, what a run has left untested."""
    reasons = {report.longrepr[2] for report in terminalreporter.stats.get("skipped", [])}
    for reason in sorted(reasons):
        if "NOT TESTED" in reason:
            terminalreporter.write_sep("!", reason.removeprefix("Skipped: "), red=True, bold=True)
