"""The way to a shared Redis as calls may use it: a short wait, and none at all while it is away.

    up ── failures in a row ──► away ── answers a probe in time ──► up

Calls are never the probe: a task of this link tries, and whoever asks meanwhile is told at once.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from gateway.stores.base import StoreBusyError, StoreError
from gateway.stores.redis_settings import RedisSettings

T = TypeVar("T")

log = logging.getLogger(__name__)

_OPENING_S = 1.0
"""Longest wait for a new connection, TLS and login included; no call waits for it."""


class SharedStore(Protocol):
    """What is at the other end: `RedisStore`. Its methods raise `StoreError`."""

    @property
    def name(self) -> str:
        """As logs name it."""
        ...

    async def ping(self) -> None:
        """Whether it answers."""
        ...

    async def run(self, script: str, args: Sequence[str | int | float]) -> str:
        """What a Lua script answers."""
        ...

    async def read(self, keys: Sequence[str]) -> list[str | None]:
        """The value of each key."""
        ...

    async def write(self, rows: Sequence[tuple[str, str, float]]) -> None:
        """Set keys to values, each for so many seconds."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class RedisLink:
    """One store, its state, and the budget of each request. Make it within the running loop."""

    def __init__(self, store: SharedStore, settings: RedisSettings) -> None:
        self._store = store
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._failed = 0
        self._lost = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self.is_up = False
        """Whether asking is worth a wait."""
        self.losses = 0
        """Times it went away."""

    async def start(self) -> None:
        """Try once, then watch. A store that is away is no error: it is tried again."""
        await self._probe()
        if not self.is_up:
            log.warning("%s does not answer: counting and remembering alone until it does", self._store.name)
        self._watch = self._loop.create_task(self._keep_watch())

    async def run(self, script: str, args: Sequence[str | int | float]) -> str:
        """As `SharedStore.run`, within the budget. Raises `StoreError`; then it may have run, or may yet."""
        return await self._within_budget(lambda: self._store.run(script, args))

    async def read(self, keys: Sequence[str]) -> list[str | None]:
        """As `SharedStore.read`, within the budget. Raises `StoreError`."""
        return await self._within_budget(lambda: self._store.read(keys))

    async def write(self, rows: Sequence[tuple[str, str, float]]) -> None:
        """As `SharedStore.write`, within the budget. Raises `StoreError`."""
        await self._within_budget(lambda: self._store.write(rows))

    async def close(self) -> None:
        """Stop watching and close the connections. Safe to call twice."""
        self.is_up = False
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
        await self._store.close()

    async def _within_budget(self, ask: Callable[[], Awaitable[T]]) -> T:
        if not self.is_up:
            raise StoreBusyError(f"{self._store.name} is away")
        budget_s, began_s = self._settings.timeout_s, self._loop.time()
        try:
            async with asyncio.timeout(budget_s):
                answer = await ask()
        except TimeoutError as error:
            late = f"{self._store.name} did not answer within {budget_s:g} s"
            # A timer that rings late tells of our own process, which had no time to hear the answer.
            if self._loop.time() - began_s < 2 * budget_s:
                self._fail(late)
            raise StoreBusyError(late) from error
        except StoreError as error:
            self._fail(str(error))
            raise
        self._failed = 0
        return answer

    def _fail(self, why: str) -> None:
        self._failed += 1
        if self.is_up and self._failed >= self._settings.failures:
            self.is_up = False
            self.losses += 1
            self._lost.set()
            log.warning("%s: counting and remembering alone until it answers in time again", why)

    async def _keep_watch(self) -> None:
        while True:
            if self.is_up:
                await self._lost.wait()
            await asyncio.sleep(self._settings.probe_s)
            await self._probe()
            if self.is_up:
                log.info("%s answers: counting and remembering together", self._store.name)

    async def _probe(self) -> None:
        """Up again when it answers as fast as calls need it; opening a connection may take longer."""
        try:
            async with asyncio.timeout(_OPENING_S):
                await self._store.ping()
            async with asyncio.timeout(self._settings.timeout_s):
                await self._store.ping()
        except (StoreError, TimeoutError) as error:
            log.debug("%s is still away: %s", self._store.name, error)
            return
        self._failed = 0
        self._lost.clear()
        self.is_up = True
