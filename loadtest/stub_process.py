"""The upstream of a measurement as a process of its own, on the generator's CPU."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from certificates import Certificates
from processes import HERE, LOAD_CPU, StartError, free_port, started


class Stub:
    """The upstream with its fixed delay, on the generator's CPU."""

    def __init__(self, process: "subprocess.Popen[str]", url: str, *, ca_file: str = "") -> None:
        self.pid = process.pid
        self.url = url
        self.ca_file = ca_file
        """What a client has to trust; empty without TLS."""
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
def running_stub(
    folder: Path, *, delay_ms: float, certificates: Certificates | None = None, more: Sequence[str] = ()
) -> Iterator[Stub]:
    """Start the upstream, over TLS when it has certificates, and wait until it listens."""
    port = free_port()
    options = [f"--port={port}", f"--delay-ms={delay_ms}", *more]
    if certificates is not None:
        options += [f"--certificate={certificates.server}", f"--key={certificates.key}"]
    with started(
        [sys.executable, str(HERE / "stub.py"), *options], port, folder / "stub.log", LOAD_CPU
    ) as process:
        if certificates is None:
            yield Stub(process, f"http://127.0.0.1:{port}")
        else:
            yield Stub(process, f"https://127.0.0.1:{port}", ca_file=str(certificates.authority))
