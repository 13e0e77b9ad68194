"""Delivery: one sender for each target, and the spool's housekeeping."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from gateway.dials.sender import Sender
from gateway.dials.settings import DeliverySettings
from gateway.dials.spool import DialSpool
from gateway.providers.base import DialTarget
from gateway.stores.base import StoreError
from gateway.telemetry.metrics import DialMetrics

_COUNT_EVERY_S = 5.0
"""Counting 100,000 waiting records takes 10 ms of the spool's thread."""


class Delivery:
    """Brings what the spool holds to `targets`. Start it after the spool, stop it before."""

    def __init__(
        self,
        targets: Sequence[DialTarget],
        spool: DialSpool,
        settings: DeliverySettings,
        metrics: DialMetrics,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._spool = spool
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self.senders = tuple(
            Sender(target, spool, settings, metrics.target(target.name), clock=clock) for target in targets
        )
        self._housekeeping: asyncio.Task[None] | None = None

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong now, by target; empty when nothing is. The spool's own is `DialSpool.fault`."""
        return {sender.name: sender.fault for sender in self.senders if sender.fault}

    def start(self) -> None:
        """Begin to send."""
        for sender in self.senders:
            sender.start()
        self._housekeeping = asyncio.get_running_loop().create_task(self._keep_house())

    async def stop(self) -> None:
        """Wait `drain_s` for what is under way, then cut it off. Safe to call twice."""
        await asyncio.gather(*(sender.stop(self._settings.drain_s) for sender in self.senders))
        if self._housekeeping is not None:
            self._housekeeping.cancel()
            await asyncio.gather(self._housekeeping, return_exceptions=True)
            self._housekeeping = None

    async def _keep_house(self) -> None:
        while True:
            # The spool says and counts its faults itself.
            with suppress(StoreError):
                await self._count()
                await self._spool.prune()
            await asyncio.sleep(_COUNT_EVERY_S)

    async def _count(self) -> None:
        stats = await self._spool.stats()
        for name, target in stats.items():
            metrics = self._metrics.target(name)
            metrics.waiting, metrics.dead = target.waiting, target.dead
            oldest = target.oldest_put_at
            metrics.oldest_s = 0.0 if oldest is None else max(0.0, self._clock() - oldest)
        for name in self._metrics.targets.keys() - stats.keys():
            metrics = self._metrics.target(name)
            metrics.waiting, metrics.dead, metrics.oldest_s = 0, 0, 0.0
