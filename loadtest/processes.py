"""Starts the processes of a measurement, each on its CPU, and waits until they listen."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
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


class StartError(Exception):
    """A process of the benchmark did not start; the message holds its output."""


@contextlib.contextmanager
def started(command: list[str], port: int, log: Path, cpu: int | None) -> Iterator["subprocess.Popen[str]"]:
    """Start a command on a CPU, or on all, and wait until it listens on `port`. Raises `StartError`."""
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


def wait_until_listening(port: int) -> None:
    """Return once somebody listens on a port. Raises `StartError`."""
    stop = time.monotonic() + _START_S
    while not _is_listening(port):
        if time.monotonic() > stop:
            raise StartError(f"nobody listens on port {port}")
        time.sleep(0.05)


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
