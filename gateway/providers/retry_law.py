"""When a request to a vendor's management API is made again, and after how long.

The law of the vendor's own SDKs: reading is repeated after a network error, a 429 or a 5xx; a change after a
429 only, because it may have been made. Waits double from 0.5 s to 8 s, with jitter.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.providers.base import RateLimitedError, UnavailableError

T = TypeVar("T")
Attempt = Callable[[float], Awaitable[T]]
"""Takes the seconds that are left."""

_BASE_S = 0.5
_CAP_S = 8.0
_MOST_DOUBLINGS = 4
_LEAST_SHARE = 0.5
"""A wait is never shorter than this share of itself: a rate limit does not end sooner for being lucky."""


async def repeated(
    attempt: Attempt[T], *, timeout_s: float, reads: bool, dice: Callable[[], float] = random.random
) -> T:
    """The result of `attempt`, made again as the law allows while `timeout_s` lasts.

    `reads` says that the request changes nothing. Raises what the last attempt raised; at once when the wait
    for another would not end in time. `dice` gives 0 to 1.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + timeout_s
    count = 0
    while True:
        try:
            return await attempt(give_up_at - loop.time())
        except UnavailableError as error:
            if not (reads or isinstance(error, RateLimitedError)):
                raise
            # Never less than our own pause: a Retry-After of 0 must not become a storm.
            wait_s = max(error.retry_after_s or 0.0, pause_s(count, dice))
            if loop.time() + wait_s >= give_up_at:
                raise
        count += 1
        await asyncio.sleep(wait_s)


def pause_s(count: int, dice: Callable[[], float]) -> float:
    """Seconds to wait after the attempt `count` (the first is 0), when nobody asks for more."""
    full_s = min(_CAP_S, _BASE_S * 2.0 ** min(count, _MOST_DOUBLINGS))
    return full_s * (_LEAST_SHARE + (1 - _LEAST_SHARE) * dice())
