"""Tells the service manager how the gateway is, in systemd's way: one datagram of `NAME=value` lines.

    READY=1   RELOADING=1 with MONOTONIC_USEC   STOPPING=1   STATUS=words   WATCHDOG=1

Source: sd_notify(3). The socket's path stands in NOTIFY_SOCKET; one that begins with @ is abstract. Without
it nobody is told and nothing is done.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, MutableMapping

_FEEDS_PER_PERIOD = 3
"""systemd asks for twice at least; one more forgives one that was late."""


class ServiceManager:
    """One channel to it, the process's own: the environment is emptied, so that no child speaks for us."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        path = environ.pop("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if path else None
        if self._socket is not None:
            # A manager that does not read must not hold up calls.
            self._socket.settimeout(0)
        period_us, process = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        is_ours = process in ("", str(os.getpid()))
        self.watchdog_s = int(period_us) / 1e6 if period_us.isdecimal() and is_ours else 0.0
        """Without a sign of life for so long we are killed; 0: nobody waits for one."""

    def ready(self, status: str) -> None:
        """All is open; also after a reload, whatever became of it."""
        self._tell("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """The configuration is read again; until `ready`."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", "STATUS=reloading")

    def stopping(self) -> None:
        """Calls under way are finished, no more are taken."""
        self._tell("STOPPING=1", "STATUS=finishing calls")

    async def feed_watchdog(self, is_well: Callable[[], bool]) -> None:
        """Give a sign of life in time, as long as the loop turns and all `is_well`; until cancelled."""
        if not self.watchdog_s:
            return
        while True:
            if is_well():
                self._tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / _FEEDS_PER_PERIOD)

    def close(self) -> None:
        """Say no more. Safe to call twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, *lines: str) -> None:
        if self._socket is not None:
            # No manager is no reason not to answer calls.
            with contextlib.suppress(OSError):
                content = "\n".join(line.replace("\n", " ") for line in lines)
                self._socket.sendto(content.encode(), self._address)
