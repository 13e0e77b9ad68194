"""The servers that are compared, each a process of its own on CPU 0. A new peer is a line in `SERVERS`."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from proc import pin

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE.parent)}
SERVER_CPU = 0
LOAD_CPU = 1
_START_S = 15.0
_STOP_S = 10.0
_LISTEN = "0A"
"""State of a listening socket in /proc/net/tcp (include/net/tcp_states.h)."""

_CONFIG = """
[agi]
listen = ["127.0.0.1:{port}"]
session_timeout_s = 5.0

[assignment]
deadline_s = 3.0
providers = ["outboundiq"]
fallback = []
{assignment}

[outboundiq]
url = "{upstream}"
key = "bench"
{outboundiq}
"""
# At saturation a closed loop waits for the server; with the usual deadline of 0.7 s the slowest calls would
# fall back, which is right in service and hides here what is measured. The others have no deadline at all.
HITS = "cache_ttl_s = 3600.0"
"""The hit path stays the hit path however long the benchmark runs."""
SINGLES = "batching = false\nmax_in_flight = 512"
"""As many single requests as calls are open; the default of 64 would hold them at 64 per 20 ms."""

Command = Callable[["Place"], list[str]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server runs: its port, its upstream, and a folder for its configuration."""

    port: int
    upstream: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Server:
    """One of the compared. `fixed` servers answer everybody the same number, so they need not read."""

    name: str
    what: str
    command: Command
    fixed: bool = False


def script(name: str, *options: str, upstream: bool = False) -> Command:
    """A server that is a file beside this one."""
    return lambda place: [
        sys.executable,
        str(HERE / name),
        f"--port={place.port}",
        *([f"--upstream={place.upstream}"] if upstream else []),
        *options,
    ]


def peer(kind: str) -> Command:
    """One of peers.py."""
    return script("peers.py", f"--kind={kind}", upstream=True)


def gateway(assignment: str, outboundiq: str = "") -> Command:
    """The gateway as it ships, with these settings."""

    def command(place: Place) -> list[str]:
        path = place.folder / f"gateway-{place.port}.toml"
        path.write_text(
            _CONFIG.format(
                port=place.port, upstream=place.upstream, assignment=assignment, outboundiq=outboundiq
            )
        )
        return [sys.executable, "-m", "gateway", "serve", "--config", str(path)]

    return command


SERVERS = {
    server.name: server
    for server in (
        Server("floor", "bare uvloop protocol, no parsing, one write", script("floor.py"), fixed=True),
        Server("floor-turns", "the same, command by command", script("floor.py", "--turns"), fixed=True),
        Server("gateway-hits", "ani-gateway serve, answers from its cache", gateway(HITS)),
        Server(
            "gateway-singles",
            "ani-gateway serve, one request per miss",
            gateway(SINGLES, "max_connections = 512"),
        ),
        Server("gateway-batches", "ani-gateway serve, adaptive batches (default)", gateway("")),
        Server("panoramisk", "panoramisk's FastAGI on uvloop", peer("panoramisk")),
        Server("streams", "asyncio streams on uvloop", peer("streams")),
        Server("tuned", "asyncio streams, one tuned aiohttp session for all calls", peer("streams")),
        Server("naive", "a new aiohttp session for each call", script("naive.py", upstream=True)),
    )
}


class StartError(Exception):
    """A process of the benchmark did not start; the message holds its output."""


@contextlib.contextmanager
def running(server: Server, upstream: str, folder: Path) -> Iterator[tuple[int, int]]:
    """Start a server on CPU 0 and wait until it listens: its process id and its port."""
    place = Place(free_port(), upstream, folder)
    with _process(server.command(place), place.port, folder / f"{server.name}.log", SERVER_CPU) as process:
        yield process.pid, place.port


class Stub:
    """The upstream with its fixed delay, on the generator's CPU."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.pid = process.pid
        self.url = url
        self._process = process

    def counters(self) -> dict[str, int]:
        """What it has received: requests, batches, leads, connections."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise StartError("the stub has no pipes")
        stdin.write("\n")
        stdin.flush()
        counters: dict[str, int] = json.loads(stdout.readline())
        return counters


@contextlib.contextmanager
def running_stub(folder: Path, *, delay_ms: float) -> Iterator[Stub]:
    """Start the upstream and wait until it listens."""
    port = free_port()
    command = [sys.executable, str(HERE / "stub.py"), f"--port={port}", f"--delay-ms={delay_ms}"]
    with _process(command, port, folder / "stub.log", LOAD_CPU) as process:
        yield Stub(process, f"http://127.0.0.1:{port}")


@contextlib.contextmanager
def _process(command: list[str], port: int, log: Path, cpu: int) -> Iterator["subprocess.Popen[str]"]:
    with (
        log.open("w") as errors,
        subprocess.Popen(  # noqa: S603 - our own programs
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=ENVIRONMENT
        ) as process,
    ):
        pin(process.pid, cpu)
        try:
            _wait_until_listening(process, port, log)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_listening(process: "subprocess.Popen[str]", port: int, log: Path) -> None:
    stop = time.monotonic() + _START_S
    while time.monotonic() < stop and process.poll() is None:
        if _is_listening(port):
            return
        time.sleep(0.05)
    raise StartError(f"{process.args!r} did not listen on port {port}:\n{log.read_text()[-2000:]}")


def _is_listening(port: int) -> bool:
    """Asked of the kernel: a bare connection would send panoramisk's server into an endless loop."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(row[3] == _LISTEN and int(row[1].rpartition(":")[2], 16) == port for row in rows)


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
