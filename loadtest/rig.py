"""Everything a load test needs around it, on loopback: a simulated upstream, the gateway, its own numbers.

The gateway runs as it ships, with batching, reporting over AMI, spool and delivery on. Free ports, a scratch
folder, and nothing left behind.
"""

import contextlib
import json
import re
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from proc import Usage, memory_mb, pin
from processes import LOAD_CPU, free_port
from servers import Place, Server, running, script

from gateway.simulator.ami_session import AmiUser

_CONFIG = """
[agi]
listen = ["127.0.0.1:{port}"]

[assignment]
default_ani = "+13105550100"

[outboundiq]
url = "{upstream}"
key = "{key}"

[ami.pbx]
address = "127.0.0.1:{ami_port}"
secret = "{secret}"
{more_pbxes}
[dials]
targets = ["outboundiq"]

[spool]
file = "{folder}/spool.db"
settle_s = 0.1

[delivery]
retry_cap_s = 2.0
breaker_max_open_s = 1.0
drain_s = 5.0
"""
# With a default number no call is left without one; whatever gets none is a failure. The pauses of a failing
# delivery are short, so that the end of a run needs not wait for the longest.
_MORE_PBX = """
[ami.pbx{number}]
address = "127.0.0.1:{port}"
secret = "{secret}"
"""
_ASK_TIMEOUT_S = 5.0
_LOOK_S = 0.5
_LOOKS = 100
_LAST_RECORDS_S = 20.0
_LAST_WORDS = re.compile(r"stopped after (.+)")


@dataclass(frozen=True, slots=True)
class Health:
    """What the kernel says about the gateway's process."""

    used: Usage
    memory_mb: float
    descriptors: int


class Rig:
    """The running parts."""

    def __init__(self, pid: int, port: int, *, control: str, ami_port: int) -> None:
        self.gateway = f"127.0.0.1:{port}"
        self.control = control
        self.ami_port = ami_port
        self._pid = pid

    def health(self) -> Health:
        """How the gateway is now."""
        descriptors = len(list(Path(f"/proc/{self._pid}/fd").iterdir()))
        return Health(Usage.of(self._pid), memory_mb(self._pid), descriptors)

    @contextlib.contextmanager
    def watched(self, seconds: float) -> Iterator[list[Health]]:
        """The gateway's health before, about a hundred times during, and after the block."""
        samples = [self.health()]
        over = threading.Event()

        def look() -> None:
            while not over.wait(max(_LOOK_S, seconds / _LOOKS)):
                samples.append(self.health())

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield samples
        finally:
            over.set()
            watcher.join()
        samples.append(self.health())

    def upstream(self) -> dict[str, int]:
        """What has arrived at the upstream."""
        return asked(self.control)

    def wait_for_records(self, wanted: int) -> int:
        """Give the gateway time to deliver the last records; how many have arrived."""
        until = time.monotonic() + _LAST_RECORDS_S
        while (arrived := self.upstream()["records"]) < wanted and time.monotonic() < until:
            time.sleep(0.1)
        return arrived


@contextlib.contextmanager
def rig(folder: Path, *, pbxes: int, lie: bool) -> Iterator[Rig]:
    """Start all, on the CPUs the benchmark uses. Raises `servers.StartError`."""
    options = ("--lie",) if lie else ()
    upstream_server = Server("upstream", "simulated upstream", script("upstream_server.py", *options))
    ami_port = free_port()
    with running(upstream_server, "", folder) as (upstream_pid, control_port):
        pin(upstream_pid, LOAD_CPU)
        control = f"http://127.0.0.1:{control_port}"
        upstream = asked(control)

        def command(place: Place) -> list[str]:
            path = place.folder / "gateway.toml"
            text = _config(place, key=str(upstream["key"]), ami_port=ami_port, pbxes=pbxes)
            path.write_text(text)
            return [sys.executable, "-m", "gateway", "serve", "--config", str(path)]

        gateway = Server("gateway", "ani-gateway serve", command)
        with running(gateway, str(upstream["url"]), folder) as (pid, port):
            yield Rig(pid, port, control=control, ami_port=ami_port)


def _config(place: Place, *, key: str, ami_port: int, pbxes: int) -> str:
    secret = AmiUser().secret
    more = "".join(
        _MORE_PBX.format(number=number, port=ami_port + number, secret=secret) for number in range(1, pbxes)
    )
    return _CONFIG.format(
        port=place.port,
        upstream=place.upstream,
        key=key,
        ami_port=ami_port,
        secret=secret,
        more_pbxes=more,
        folder=place.folder,
    )


def asked(control: str) -> dict[str, int]:
    """What the upstream's control port tells."""
    with urllib.request.urlopen(control, timeout=_ASK_TIMEOUT_S) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def last_words(folder: Path) -> str:
    """How many calls the gateway says it had, and how long they took it; read once it has stopped."""
    found = _LAST_WORDS.search((folder / "gateway.log").read_text())
    return found[1] if found else "nothing: it did not stop in order"
