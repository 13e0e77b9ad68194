"""Redis or Valkey, the only place that knows the driver: scripts, look-ups and writes, errors translated.

Nothing here has patience: whoever asks bounds the wait (`redis_link`). Nothing is repeated either, as what
is sent is either harmless twice or told again later with everything else.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoScriptError, RedisError, ResponseError

from gateway.stores.base import StoreBusyError, StoreRefusedError
from gateway.stores.redis_settings import RedisSettings, shown

_CONNECTIONS = 8
"""Counters, look-ups, writes and a probe go at the same time; one more of each may still be closing."""
_SOCKET_TIMEOUT_S = 1.0
"""Of a connection whose asker gave up before; keeps nothing of it open for longer."""


class RedisStore:
    """One server. Opens connections when they are needed."""

    def __init__(self, settings: RedisSettings) -> None:
        """Connects to nothing yet."""
        self._name = shown(settings.url)
        is_tls = settings.url.startswith("rediss:")
        tls = {"ssl_ca_certs": settings.ca_file} if is_tls and settings.ca_file else {}
        pool = ConnectionPool.from_url(
            settings.url,
            username=settings.username or None,
            password=settings.password or None,
            decode_responses=True,
            socket_timeout=_SOCKET_TIMEOUT_S,
            socket_connect_timeout=_SOCKET_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            max_connections=_CONNECTIONS,
            protocol=2,
            **tls,
        )
        self._redis: Redis = Redis(connection_pool=pool)
        self._shas: dict[str, str] = {}

    @property
    def name(self) -> str:
        """The server as logs name it."""
        return self._name

    async def ping(self) -> None:
        """Whether it answers. Raises `StoreError`."""
        async with self._translated():
            await self._redis.ping()

    async def run(self, script: str, args: Sequence[str | int | float]) -> str:
        """What the Lua script answers, a text. Loads it where the server does not know it (any more).

        Raises `StoreError`; then it may have run.
        """
        sha = self._shas.get(script)
        if sha is None:
            sha = self._shas[script] = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        async with self._translated():
            try:
                answer: Any = await self._redis.evalsha(sha, 0, *args)
            except NoScriptError:
                answer = await self._redis.eval(script, 0, *args)
        return str(answer)

    async def read(self, keys: Sequence[str]) -> list[str | None]:
        """The value of each key, in their order. Raises `StoreError`."""
        async with self._translated():
            values: list[Any] = await self._redis.mget(keys)
        return values

    async def write(self, rows: Sequence[tuple[str, str, float]]) -> None:
        """Set keys to values, each for so many seconds. Raises `StoreError`; then some may be set."""
        async with self._translated():
            pipeline = self._redis.pipeline(transaction=False)
            for key, value, keep_s in rows:
                pipeline.set(key, value, px=max(1, int(keep_s * 1000)))
            await pipeline.execute()

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        try:
            yield
        except (AuthenticationError, ResponseError) as error:
            # Its text is the server's: NOAUTH, WRONGPASS, NOPERM, READONLY, OOM.
            raise StoreRefusedError(f"{self._name} refuses: {error}") from error
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreBusyError(f"{self._name} does not answer: {type(error).__name__}") from error
