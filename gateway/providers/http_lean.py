"""The call path's own HTTP client: small, pooled, keep-alive; the same methods as `http.HttpClient`.

A request costs it a fraction of what a general client takes (docs/reference/benchmark.md). It makes no task
for one: an `Exchange` takes a free connection, the one used last first, so that the others can fall idle;
else it waits for one in line, while a new one is opened as long as there may be more.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway.providers.base import RateLimitedError, UnavailableError
from gateway.providers.http import TOO_MANY_REQUESTS, Reply, authorities
from gateway.providers.http1 import Connection, End, Exchange

_CONNECT_S = 10.0
"""Longest wait for a connection, so that a silent address does not keep its place in the pool for ever."""
_PORTS = {"http": 80, "https": 443}


class LeanHttpClient:
    """Keeps connections to one base URL and sends JSON over them."""

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        max_connections: int,
        keepalive_s: float,
        ca_file: str = "",
    ) -> None:
        """`ca_file` names further authorities to trust; verification itself cannot be turned off."""
        self._base_url = base_url.rstrip("/")
        self._headers = {"Content-Type": "application/json", **headers}
        self._max_connections = max_connections
        self._keepalive_s = keepalive_s
        self._ca_file = ca_file
        self._pool: _Pool | None = None
        self._heads: dict[tuple[str, str], bytes] = {}

    async def open(self) -> None:
        """Make the pool. Raises `AuthoritiesError` when `ca_file` cannot be used."""
        address = urlsplit(self._base_url)
        # A file that cannot be used is told at start, also while the address needs none.
        tls = authorities(self._ca_file) if address.scheme == "https" or self._ca_file else None
        port = address.port or _PORTS[address.scheme]
        self._pool = _Pool(
            address.hostname or "",
            port,
            tls if address.scheme == "https" else None,
            max_connections=self._max_connections,
            keepalive_s=self._keepalive_s,
        )

    async def close(self) -> None:
        """Close all connections; requests under way fail."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def post(
        self, path: str, body: bytes, *, timeout_s: float, max_reply_bytes: int, may_repeat: bool = True
    ) -> Reply:
        """POST `body`; as `request`."""
        return await self.request(
            "POST", path, body, timeout_s=timeout_s, max_reply_bytes=max_reply_bytes, may_repeat=may_repeat
        )

    async def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        timeout_s: float,
        max_reply_bytes: int,
        may_repeat: bool = True,
    ) -> Reply:
        """Send `body` with any method; the same promises and errors as `HttpClient.request`."""
        pool = self._pool
        if pool is None:
            raise UnavailableError("the client is closed", never_sent=True)
        head = self._heads.get((method, path)) or self._remember_head(method, path)
        exchange = Exchange(
            b"%b%d\r\n\r\n%b" % (head, len(body), body),
            max_reply_bytes=max_reply_bytes,
            may_repeat=may_repeat,
            loop=pool.loop,
        )
        exchange.timer = pool.loop.call_later(max(timeout_s, 0.0), exchange.expire, timeout_s)
        pool.submit(exchange)
        try:
            reply = await exchange
        finally:
            # It may hold the error, whose traceback holds this frame: a ring only the collector would find.
            del exchange
        if reply.status == TOO_MANY_REQUESTS:
            raise RateLimitedError(
                "rate limited (429)", retry_after_s=reply.retry_after_s, request_id=reply.request_id
            )
        return reply

    def _remember_head(self, method: str, path: str) -> bytes:
        """The request up to the length of its body. Few are in use: one for each endpoint."""
        address = urlsplit(self._base_url)
        host = address.netloc.rpartition("@")[2]
        lines = [
            f"{method} {address.path}{path} HTTP/1.1",
            f"Host: {host}",
            *(f"{name}: {value}" for name, value in self._headers.items()),
            "Content-Length: ",
        ]
        if any(not line.isprintable() for line in lines):
            # A key with a line end in it would become a header of its own.
            raise UnavailableError("the key or the address has control characters; mend it", never_sent=True)
        head = "\r\n".join(lines).encode()
        if len(self._heads) < _MAX_HEADS:
            self._heads[method, path] = head
        return head


