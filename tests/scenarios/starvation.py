"""Tells the late from the starved on a machine that has other work."""

import asyncio
import contextlib
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from operator import itemgetter
from typing import Protocol


class Gateway(Protocol):
    """What is needed of the running gateway."""

    def waited_s(self) -> float: ...


class Timed(Protocol):
    """A call: how long it took, and when it ended on the monotonic clock."""

    @property
    def ended_s(self) -> float: ...
    @property
    def ended_at(self) -> float: ...


class Starvation:
    """How long this process and the gateway's were kept from the CPU, to tell the late from the starved.

    A beat every few milliseconds notes how late it is itself, and how long the gateway has stood in the run
    queue so far. Neither grows when the gateway blocks or dawdles, only when the machine is busy elsewhere.
    """

    BEAT_S = 0.005

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._beats: list[tuple[float, float, float]] = []
        """Begun at, ended at, the gateway's wait so far."""

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._beat())
        try:
            yield
            await asyncio.sleep(4 * self.BEAT_S)  # beats must go on after the last call
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _beat(self) -> None:
        while True:
            begun = time.monotonic()
            await asyncio.sleep(self.BEAT_S)
            self._beats.append((begun, time.monotonic(), self._gateway.waited_s()))

    def of(self, calls: Sequence[Timed]) -> Iterator[float]:
        """For each call, in the order of their ends, the seconds it was starved."""
        first = 0
        for call in calls:
            start, end = call.ended_at - call.ended_s, call.ended_at
            while self._beats[first][1] < start - 1.0:
                first += 1
            last = bisect_right(self._beats, end, lo=first, key=itemgetter(0))
            yield self._between([beat for beat in self._beats[first:last] if beat[1] >= start])

    def _between(self, beats: list[tuple[float, float, float]]) -> float:
        """A call needs this process twice: to write its request and to read the answer."""
        late = sorted((ended - begun - self.BEAT_S for begun, ended, _waited in beats), reverse=True)
        return sum(late[:2]) + beats[-1][2] - beats[0][2]
