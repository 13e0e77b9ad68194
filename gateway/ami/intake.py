"""Between the socket and the consumer: what arrives is decoded and handed on in small slices.

A burst must not hold up the event loop, which answers calls as well: each turn of the loop takes
`SLICE_S` of work at most, and the rest waits for the next turn.

Full is answered by not reading. When `HIGH_BYTES` wait here the socket is read no further; then the kernel
and Asterisk buffer (4 MB, about 8,500 filtered Hangup events). Dropping would lose records for certain, and
closing would too, since Asterisk repeats nothing to a new session. Only when the consumer stays stuck so
long that Asterisk itself gives the session up are events lost, and then Status tells whose.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

from gateway.ami.decoder import AmiDecoder, Frame
from gateway.telemetry.metrics import AmiMetrics

log = logging.getLogger(__name__)

SLICE_S = 0.001
"""Work in one turn of the loop. A call needs four turns or so, and 20 ms is the most it may lose in all."""
HIGH_BYTES = 256 * 1024
LOW_BYTES = 64 * 1024
_FRAMES_AT_ONCE = 32
_RETRY_S = 0.05
_READ_ON_S = 0.01
"""After a pause the socket holds more: all is drained only when nothing came for so long."""


class TryAgainError(Exception):
    """The consumer cannot take a call end just now; it is offered again soon, and none behind it before."""


class Intake:
    """One connection's bytes, in order, to `take`, which gets one wanted message at a time.

    `take` may raise `TryAgainError`; whatever else it raises costs that one message and is logged.
    `pause` and `resume` tell the transport to stop and to go on reading.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        metrics: AmiMetrics,
        *,
        take: Callable[[Frame], None],
        pause: Callable[[], None],
        resume: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._metrics = metrics
        self._take = take
        self._pause = pause
        self._resume = resume
        self._decoder = AmiDecoder(metrics)
        self._frames: deque[Frame] = deque()
        self._next_turn: asyncio.Handle | None = None
        self._drained = asyncio.Event()
        self._drained.set()
        self._has_resumed = False
        """Whether the socket was read on lately, so that more may be there than has arrived."""
        self._is_reading_on = False
        """Whether the next turn only looks whether more has come."""
        self.is_paused = False
        """Whether the socket is not read at the moment: then silence says nothing about the peer."""
        self.is_stalled = False
        """Whether the consumer refused the message at hand."""

    @property
    def version(self) -> str | None:
        """The manager's protocol version, `None` until the banner came."""
        return self._decoder.version

    def receive(
        self, data: bytes | bytearray, size: int | None = None, *, only_hangups: bool = False
    ) -> None:
        """Take the first `size` bytes of `data`; `only_hangups`: nothing else is wanted of them.

        As `AmiDecoder.receive`; raises `NotAsteriskError` for a wrong banner.
        """
        self._decoder.only_hangups = only_hangups
        self._decoder.receive(data, size)
        if self._drained.is_set() and not self._decoder.has_frames:
            return
        self._drained.clear()
        if not self.is_paused and self._decoder.waiting_bytes > HIGH_BYTES:
            self.is_paused = True
            self._pause()
        if self._is_reading_on and self._next_turn is not None:
            # More has come: it is worked on at once, and the wait for silence begins anew after it.
            self._next_turn.cancel()
            self._next_turn = None
            self._has_resumed = True
        if self._next_turn is None:
            self._is_reading_on = False
            self._next_turn = self._loop.call_soon(self._turn)

    async def drained(self) -> None:
        """Return when every whole message that arrived has been handed on."""
        await self._drained.wait()

    def close(self) -> None:
        """Drop what waits and stop. To lose nothing, await `drained` first."""
        if self._next_turn is not None:
            self._next_turn.cancel()
            self._next_turn = None

    def _turn(self) -> None:
        """Hand on messages until the slice is used up, then let the loop do other things."""
        self._next_turn = None
        self._is_reading_on = False
        until = time.perf_counter() + SLICE_S
        while time.perf_counter() < until:
            if not self._frames:
                self._frames.extend(self._decoder.frames(_FRAMES_AT_ONCE))
            if not self._frames:
                self._rest()
                return
            if not self._hand_on(self._frames[0]):
                self._next_turn = self._loop.call_later(_RETRY_S, self._turn)
                return
            self._frames.popleft()
        self._relieve()
        self._next_turn = self._loop.call_soon(self._turn)

    def _hand_on(self, frame: Frame) -> bool:
        try:
            self._take(frame)
        except TryAgainError:
            self._metrics.stalls += not self.is_stalled
            self.is_stalled = True
            return False
        except Exception:
            self._metrics.faults += 1
            log.exception("an AMI message could not be used: %s", frame.kind.name)
        self.is_stalled = False
        return True

    def _rest(self) -> None:
        self._relieve()
        if self._has_resumed:
            self._has_resumed = False
            self._is_reading_on = True
            self._next_turn = self._loop.call_later(_READ_ON_S, self._turn)
        else:
            self._drained.set()

    def _relieve(self) -> None:
        if self.is_paused and self._decoder.waiting_bytes < LOW_BYTES:
            self.is_paused = False
            self._has_resumed = True
            self._resume()
