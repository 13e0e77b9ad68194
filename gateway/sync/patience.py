"""How a backend is asked: at a pace, a few requests at once, and again while it is away.

A rest it asks for (429, `Retry-After`) is kept by all requests; another failure only by the one it met.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from gateway.providers.base import ProviderError, RateLimitedError, RefusedError, UnavailableError
from gateway.providers.pace import Pace

T = TypeVar("T")

_FIRST_DELAY_S = 0.5
_MAX_DELAY_S = 8.0
"""The waits of the vendors' own clients: half a second, doubling."""
_LOCKED_OUT = (401, 403)


@dataclass(frozen=True, slots=True)
class Limits:
    """How a backend may be asked."""

    timeout_s: float
    """Longest wait for one answer."""
    retry_s: float
    """How long one request is tried again."""
    at_once: int
    """Most requests under way."""
    requests_per_second: float = 0.0
    """0: no limit."""


class Patience:
    """Asks one backend for one command."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._pace = Pace(limits.requests_per_second or math.inf, limits.at_once)
        self._answered_at = -math.inf

    async def ask(self, request: Callable[[], Awaitable[T]]) -> T:
        """What `request` gives; asked again while the backend is unavailable. Raises `ProviderError`.

        The error is a `StoppedError` when further requests would fail as well.
        """
        clock = asyncio.get_running_loop()
        began_at, attempt = clock.time(), 0
        while True:
            await self._turn(clock)
            try:
                answer = await request()
            except UnavailableError as error:
                attempt += 1
                rest_s = _rest_s(error, attempt)
                if clock.time() + rest_s > began_at + self.limits.retry_s:
                    if self._answered_at <= began_at:
                        raise StoppedError(f"it does not answer: {error}") from error
                    raise
                if isinstance(error, RateLimitedError) or error.retry_after_s is not None:
                    self._pace.rest(clock.time() + rest_s)
                else:
                    await asyncio.sleep(rest_s)
            except RefusedError as error:
                if error.status in _LOCKED_OUT:
                    raise StoppedError(f"it does not let us in: {error}") from error
                self._answered_at = clock.time()
                raise
            else:
                self._answered_at = clock.time()
                return answer

    async def for_each(self, items: Collection[T], work: Callable[[T], Awaitable[bool]]) -> None:
        """Run `work` over `items`, so many at once as the limits say; no more are begun after a false."""
        waiting, goes_on = iter(items), True

        async def worker() -> None:
            nonlocal goes_on
            while goes_on:
                try:
                    item = next(waiting)
                except StopIteration:
                    return
                goes_on = await work(item) and goes_on

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.limits.at_once, len(items))):
                group.create_task(worker())

    async def _turn(self, clock: asyncio.AbstractEventLoop) -> None:
        # Others may have gone in the meantime, or been told to rest.
        while (wait_s := self._pace.wait_s(clock.time())) > 0:  # noqa: ASYNC110 - only time ends a rest
            await asyncio.sleep(wait_s)
        self._pace.take(clock.time())


class StoppedError(ProviderError):
    """No request to this backend has a prospect: it is away for good, or the key is not accepted."""


def _rest_s(error: UnavailableError, attempt: int) -> float:
    if error.retry_after_s is not None:
        return error.retry_after_s
    # 2 to the 40th half seconds is a lifetime; a larger exponent would only overflow.
    return min(_MAX_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(attempt - 1, 40))
