"""The listening sockets, which the supervisor keeps and its processes only borrow.

Each worker's slot has its own socket on each address, all on one port (SO_REUSEPORT): the kernel spreads the
connections evenly over the slots by a hash of their addresses. Closing such a socket resets what waits in its
queue (unless `net.ipv4.tcp_migrate_req` is set). As the supervisor keeps them open while workers come and go,
no queue is ever lost, but at the end.
"""

import os
import shutil
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gateway.model.address import split_address

FOLDER_PREFIX = "ani-gateway-"


def bind_slots(
    addresses: Sequence[str], slots: int, *, setting: str = "agi.listen"
) -> list[list[socket.socket]]:
    """For each slot, a socket on each address (`HOST:PORT`). They listen once a worker takes them.

    Port 0 becomes one free port for all. Raises `OSError` naming the address that cannot be had.
    """
    bound: list[list[socket.socket]] = [[] for _ in range(slots)]
    try:
        for address in addresses:
            for family, place in _resolve(address):
                _demand_free(family, place)
                first = _bind(family, place)
                bound[0].append(first)
                # The port the kernel chose, when it was to choose.
                same = (place[0], *first.getsockname()[1:])
                for sockets in bound[1:]:
                    sockets.append(_bind(family, same))
    except OSError as error:
        close_all(bound)
        raise OSError(f"cannot listen on {setting} {address}: {error.strerror or error}") from error
    return bound


def close_all(bound: Sequence[Sequence[socket.socket]]) -> None:
    """Close all of them."""
    for sockets in bound:
        for sock in sockets:
            sock.close()


class FeedSocket:
    """The socket of the feed, in a folder that only this user may enter. `close` takes the folder away."""

    def __init__(self) -> None:
        """Make folder and socket; the folder stands where systemd wants it, or with temporary files.

        Raises `OSError`.
        """
        where = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0] or None
        self._folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=where))
        self.path = str(self._folder / "feed")
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.bind(self.path)
            # Workers may connect before, between and after reporting processes: they wait in its queue.
            self.socket.listen()
        except OSError as error:
            self.close()
            raise OSError(f'cannot make the socket "{self.path}": {error.strerror or error}') from error

    def close(self) -> None:
        """Close it and remove the folder. Safe to call twice."""
        self.socket.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _resolve(address: str) -> list[tuple[socket.AddressFamily, tuple[str, ...]]]:
    host, port = split_address(address)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, place) for family, _, _, _, place in found))  # type: ignore[misc]


def _demand_free(family: socket.AddressFamily, place: tuple[str, ...]) -> None:
    """Another gateway with workers would let us share its port, and get half of its calls: do not."""
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _only_own_family(probe)
        probe.bind(place)


def _bind(family: socket.AddressFamily, place: tuple[str, ...]) -> socket.socket:
    sock = socket.socket(family)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _only_own_family(sock)
        sock.settimeout(0)
        sock.bind(place)
    except OSError:
        sock.close()
        raise
    return sock


def _only_own_family(sock: socket.socket) -> None:
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
