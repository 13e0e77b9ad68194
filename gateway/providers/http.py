"""HTTP for the providers: one pooled keep-alive aiohttp session per upstream, errors as our types.

A kept connection the upstream closed just as we wrote on it is no outage: the request is repeated once,
provided not one byte of an answer had come. A body may go with every method: some upstreams want one with
GET and DELETE.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson
from msgspec import Struct
from yarl import URL

from gateway.providers.base import BadAnswerError, RateLimitedError, TimedOutError, UnavailableError

TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
_OK = 200
_REDIRECTION = 300
_MAX_REASON_CHARS = 120


class Reply(Struct, frozen=True, gc=False):
    """An answer other than 429, body read to its end."""

    status: int
    body: bytes
    request_id: str
    retry_after_s: float | None = None
    """What `Retry-After` says, `None` without one."""
    sent_at: float | None = None
    """What `Date` says, seconds since the epoch; `None` without one, and from the lean client."""

    @property
    def is_success(self) -> bool:
        """Whether the status is a 2xx."""
        return _OK <= self.status < _REDIRECTION

    @property
    def is_server_error(self) -> bool:
        """Whether the status is a 5xx."""
        return self.status >= _SERVER_ERROR

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises `BadAnswerError` when it is none."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise BadAnswerError(
                f"answer {self.status} is not JSON: {error}", request_id=self.request_id
            ) from error
        if not isinstance(value, dict):
            raise BadAnswerError(f"answer {self.status} is not a JSON object", request_id=self.request_id)
        return value


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    body: bytes
    headers: Mapping[str, str] | None
    max_reply_bytes: int


class AuthoritiesError(OSError):
    """The file of further certificate authorities cannot be used; the text names it."""


def authorities(ca_file: str = "") -> ssl.SSLContext:
    """The system's authorities and those of `ca_file`. Raises `AuthoritiesError` when it cannot be used."""
    tls = ssl.create_default_context()
    if ca_file:
        try:
            tls.load_verify_locations(ca_file)
        except OSError as error:  # `ssl.SSLError` is one
            raise AuthoritiesError(f'"{ca_file}" has no certificate that can be read') from error
    return tls


class HttpClient:
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
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the pool. Raises `AuthoritiesError` when `ca_file` cannot be used."""
        connector = aiohttp.TCPConnector(
            limit=self._max_connections,
            keepalive_timeout=self._keepalive_s,
            ttl_dns_cache=60,
            ssl=authorities(self._ca_file) if self._ca_file else True,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            auto_decompress=False,
        )

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(
        self,
        path: str,
        body: bytes,
        *,
        timeout_s: float,
        max_reply_bytes: int,
        may_repeat: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """POST `body`; as `request`."""
        return await self.request(
            "POST",
            path,
            body,
            timeout_s=timeout_s,
            max_reply_bytes=max_reply_bytes,
            may_repeat=may_repeat,
            headers=headers,
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
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send `body` with any method; the reply is whole within `timeout_s`, or `TimedOutError` is raised.

        `path` is as it goes on the wire, quoted by the caller. Without `may_repeat` the request is sent once,
        even when a kept connection turns out to be closed. `headers` go beside the client's own. Raises
        `RateLimitedError` on 429, `BadAnswerError` on a reply that is no HTTP or larger than
        `max_reply_bytes`, `UnavailableError` when there was no whole reply.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + timeout_s
        request = _Request(method, path, body, headers, max_reply_bytes)
        try:
            try:
                return await self._send(request, timeout_s)
            except aiohttp.ClientConnectorError:
                raise
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionResetError):
                if not may_repeat:
                    raise
                return await self._send(request, give_up_at - loop.time())
        except TimeoutError as error:
            raise TimedOutError(f"no answer within {timeout_s * 1000:.0f} ms") from error
        except aiohttp.ClientConnectorError as error:
            raise UnavailableError(f"cannot connect: {_plain(error)}", never_sent=True) from error
        except aiohttp.ClientResponseError as error:
            raise BadAnswerError(
                f"not a sensible HTTP answer: {error.message[:_MAX_REASON_CHARS]}"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise UnavailableError(f"the connection broke: {_plain(error)}") from error

    async def _send(self, request: _Request, timeout_s: float) -> Reply:
        if self._session is None:
            raise UnavailableError("the client is closed", never_sent=True)
        async with self._session.request(
            request.method,
            _address(self._base_url + request.path),
            data=request.body or None,
            headers=request.headers,
            timeout=aiohttp.ClientTimeout(total=max(timeout_s, 0.001)),
            allow_redirects=False,
        ) as response:
            request_id = response.headers.get("x-request-id", "")
            header = response.headers.get("Retry-After")
            wait_s = None if header is None else retry_after_s(header, datetime.now(UTC))
            if response.status == TOO_MANY_REQUESTS:
                raise RateLimitedError("rate limited (429)", retry_after_s=wait_s, request_id=request_id)
            try:
                content = await _read_at_most(response, request.max_reply_bytes)
            except (aiohttp.ClientError, ConnectionResetError) as error:
                raise UnavailableError("the answer broke off", request_id=request_id) from error
            sent_at = _date(response.headers.get("Date", ""))
            return Reply(response.status, content, request_id, wait_s, sent_at)


def _address(text: str) -> URL:
    try:
        address = URL(text, encoded=True)
        address.port  # noqa: B018 - it is read late, and raises when it is no port
    except ValueError:
        # Without its cause: the address may hold a secret.
        raise UnavailableError("the base URL is no address; check the url setting", never_sent=True) from None
    return address


async def _read_at_most(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The whole body. Raises `BadAnswerError` as soon as it is longer than `most` bytes."""
    content = b""
    while not response.content.at_eof():
        content += await response.content.read(most + 1 - len(content))
        if len(content) > most:
            response.close()
            raise BadAnswerError(f"the answer is larger than {most} bytes")
    return content


def retry_after_s(value: str, now: datetime) -> float | None:
    """Seconds to wait by a `Retry-After` header (RFC 9110 §10.2.3: seconds or a date); `None`: unreadable."""
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max((when - now).total_seconds(), 0.0)


def _date(value: str) -> float | None:
    """Seconds since the epoch of a `Date` header (RFC 9110 §6.6.1); `None`: there is none to be read."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except ValueError:
        return None


def _plain(error: Exception) -> str:
    """An error's text for a log line, short and without line ends."""
    return " ".join((str(error) or type(error).__name__).split())[:_MAX_REASON_CHARS]
