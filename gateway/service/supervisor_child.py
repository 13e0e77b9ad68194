"""One process of the gateway, as its supervisor sees it: started, ready, gone."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from typing import assert_never

from gateway.service import supervisor_control as control
from gateway.service.supervisor_control import (
    File,
    LineError,
    Order,
    Ping,
    Pong,
    Ready,
    Reload,
    Reloaded,
    Start,
    Word,
)

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
        self.unanswered = 0
        """How often it was asked since it last answered."""
        self.reloaded = asyncio.Event()
        """Set by its answer to `Reload`."""
        self.problem = ""
        """Why it did not take the settings of the last `Reload`."""
        self._process = process
        self._line = line
        self._is_line_open = True
        self._death = os.pidfd_open(process.pid)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._death, self._bury)
        loop.add_reader(line, self._hear)

    @classmethod
    def start(cls, name: str, command: Sequence[str], order: Start, files: Sequence[File]) -> "Child":
        """Start a process and tell it what to be, with the files of `Start`.

        Raises `OSError` when the machine has no room for it.
        """
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
        child.tell(order, files)
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

    def tell(self, order: Order, files: Sequence[File] = ()) -> None:
        """Give an order. One that does not arrive is logged: the process is about to be gone."""
        if self.gone.is_set():
            return
        try:
            control.send(self._line, order, files)
        except LineError as error:
            log.warning("%s %s", self.name, error)

    def ask(self) -> None:
        """See whether its loop turns: it answers at once, or `unanswered` grows with every time."""
        if not self.unanswered:  # one question is enough; more would fill the line of one that hangs
            self.tell(Ping())
        self.unanswered += 1

    async def reload(self, settings: File, within_s: float) -> str:
        """Have it go by other settings; why it does not, "" when it does.

        One that does not answer is killed, for nobody would know what it goes by.
        """
        self.reloaded.clear()
        self.tell(Reload(), [settings])
        if not await _first(within_s, self.reloaded, self.gone):
            self.signal(signal.SIGKILL)
            return f"{self.name} did not answer within {within_s:.0f} s and is killed"
        return f"{self.name} {self.how_it_ended}" if self.gone.is_set() else self.problem

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
            message, _ = control.receive(self._line, Word)
        except BlockingIOError:
            return
        except LineError:
            self._hang_up()
            return
        match message:
            case Ready(notes):
                self.notes = notes
                self.ready.set()
            case Pong():
                self.unanswered = 0
            case Reloaded(problem):
                self.problem = problem
                self.reloaded.set()
            case _:
                assert_never(message)

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
