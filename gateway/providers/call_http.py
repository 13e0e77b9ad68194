"""Which HTTP client carries the requests each call makes: the lean one, or aiohttp where it is preferred."""

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

from gateway.providers.http import HttpClient, Reply
from gateway.providers.http_lean import LeanHttpClient


class HttpKind(StrEnum):
    """The choice."""

    LEAN = "lean"
    """The gateway's own, for the call path."""
    AIOHTTP = "aiohttp"


class HttpAccount(Protocol):
    """What an upstream's settings say about its connections."""

    @property
    def url(self) -> str:
        """Base URL."""
        ...

    @property
    def http(self) -> HttpKind:
        """The client."""
        ...

    @property
    def ca_file(self) -> str:
        """Further authorities to trust; "" for none."""
        ...

    @property
    def max_connections(self) -> int:
        """Most kept connections."""
        ...

    @property
    def keepalive_s(self) -> float:
        """How long an idle one is kept."""
        ...


class CallHttp(Protocol):
    """What the providers of numbers need of a client; the promises are those of `HttpClient`."""

    async def open(self) -> None:
        """Make the pool."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...

    async def post(
        self, path: str, body: bytes, *, timeout_s: float, max_reply_bytes: int, may_repeat: bool = True
    ) -> Reply:
        """POST `body`. Raises `ProviderError`."""
        ...


def call_http(
    account: HttpAccount, headers: Mapping[str, str], *, max_connections: int | None = None
) -> CallHttp:
    """A client for `account` that sends `headers` with each request; open it before use.

    `max_connections` stands for the account's own where other work than calls is done over it.
    """
    kind = LeanHttpClient if account.http is HttpKind.LEAN else _TaskHttpClient
    return kind(
        account.url,
        headers,
        max_connections=max_connections or account.max_connections,
        keepalive_s=account.keepalive_s,
        ca_file=account.ca_file,
    )


class _TaskHttpClient(HttpClient):
    """aiohttp asks which task it runs in, and an `Errand` has none: each request gets one of its own."""

    async def request(self, *args: Any, **options: Any) -> Reply:
        return await asyncio.get_running_loop().create_task(super().request(*args, **options))
