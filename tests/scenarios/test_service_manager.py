"""What a real systemd would hear of a running gateway, over a real socket."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CONFIG = """
[agi]
listen = ["127.0.0.1:0"]
[outboundiq]
key = "k"
[service]
workers = {workers}
"""


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(30)
        yield sock


def hears(systemd: socket.socket, wanted: str) -> str:
    """Wait for it; signs of life may come before."""
    while wanted not in (told := systemd.recv(4096).decode()):
        assert told == "WATCHDOG=1"
    return told


@pytest.mark.parametrize("workers", [1, 2])
def test_systemd_hears_start_reload_refusal_life_and_end(
    workers: int, systemd: socket.socket, tmp_path: Path
) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG.format(workers=workers))
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
    environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"}
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, stderr=log, env=environment) as process,
    ):
        try:
            assert "answer" in hears(systemd, "READY=1")
            hears(systemd, "WATCHDOG=1")
            process.send_signal(signal.SIGHUP)
            assert "MONOTONIC_USEC=" in hears(systemd, "RELOADING=1")
            assert "STATUS=reloaded" in hears(systemd, "READY=1")
            config.write_text("[agi")
            process.send_signal(signal.SIGHUP)
            hears(systemd, "RELOADING=1")
            assert "STATUS=reload refused: 1 problem" in hears(systemd, "READY=1")
            hears(systemd, "WATCHDOG=1")
        finally:
            process.terminate()
        hears(systemd, "STOPPING=1")
        assert process.wait(20) == 0


def test_a_gateway_that_hangs_gives_no_sign_of_life(systemd: socket.socket, tmp_path: Path) -> None:
    """Systemd kills it then, after WatchdogSec."""
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG.format(workers=1))
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
    environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            hears(systemd, "READY=1")
            hears(systemd, "WATCHDOG=1")
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
            systemd.settimeout(0)
            while True:
                try:
                    systemd.recv(4096)
                except BlockingIOError:
                    break
            systemd.settimeout(1)
            with pytest.raises(TimeoutError):
                systemd.recv(4096)
        finally:
            process.kill()
