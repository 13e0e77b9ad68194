"""The servers that are compared, each a process of its own on CPU 0. A new peer is a line in `SERVERS`."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pbx import SECRET
from processes import ENVIRONMENT, HERE, SERVER_CPU, free_port, started

_CONFIG = """
[agi]
listen = ["127.0.0.1:{port}"]
session_timeout_s = 5.0

[admin]
listen = "127.0.0.1:0"

[assignment]
deadline_s = 3.0
providers = ["outboundiq"]
fallback = []

[outboundiq]
url = "{upstream}"
key = "bench"
ca_file = "{ca_file}"
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
REPORTING = """
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
    ca_file: str = ""
    """Whom to trust, where the upstream speaks TLS."""


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
        *([f"--upstream={place.upstream}", f"--ca-file={place.ca_file}"] if upstream else []),
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
            ca_file=place.ca_file,
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
    Server("gateway-whole", "ani-gateway serve with AMI, spool (FULL) and delivery", gateway(more=REPORTING)),
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


@contextlib.contextmanager
def running(
    server: Server, upstream: str, folder: Path, *, port: int = 0, ami_port: int = 0, ca_file: str = ""
) -> Iterator[tuple[int, int]]:
    """Start a server on CPU 0 and wait until it listens: its process id and its port."""
    place = Place(port or free_port(), upstream, folder, ami_port, ca_file)
    cpu = SERVER_CPU if server.cpus == 1 else None
    with started(server.command(place), place.port, folder / f"{server.name}.log", cpu) as process:
        yield process.pid, place.port
