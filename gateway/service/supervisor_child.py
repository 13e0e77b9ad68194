"""One process of the gateway, as its supervisor sees it: started, ready, gone."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
from collections.abc import Sequence

from gateway.service import supervisor_control as control
from gateway.service.supervisor_control import LineError, Order, Ready, Start

log = logging.getLogger(__name__)


class Child:
    """Started by `Child.start`, with the gateway's own command and `--part NAME`; it cannot be started again.

    A new program, not a fork: nothing of the supervisor's loop or memory is in it. The kernel tells of its
    death through a file descriptor, so none stays a zombie and none is taken for another.
    """

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", line: socket.socket) -> None:
        self.name = name
        self.pid = process.pid
        self.ready = asyncio.Event()
        """Set once all is open."""
        self.gone = asyncio.Event()
        """Set once it is dead, ready or not."""
        self.notes: Sequence[str] = ()
        """What it told when it was ready."""
        self._process = process
        self._line = line
        self._is_line_open = True
        self._death = os.pidfd_open(process.pid)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._death, self._bury)
        loop.add_reader(line, self._hear)

    @classmethod
    def start(
        cls, name: str, command: Sequence[str], order: Start, sockets: Sequence[socket.socket]
    ) -> "Child":
        """Start a process and tell it what to be. Raises `OSError` when the machine has no room for it."""
        ours, theirs = control.pair()
        try:
            with theirs:
                process = subprocess.Popen(  # noqa: S603 - our own command
                    [*command, "--part", name],
                    stdin=theirs.fileno(),
                    # Ctrl-C is for the supervisor, which ends its processes in their order.
                    process_group=0,
                )
        except OSError:
            ours.close()
            raise
        child = cls(name, process, ours)
        child.tell(order, sockets)
        return child

    @property
    def serves(self) -> bool:
        """Whether it is ready and alive."""
        return self.ready.is_set() and not self.gone.is_set()

    @property
    def how_it_ended(self) -> str:
        """In words; only once it is gone."""
        code = self._process.returncode
        if code is None or code >= 0:
            return f"ended with exit code {code}"
        return f"was killed by {signal.Signals(-code).name}"

    def tell(self, order: Order, sockets: Sequence[socket.socket] = ()) -> None:
        """Give an order. One that does not arrive is logged: the process is about to be gone."""
        if self.gone.is_set():
            return
        try:
            control.send(self._line, order, sockets)
        except LineError as error:
            log.warning("%s %s", self.name, error)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it is gone."""
        if not self.gone.is_set():
            self._process.send_signal(number)

    async def comes_up(self, within_s: float) -> bool:
        """Wait until it is ready; false when it dies first, or is not ready in time and is killed for it."""
        if await _first(within_s, self.ready, self.gone):
            return self.serves
        log.error("%s was not ready within %.0f s and is killed", self.name, within_s)
        self.signal(signal.SIGKILL)
        return False

    async def leaves(self, within_s: float) -> None:
        """Wait until it is gone; kill it when it takes longer."""
        if not await _first(within_s, self.gone):
            log.error("%s did not leave within %.0f s and is killed", self.name, within_s)
            self.signal(signal.SIGKILL)
            await self.gone.wait()

    def _hear(self) -> None:
        try:
            message, _ = control.receive(self._line, Ready)
        except BlockingIOError:
            return
        except LineError:
            self._hang_up()
            return
        self.notes = message.notes
        self.ready.set()

    def _bury(self) -> None:
        self._process.wait()
        self._hang_up()
        asyncio.get_running_loop().remove_reader(self._death)
        os.close(self._death)
        self.gone.set()

    def _hang_up(self) -> None:
        if self._is_line_open:
            self._is_line_open = False
            asyncio.get_running_loop().remove_reader(self._line)
            self._line.close()


async def _first(within_s: float, *events: asyncio.Event) -> bool:
    """Wait for the first of `events`; false when none came in time."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return bool(done)