_MAX_HEADS = 64


class _Pool:
    """The connections to one address, and the exchanges that wait for one."""

    def __init__(
        self, host: str, port: int, tls: ssl.SSLContext | None, *, max_connections: int, keepalive_s: float
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self._host = host
        self._port = port
        self._tls = tls
        self._max_connections = max_connections
        self._keepalive_s = keepalive_s
        self._open: set[Connection] = set()
        self._idle: deque[Connection] = deque()
        """The one used last at the right."""
        self._waiting: deque[Exchange] = deque()
        self._connecting: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._is_closed = False

    def submit(self, exchange: Exchange) -> None:
        """Send it on a free connection, or as soon as there is one."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.is_open:
                connection.carry(exchange)
                return
        self._waiting.append(exchange)
        self._connect_if_needed()

    async def close(self) -> None:
        """Close everything; what waits fails."""
        self._is_closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for task in tuple(self._connecting):
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        while self._waiting:
            self._waiting.popleft().fail(UnavailableError("the client is closed", never_sent=True))
        for connection in tuple(self._open):
            connection.close()
        # Transports tell of their end in the next turn of the loop.
        await asyncio.sleep(0)

    def _connect_if_needed(self) -> None:
        """One new connection for each exchange that waits, as far as there may be more."""
        room = self._max_connections - len(self._open) - len(self._connecting)
        if room > 0 and len(self._waiting) > len(self._connecting) and not self._is_closed:
            task = self.loop.create_task(self._connect())
            self._connecting.add(task)
            task.add_done_callback(self._connected)

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(_CONNECT_S):
                _, connection = await self.loop.create_connection(
                    lambda: Connection(self._ended),
                    self._host,
                    self._port,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls is not None else None,
                )
        except (OSError, TimeoutError) as error:
            said = " ".join((str(error) or type(error).__name__).split())[:120]
            self._fail_next(UnavailableError(f"cannot connect: {said}", never_sent=True))
            return
        self._open.add(connection)
        self._free(connection)

    def _connected(self, task: asyncio.Task[None]) -> None:
        self._connecting.discard(task)
        self._connect_if_needed()

    def _fail_next(self, error: UnavailableError) -> None:
        exchange = self._next()
        if exchange is not None:
            exchange.fail(error)

    def _next(self) -> Exchange | None:
        """The exchange that has waited longest, of those somebody still waits for."""
        while self._waiting:
            exchange = self._waiting.popleft()
            if not exchange.is_over():
                return exchange
        return None

    def _free(self, connection: Connection) -> None:
        exchange = self._next()
        if exchange is not None:
            connection.carry(exchange)
            return
        if self._keepalive_s <= 0:
            connection.close()
            return
        connection.idle_since = self.loop.time()
        self._idle.append(connection)
        if self._sweeper is None:
            self._sweeper = self.loop.call_later(self._keepalive_s, self._sweep)

    def _ended(self, connection: Connection, end: End, exchange: Exchange | None) -> None:
        if end is End.FREE and self._keepalive_s > 0:
            self._free(connection)
            return
        if end is End.FREE:
            connection.close()
            return
        self._open.discard(connection)
        if exchange is not None:
            # One stale connection is a sign that the others are: the upstream was restarted.
            while self._idle:
                self._idle.pop().close()
            self._waiting.appendleft(exchange)
        self._connect_if_needed()

    def _sweep(self) -> None:
        """Close what has been idle for too long; the ones used least stand at the left."""
        self._sweeper = None
        idle, now = self._idle, self.loop.time()
        while idle and (not idle[0].is_open or now - idle[0].idle_since >= self._keepalive_s):
            idle.popleft().close()
        if idle:
            rest_s = self._keepalive_s - (now - idle[0].idle_since)
            self._sweeper = self.loop.call_later(rest_s, self._sweep)
