"""Where all workers meet: takes what their feeds tell (`worker_feed`), and passes prewarmed numbers on.

worker 1 ─┐
worker 2 ─┼► FeedHub ─► Reporting ─► spool
worker N ─┘◄─ prewarmed numbers, all of them also to a worker that comes later

When the spool has too much to write, the workers are not read until it has less; they keep what they have.
"""

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol, assert_never, cast

from gateway.assignment.settings import AssignmentSettings
from gateway.assignment.shelf import Shelf
from gateway.model.dial import CallEnd
from gateway.model.phone import PhoneNumber
from gateway.model.variables import CallState
from gateway.service.figure_book import FigureBook
from gateway.service.reporting_messages import (
    MAX_ROWS,
    Assigned,
    Ended,
    FeedError,
    Frames,
    FromWorker,
    Hello,
    Prewarmed,
    Settled,
    Told,
    Watched,
    Welcome,
    frame,
)

log = logging.getLogger(__name__)

_BACKLOG = 128
_LOOK_AGAIN_S = 0.05
_MAX_UNREAD_BYTES = 8_388_608
"""What may wait for a worker that does not read; past it its connection is cut, and it begins anew."""

Row = tuple[str, str, str, float]


class Taker(Protocol):
    """What the hub needs of `Reporting`."""

    @property
    def is_full(self) -> bool:
        """Whether no more ends should come now."""
        ...

    def record(self, end: CallEnd, settle: Callable[[bool], None]) -> None:
        """Make a record; call back once it is safe (`True`) or will not be (`False`)."""
        ...

    def note_assigned(self, peer: str, state: CallState, uniqueid: str) -> None:
        """A call of the PBX at `peer` has its answer."""
        ...


