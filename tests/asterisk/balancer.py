"""A real HAProxy of this machine's Debian, run with the shipped configuration."""

import re
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.asterisk.box import SHIPPED
from tests.asterisk.ports import free_tcp_port
from tests.asterisk.wait import wait_for
from tests.debian import program


class Balancer:
    """Shares the connections to its port out to gateways' ports; a context manager."""

    def __init__(self, folder: Path, gateways: Sequence[int]) -> None:
        self.port = free_tcp_port()
        self._program = program("haproxy", "usr/sbin/haproxy", title="HAPROXY")
        self._file = folder / f"haproxy-{self.port}.cfg"
        self._file.write_text(self._configured((SHIPPED / "haproxy.cfg").read_text(), gateways))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def agi(self) -> str:
        return f"agi://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        with self._file.with_suffix(".log").open("w") as log:
            self._process = subprocess.Popen(
                [self._program.command, "-db", "-f", str(self._file)],
                env=self._program.environment,
                stdout=log,
                stderr=log,
            )
        wait_for(self._listens, "HAProxy to listen", within_s=10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(5)

    def _configured(self, shipped: str, gateways: Sequence[int]) -> str:
        """The shipped file with our addresses."""
        text = re.sub(r"^ +server .*\n", "", shipped, flags=re.MULTILINE)
        servers = "".join(f"    server gateway-{port} 127.0.0.1:{port}\n" for port in gateways)
        return text.replace("127.0.0.1:4573", f"127.0.0.1:{self.port}") + servers

    def _listens(self) -> bool:
        assert self._process is not None
        log = self._file.with_suffix(".log")
        assert self._process.poll() is None, f"HAProxy ended while starting:\n{log.read_text()}"
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True
