"""Waits for the engine's database, so long and no longer; its errors become a provider's."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

from gateway.providers.base import RefusedError, UnavailableError
from gateway.stores.base import StoreError, StoreRefusedError

T = TypeVar("T")
P = ParamSpec("P")

_UNPROCESSABLE = 422
"""The status its HTTP service would answer."""


async def within(timeout_s: float, work: Callable[P, Future[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` comes to. Raises `UnavailableError` after `timeout_s`, or another `ProviderError`."""
    try:
        async with asyncio.timeout(timeout_s):
            return await asyncio.wrap_future(work(*args, **kwargs))
    except TimeoutError as error:
        raise UnavailableError(f"the database did not answer within {timeout_s:g} s") from error
    except StoreRefusedError as error:
        raise RefusedError(f"the database refuses it: {error}", status=_UNPROCESSABLE) from error
    except StoreError as error:
        raise UnavailableError(str(error)) from error