class FeedHub:
    """`start` it once reporting runs, `stop` it before."""

    def __init__(
        self, settings: AssignmentSettings, reporting: Taker | None, *, time: Callable[[], float]
    ) -> None:
        """Without `reporting` every end is answered as lost. `time` is the monotonic clock in seconds."""
        self.reporting = reporting
        self.figures = FigureBook(time=time, watch=self.watch)
        """What the workers have counted, those that have ended included."""
        self._shelf = Shelf(size=settings.prewarm_size, keep_s=settings.prewarm_ttl_s, time=time)
        self._keep_s = settings.prewarm_ttl_s
        self._rows: list[Row] = []
        self._workers: set[_Worker] = set()
        self._server: asyncio.Server | None = None
        self._all_left = asyncio.Event()

    def reload(self, settings: AssignmentSettings) -> None:
        """Go by other settings for what is prewarmed; what is remembered stays, as far as there is room.

        Blocks, for some 0.7 ms for each thousand numbers.
        """
        if (settings.prewarm_size, settings.prewarm_ttl_s) == (self._shelf.size, self._keep_s):
            return
        earlier, time = self._shelf, asyncio.get_running_loop().time
        self._shelf = Shelf(size=settings.prewarm_size, keep_s=settings.prewarm_ttl_s, time=time)
        self._keep_s = settings.prewarm_ttl_s
        for key, number, left_s in earlier.rows():
            self._shelf.put(key, PhoneNumber(number), left_s)

    async def start(self, sock: socket.socket) -> None:
        """Take the workers that connect to this listening socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Worker(self), sock=sock, backlog=_BACKLOG)

    async def stop(self, wait_s: float) -> None:
        """Wait until all workers have left, at most `wait_s` seconds; then leave them. Safe to call twice."""
        if self._server is None:
            return
        try:
            async with asyncio.timeout(wait_s):
                while self._workers:
                    self._all_left.clear()
                    await self._all_left.wait()
        except TimeoutError:
            log.warning("%d workers are still there; they keep what they have not told", len(self._workers))
        self._server.close()
        for worker in list(self._workers):
            worker.cut()
        self._server = None

    def prewarm(self, phone: PhoneNumber, campaign: str, ani: PhoneNumber) -> None:
        """Have all workers remember a number assigned ahead of the call, now and when they come."""
        self._shelf.put((phone.e164, campaign), ani)
        if not self._rows:
            asyncio.get_running_loop().call_soon(self._pass_on)
        self._rows.append((phone.e164, campaign, ani.e164, self._keep_s))
        if len(self._rows) >= MAX_ROWS:
            self._pass_on()

    def watch(self) -> None:
        """Have all workers tell of their last calls for some seconds."""
        for worker in list(self._workers):
            worker.write(frame(Watched()))

    def joined(self, worker: "_Worker") -> None:
        """A connection was made."""
        self._workers.add(worker)

    def left(self, worker: "_Worker") -> None:
        """A connection is gone."""
        self._workers.discard(worker)
        if not self._workers:
            self._all_left.set()

    def prewarmed(self) -> list[Row]:
        """All that is remembered, for a worker that came just now."""
        return [(phone, campaign, ani, left_s) for (phone, campaign), ani, left_s in self._shelf.rows()]

    def _pass_on(self) -> None:
        rows, self._rows = self._rows, []
        if rows:
            content = frame(Prewarmed(rows))
            for worker in list(self._workers):
                worker.write(content)


class _Worker(asyncio.Protocol):
    """One worker's connection."""

    def __init__(self, hub: FeedHub) -> None:
        self._hub = hub
        self._frames = Frames(FromWorker)
        self._waiting: deque[FromWorker] = deque()
        self._transport: asyncio.Transport | None = None
        self._slot = 0
        self._born = 0.0
        self._again: asyncio.TimerHandle | None = None
        self._safe: list[int] = []
        self._lost: list[int] = []
        self._replay: deque[Row] = deque()
        self._is_welcome = False
        self._is_full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._hub.joined(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._waiting.extend(self._frames.feed(data))
        except FeedError as error:
            log.warning("worker %d is not understood: %s", self._slot, error)
            self.cut()
            return
        self._work()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._tell_prewarmed()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - one end is as good as another
        self._waiting.clear()
        self._replay.clear()
        if self._again is not None:
            self._again.cancel()
        self._hub.figures.left(self._slot, self._born)
        self._hub.left(self)

    def write(self, content: bytes) -> None:
        """Send, unless the connection is ending."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(content)
        if transport.get_write_buffer_size() > _MAX_UNREAD_BYTES:
            log.error("worker %d does not read what it is told; its connection is cut", self._slot)
            transport.abort()

    def cut(self) -> None:
        """End the connection; the worker repeats what is not settled."""
        if self._transport is not None:
            self._transport.abort()

    def _work(self) -> None:
        """Take what waits, as far as the spool can follow."""
        transport, reporting = self._transport, self._hub.reporting
        if transport is None or self._again is not None:
            return
        while self._waiting:
            if reporting is not None and reporting.is_full:
                transport.pause_reading()
                self._again = asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._go_on)
                return
            self._take(self._waiting.popleft())

    def _go_on(self) -> None:
        self._again = None
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
            self._work()

    def _take(self, message: FromWorker) -> None:
        reporting = self._hub.reporting
        match message:
            case Ended(serial, end):
                settle = partial(self._settle, serial)
                if reporting is None:
                    settle(False)  # noqa: FBT003 - the one fact a record's callback tells
                else:
                    reporting.record(end, settle)
            case Assigned(calls):
                for peer, state, uniqueid in calls:
                    if reporting is not None:
                        reporting.note_assigned(peer, state, uniqueid)
            case Told(figures):
                self._hub.figures.told(self._slot, self._born, figures)
            case Hello(slot, born):
                self._slot, self._born = slot, born
                self._replay.extend(self._hub.prewarmed())
                self._tell_prewarmed()
            case _:
                assert_never(message)

    def _settle(self, serial: int, is_safe: bool) -> None:  # noqa: FBT001 - as above
        if not self._safe and not self._lost:
            asyncio.get_running_loop().call_soon(self._tell_settled)
        (self._safe if is_safe else self._lost).append(serial)

    def _tell_settled(self) -> None:
        self.write(frame(Settled(self._safe, self._lost)))
        self._safe, self._lost = [], []

    def _tell_prewarmed(self) -> None:
        while self._replay and not self._is_full:
            rows = [self._replay.popleft() for _ in range(min(MAX_ROWS, len(self._replay)))]
            self.write(frame(Prewarmed(rows)))
        if not self._replay and not self._is_welcome:
            self._is_welcome = True
            self.write(frame(Welcome()))
