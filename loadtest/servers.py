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

from pbx import SECRET
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

[outboundiq]
url = "{upstream}"
key = "bench"
"""
# At saturation a closed loop waits for the server; with the usual deadline of 0.7 s the slowest calls would
# fall back, which is right in service and hides here what is measured. The others have no deadline at all.
HITS = ("assignment.cache_ttl_s=3600",)
"""The hit path stays the hit path however long the benchmark runs."""
SINGLES = ("assignment.batching=false", "assignment.max_in_flight=512", "outboundiq.max_connections=512")
"""As many single requests as calls are open; the default of 64 would hold them at 64 per 20 ms."""

DEADLINE_S = 2.9
PATIENT = ("agi.session_timeout_s=4.0", f"assignment.deadline_s={DEADLINE_S}")
"""For an upstream that takes 2.5 s: a call that misses the first chance has no second."""
ROOMY = (
    *("agi.max_connections=20000", "agi.max_connections_per_peer=20000"),
    *("agi.environment_timeout_s=60", "agi.session_timeout_s=60", "assignment.deadline_s=30"),
)
"""So that 10,000 sessions may stay open while their memory is measured."""
_REPORTING = """
[ami.pbx]
address = "127.0.0.1:{ami_port}"
secret = "{secret}"

[dials]
targets = ["outboundiq"]

[spool]
file = "{folder}/spool-{port}.db"
settle_s = {settle_s}

[delivery]
max_in_flight = 512
"""
SETTLE_S = 1.0
"""The default; how long each record waits before it is sent."""

Command = Callable[["Place"], list[str]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server runs: its port, its upstream, and a folder for its configuration."""

    port: int
    upstream: str
    folder: Path
    ami_port: int = 0
    """Where the PBX's manager interface is, for those that listen to it."""


@dataclass(frozen=True, slots=True)
class Server:
    """One of the compared. `fixed` servers answer everybody the same number, so they need not read."""

    name: str
    what: str
    command: Command
    fixed: bool = False
    cpus: int = 1
    """On 2, the generator and the upstream share them."""


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


def gateway(
    *settings: str,
    program: tuple[str, ...] = ("-m", "gateway"),
    options: tuple[str, ...] = (),
    more: str = "",
) -> Command:
    """The gateway as it ships, with these settings; `more` is added to its configuration."""

    def command(place: Place) -> list[str]:
        path = place.folder / f"gateway-{place.port}.toml"
        text = (_CONFIG + more).format(
            port=place.port,
            upstream=place.upstream,
            ami_port=place.ami_port,
            secret=SECRET,
            folder=place.folder,
            settle_s=SETTLE_S,
        )
        path.write_text(text)
        flags = [flag for setting in settings for flag in ("--set", setting)]
        return [sys.executable, *program, "serve", "--config", str(path), *options, *flags]

    return command


def reader(kind: str) -> Command:
    """One of ami_reader.py, which listens to the manager interface alone."""
    return lambda place: [*script("ami_reader.py", f"--kind={kind}")(place), f"--ami-port={place.ami_port}"]


_SERVERS = (
    Server("floor", "bare uvloop protocol, no parsing, one write", script("floor.py"), fixed=True),
    Server("floor-turns", "the same, command by command", script("floor.py", "--turns"), fixed=True),
    Server("gateway-hits", "ani-gateway serve, answers from its cache", gateway(*HITS)),
    Server("gateway-singles", "ani-gateway serve, one request per miss", gateway(*SINGLES)),
    Server("gateway-batches", "ani-gateway serve, adaptive batches (default)", gateway()),
    Server("gateway-aiohttp", "the same with http = aiohttp", gateway("outboundiq.http=aiohttp")),
    Server(
        "gateway-untuned",
        "ani-gateway serve, Python's own garbage collection",
        gateway(program=(str(HERE / "untuned.py"),)),
    ),
    Server("gateway-patient", "ani-gateway serve, deadline 2.9 s", gateway(*PATIENT)),
    Server(
        "patient-singles",
        "the same without batches",
        gateway(*PATIENT, "assignment.batching=false"),
    ),
    Server("gateway-roomy", "ani-gateway serve, 20,000 connections, long deadlines", gateway(*ROOMY)),
    Server(
        "gateway-whole", "ani-gateway serve with AMI, spool (FULL) and delivery", gateway(more=_REPORTING)
    ),
    Server("two-workers", "ani-gateway serve --workers 2", gateway(options=("--workers", "2")), cpus=2),
    Server("panoramisk", "panoramisk's FastAGI on uvloop", peer("panoramisk")),
    Server("streams", "asyncio streams on uvloop", peer("streams")),
    Server("tuned", "asyncio streams, one tuned aiohttp session for all calls", peer("streams")),
    Server("naive", "a new aiohttp session for each call", script("naive.py", upstream=True)),
    Server("ami-gateway", "the gateway's link to a manager interface", reader("gateway")),
    Server("ami-panoramisk", "panoramisk, a callback on Hangup", reader("panoramisk")),
)
SERVERS = {server.name: server for server in _SERVERS}


def has_workers() -> bool:
    """Whether `serve` can be told how many workers to run."""
    shown = subprocess.run(
        [sys.executable, "-m", "gateway", "serve", "--help"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    return "--workers" in shown.stdout


class StartError(Exception):
    """A process of the benchmark did not start; the message holds its output."""


@contextlib.contextmanager
def running(
    server: Server, upstream: str, folder: Path, *, port: int = 0, ami_port: int = 0
) -> Iterator[tuple[int, int]]:
    """Start a server on CPU 0 and wait until it listens: its process id and its port."""
    place = Place(port or free_port(), upstream, folder, ami_port)
    cpu = SERVER_CPU if server.cpus == 1 else None
    with _process(server.command(place), place.port, folder / f"{server.name}.log", cpu) as process:
        yield process.pid, place.port


class Stub:
    """The upstream with its fixed delay, on the generator's CPU."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.pid = process.pid
        self.url = url
        self._process = process

    def counters(self) -> dict[str, float]:
        """What it has received: requests, batches, leads, connections, dials, and `lead_s`."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise StartError("the stub has no pipes")
        stdin.write("\n")
        stdin.flush()
        counters: dict[str, float] = json.loads(stdout.readline())
        return counters


@contextlib.contextmanager
def running_stub(folder: Path, *, delay_ms: float) -> Iterator[Stub]:
    """Start the upstream and wait until it listens."""
    port = free_port()
    command = [sys.executable, str(HERE / "stub.py"), f"--port={port}", f"--delay-ms={delay_ms}"]
    with _process(command, port, folder / "stub.log", LOAD_CPU) as process:
        yield Stub(process, f"http://127.0.0.1:{port}")


@contextlib.contextmanager
def _process(command: list[str], port: int, log: Path, cpu: int | None) -> Iterator["subprocess.Popen[str]"]:
    with (
        log.open("w") as errors,
        subprocess.Popen(  # noqa: S603 - our own programs
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=ENVIRONMENT
        ) as process,
    ):
        if cpu is not None:
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
