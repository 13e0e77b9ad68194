"""An Asterisk that asks a name server of ours: DNS answers made up, seen by that one process only.

Its /etc/resolv.conf is another file in a mount namespace of its own; nothing of the machine changes.
"""

import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.asterisk.box import Box
from tests.asterisk.fetch import Programs

_ADDRESSES = tuple(f"127.0.0.{last}" for last in range(153, 173))
"""Of name servers. A port cannot be said in resolv.conf, so it is 53, on an address nobody else uses."""
_A, _SRV = 1, 33


@dataclass(frozen=True, slots=True)
class Srv:
    """One SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int


def require_namespaces() -> None:
    """Skips loudly where a process cannot have a resolv.conf of its own; fails where it must not."""
    line = "HAGI IS NOT TESTED: it takes unshare, mount and the right to listen on port 53"
    has_tools = shutil.which("unshare") is not None and shutil.which("mount") is not None
    if has_tools and os.geteuid() == 0:
        tried = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
        if tried.returncode == 0:
            return
    if os.environ.get("REQUIRE_ASTERISK") == "1":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


class NameServer:
    """Answers for `gateway.test`: its SRV records, and 127.0.0.1 for every other name. A context manager."""

    def __init__(self, records: Sequence[Srv]) -> None:
        self.records = list(records)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.address = ""
        """Where it answers, on port 53."""

    def __enter__(self) -> Self:
        for self.address in _ADDRESSES:
            with suppress(OSError):  # another run of these tests has it
                self._socket.bind((self.address, 53))
                self._thread.start()
                return self
        self._socket.close()
        raise OSError(f"port 53 cannot be had on any of {_ADDRESSES[0]} to {_ADDRESSES[-1]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing alone does not wake a thread that receives.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (self.address, 53))
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, peer = self._socket.recvfrom(512)
            if not query:
                return
            self._socket.sendto(self._answer(query), peer)

    def _answer(self, query: bytes) -> bytes:
        end = query.index(b"\0", 12) + 5  # the name, its type and class
        (kind,) = struct.unpack("!H", query[end - 4 : end - 2])
        found = self._found(kind, query[12 : end - 4])
        head = query[:2] + struct.pack("!HHHHH", 0x8580, 1, len(found), 0, 0)
        # 0xC00C: the name of the question.
        rows = (struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(data)) + data for data in found)
        return head + query[12:end] + b"".join(rows)

    def _found(self, kind: int, name: bytes) -> list[bytes]:
        if kind == _SRV and name.startswith(b"\x04_agi\x04_tcp"):
            host = b"\x02gw\x07gateway\x04test\0"
            return [struct.pack("!HHH", one.priority, one.weight, one.port) + host for one in self.records]
        return [bytes((127, 0, 0, 1))] if kind == _A else []


class NamedBox(Box):
    """A `Box` whose names come from a `NameServer`."""

    def __init__(
        self, programs: Programs, folder: Path, values: Mapping[str, str], names: NameServer
    ) -> None:
        super().__init__(programs, folder, values)
        folder.mkdir(parents=True, exist_ok=True)
        self._resolv = folder / "resolv.conf"
        self._resolv.write_text(f"nameserver {names.address}\noptions timeout:1 attempts:1\n")

    def _asterisk(self) -> list[str]:
        script = f'mount --bind {self._resolv} /etc/resolv.conf && exec "$0" "$@"'
        return ["unshare", "-m", "sh", "-c", script, *super()._asterisk()]
