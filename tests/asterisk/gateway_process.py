"""The gateway as the user starts it: `ani-gateway serve` with a file."""

import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.asterisk.wait import wait_for

CONFIG = """\
[agi]
listen = ["127.0.0.1:{port}"]
session_timeout_s = {session_timeout_s}

[assignment]
providers = ["outboundiq"]
deadline_s = {deadline_s}
# the tests fail one number at a time; a breaker would let the next test meet the last one's outage
breaker_failures = 10000
do_not_call = ["+1900"]

[outboundiq]
url = "{url}"
key = "{key}"
"""
KEY = "test-key"


class GatewayProcess:
    """Runs from `__enter__` to `__exit__`. The session's limit is twice the decision's deadline."""

    def __init__(self, folder: Path, *, port: int, url: str, deadline_s: float = 0.7, more: str = "") -> None:
        """`more` is TOML that follows the file's own sections."""
        self.port = port
        self.agi = f"agi://127.0.0.1:{port}"
        self._config = folder / f"gateway-{port}.toml"
        self._output = folder / f"gateway-{port}.output"
        text = CONFIG.format(
            port=port, url=url, key=KEY, deadline_s=deadline_s, session_timeout_s=2 * deadline_s
        )
        self._config.write_text(text + more)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Starts the gateway and waits until it listens; what it prints is added to its output so far."""
        command = [sys.executable, "-m", "gateway", "serve", "--config", str(self._config)]
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            wait_for(self._listens, "the gateway to listen", within_s=15)
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the gateway; it has its drain time, then it is killed."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=6)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=5)
        self._process = None

    def kill(self) -> None:
        """Ends the gateway as a crash does: SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=5)
        self._process = None

    def output(self) -> str:
        """What it printed so far."""
        return self._output.read_text(errors="replace")

    def open_sessions(self) -> int:
        """TCP connections it still holds on its AGI port, as the kernel lists them."""
        local = f"0100007F:{self.port:04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(1 for row in rows if row[1] == local and row[3] in _HELD)

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the gateway ended while starting:\n{self.output()}"
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


_HELD = {"01", "08"}
"""ESTABLISHED and CLOSE_WAIT of the kernel's table: states that end only when the gateway closes."""
