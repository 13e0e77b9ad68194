import asyncio
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.service.service_manager import ServiceManager


@pytest.fixture(params=["file", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """What systemd has: a socket, and its name as it stands in the environment."""
    name = str(tmp_path / "notify") if request.param == "file" else f"@ani-gateway-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + name[1:] if name[0] == "@" else name)
        sock.settimeout(5)
        yield sock, name


def heard(sock: socket.socket) -> dict[str, str]:
    return dict(line.partition("=")[::2] for line in sock.recv(4096).decode().split("\n"))


def test_it_tells_what_becomes_of_the_gateway(systemd: tuple[socket.socket, str]) -> None:
    sock, name = systemd
    environ = {"NOTIFY_SOCKET": name}
    manager = ServiceManager(environ)
    manager.ready("answering calls")
    assert heard(sock) == {"READY": "1", "STATUS": "answering calls"}
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    manager.reloading()
    told = heard(sock)
    assert told["RELOADING"] == "1"
    assert before <= int(told["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    manager.ready("reload refused:\n2 problems")
    assert heard(sock) == {"READY": "1", "STATUS": "reload refused: 2 problems"}
    manager.stopping()
    assert heard(sock)["STOPPING"] == "1"
    manager.close()
    assert environ == {}, "no child may speak for us"


async def test_the_watchdog_is_fed_three_times_a_period_while_all_is_well(
    systemd: tuple[socket.socket, str],
) -> None:
    sock, name = systemd
    manager = ServiceManager(
        {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "60000", "WATCHDOG_PID": str(os.getpid())}
    )
    assert manager.watchdog_s == 0.06
    asked = 0

    def is_well() -> bool:
        nonlocal asked
        asked += 1
        return asked != 2

    feeding = asyncio.create_task(manager.feed_watchdog(is_well))
    while asked < 4:  # noqa: ASYNC110 - it counts the questions themselves
        await asyncio.sleep(0)
    feeding.cancel()
    assert [heard(sock) for _ in range(3)] == [{"WATCHDOG": "1"}] * 3
    sock.settimeout(0)
    with pytest.raises(BlockingIOError):
        sock.recv(1)
    manager.close()


@pytest.mark.parametrize(
    "environ",
    [{}, {"NOTIFY_SOCKET": "/nowhere/notify"}, {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}],
    ids=["none", "gone", "not ours"],
)
async def test_without_a_manager_nothing_is_told_and_nothing_breaks(environ: dict[str, str]) -> None:
    manager = ServiceManager(environ)
    manager.ready("answering calls")
    await manager.feed_watchdog(lambda: True)
    manager.close()
    manager.stopping()
