"""What a worker knows of calls and does not keep itself: on its way to the one process that reports.

verb report ─┐ ends: kept until the reporting process has them on disk
verb assign ─┴► WorkerFeed ─► Unix socket ─► gateway.service.reporting_hub

No call waits for it. While the reporting process is away, ends wait here, up to a limit; the supervisor holds
its listening socket meanwhile, so that a connection can be made at any time.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import assert_never, cast

from gateway.model.dial import CallEnd
from gateway.model.variables import CallState
from gateway.service.reporting_messages import (
    MAX_FRAME_BYTES,
    MAX_ROWS,
    Assigned,
    Ended,
    FeedError,
    Frames,
    Hello,
    Prewarmed,
    Settled,
    Told,
    ToWorker,
    Watched,
    Welcome,
    frame,
)
from gateway.telemetry.figures import CallFigures
from gateway.telemetry.logs import Throttle

log = logging.getLogger(__name__)

Rows = Sequence[tuple[str, str, str, float]]
Settle = Callable[[bool], None]

_RETRY_S = 0.1
_FLUSH_S = 0.02
"""Assigned calls wait so long for others, for a frame each would cost more than the rest of the feed."""
_TELL_S = 1.0
_WELCOME_S = 1.0
_CLOSE_S = 3.0
"""Longest wait at the end for ends that are not on disk yet."""
_MAX_ASSIGNED = 10_000
"""Assigned calls that wait; past it the oldest are forgotten, which costs a gap its notice and no record."""


class WorkerFeed:
    """Takes the same words as `Reporting`. `start` it in the running loop, `close` it after the last call."""

    def __init__(
        self,
        path: str,
        slot: int,
        *,
        most_unsaved: int,
        notes_assigned: bool,
        figures: Callable[[], CallFigures],
        on_prewarmed: Callable[[Rows], None],
        on_watched: Callable[[], None],
    ) -> None:
        """`notes_assigned`: whether anybody wants to know of assigned calls, which is so with an AMI link."""
        self._path = path
        self._slot = slot
        self._most_unsaved = most_unsaved
        self._notes_assigned = notes_assigned
        self._figures = figures
        self._on_prewarmed = on_prewarmed
        self._on_watched = on_watched
        self._born = time.time()
        self._unsaved: dict[int, tuple[bytes, Settle | None]] = {}
        self._serial = 0
        self._assigned: deque[tuple[str, CallState, str]] = deque(maxlen=_MAX_ASSIGNED)
        self._flush: asyncio.TimerHandle | None = None
        self._connection: _Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._all_saved = asyncio.Event()
        self._welcome = asyncio.Event()
        self._throttle = Throttle(log, most=1)
        self.refused = 0
        """Ends that came while too many waited."""

    @property
    def unsaved(self) -> int:
        """Ends the reporting process has not confirmed."""
        return len(self._unsaved)

    def start(self) -> None:
        """Connect, and stay connected."""
        self._task = asyncio.get_running_loop().create_task(self._stay_connected(), name="feed")

    async def welcomed(self) -> None:
        """Wait until all was told that was prewarmed before, for 1 s at most: calls can do without."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_WELCOME_S):
                await self._welcome.wait()

    async def close(self) -> None:
        """Wait for what is not on disk yet, for 3 s at most, then leave. Safe to call twice."""
        if self._task is None:
            return
        self._send_assigned()
        self.tell()
        try:
            async with asyncio.timeout(_CLOSE_S):
                while self._unsaved:
                    self._all_saved.clear()
                    await self._all_saved.wait()
        except TimeoutError:
            log.warning("the reporting process does not confirm")
        if self._unsaved:
            log.error("%d reports did not reach the reporting process and are lost", self.unsaved)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        if self._flush is not None:
            self._flush.cancel()

    def tell(self) -> None:
        """Tell the figures now; they are told once a second anyway."""
        if self._connection is not None and not self._connection.is_full:
            self._connection.write(frame(Told(self._figures())))

    # Called by the verbs

    def record(self, end: CallEnd, settle: Settle | None) -> None:
        """Have a record made, and call back once it is safe, or known not to be. Never blocks or raises."""
        if len(self._unsaved) >= self._most_unsaved:
            self.refused += 1
            self._throttle.warning("a report is refused: %d wait already", self.unsaved)
            if settle is not None:
                settle(False)  # noqa: FBT003 - the one fact a record's callback tells
            return
        self._serial += 1
        content = frame(Ended(self._serial, end))
        self._unsaved[self._serial] = content, settle
        if self._connection is not None:
            self._connection.write(content)

    def take_earlier(self, end: CallEnd) -> None:
        """Keep the record of an earlier dial on a channel that asks again. Never blocks or raises."""
        self.record(end, None)

    def note_assigned(self, peer: str, state: CallState, uniqueid: str) -> None:
        """A call of the PBX at `peer` has its answer."""
        if self._notes_assigned:
            self._assigned.append((peer, state, uniqueid))
            if self._flush is None:
                loop = asyncio.get_running_loop()
                self._flush = loop.call_later(_FLUSH_S, self._send_assigned)

    # Called by the connection

    def connected(self, connection: "_Connection") -> None:
        """Say who we are, and again what was not confirmed."""
        self._connection = connection
        connection.write(frame(Hello(self._slot, self._born)))
        for content, _ in list(self._unsaved.values()):
            connection.write(content)
        self._send_assigned()

    def lost(self) -> None:
        """The connection is gone."""
        self._connection = None

    def hear(self, message: ToWorker) -> None:
        """The reporting process says something."""
        match message:
            case Settled():
                self._settle(message.safe, is_safe=True)
                self._settle(message.lost, is_safe=False)
            case Prewarmed():
                self._on_prewarmed(message.rows)
            case Watched():
                self._on_watched()
            case Welcome():
                self._welcome.set()
            case _:
                assert_never(message)

    def may_write(self) -> None:
        """The connection takes more again."""
        self._send_assigned()

    def _settle(self, serials: Sequence[int], *, is_safe: bool) -> None:
        for serial in serials:
            _, settle = self._unsaved.pop(serial, (b"", None))
            if settle is not None:
                settle(is_safe)
        if not self._unsaved:
            self._all_saved.set()

    def _send_assigned(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        calls = self._assigned
        while calls and self._connection is not None and not self._connection.is_full:
            part = tuple(islice(calls, MAX_ROWS))
            for _ in part:
                calls.popleft()
            content = frame(Assigned(part))
            if len(content) <= MAX_FRAME_BYTES:  # else a dialplan sends novels: a gap may go without them
                self._connection.write(content)

    async def _stay_connected(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                _, connection = await loop.create_unix_connection(partial(_Connection, self), self._path)
            except OSError as error:
                self._throttle.warning("the reporting process cannot be reached: %s", error.strerror)
            else:
                try:
                    await self._tell(connection)
                finally:
                    connection.close()
            await asyncio.sleep(_RETRY_S)

    async def _tell(self, connection: "_Connection") -> None:
        """Tell the figures as long as the connection lasts."""
        while not connection.over.is_set():
            self.tell()
            try:
                async with asyncio.timeout(_TELL_S):
                    await connection.over.wait()
            except TimeoutError:
                continue


class _Connection(asyncio.Protocol):
    """One connection to the reporting process."""

    def __init__(self, feed: WorkerFeed) -> None:
        self._feed = feed
        self._frames = Frames(ToWorker)
        self._transport: asyncio.Transport | None = None
        self.is_full = False
        self.over = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._feed.connected(self)

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._frames.feed(data):
                self._feed.hear(message)
        except FeedError as error:
            log.warning("the reporting process is not understood: %s", error)
            self.close()

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False
        self._feed.may_write()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - one end is as good as another
        self._feed.lost()
        self.over.set()

    def write(self, content: bytes) -> None:
        """Send, or leave it when the connection is ending; the next one repeats what matters."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(content)

    def close(self) -> None:
        """End it, after what was written."""
        if self._transport is not None:
            self._transport.close()
