"""Requests to VoIPBin: paced, repeated where that is safe, and with a token nobody gets to see.

What is repeated: a GET after lost connections, 429 and 5xx; everything else after 429 only, which says that
the request was not worked on. `voipbin.deadline_s` bounds all of it.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlencode

from msgspec import structs

from gateway.model.setting import Form, setting
from gateway.providers.base import (
    BadAnswerError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
)
from gateway.providers.http import HttpClient, Reply
from gateway.providers.pace import Pace
from gateway.providers.probe import Probe
from gateway.providers.refusal import failure, without_secrets
from gateway.providers.retry_law import pause_s
from gateway.providers.voipbin_wire import complaint

_BURST = 5
"""Requests that may go at once: enough to make up for an answer that was late, far below the server's 33."""
_KEEPALIVE_S = 15.0
"""Short: a request that changes something is not repeated when a kept connection turns out to be closed."""
_LEAST_LEFT_S = 1.0
"""A request sent with less time than this left would often end in doubt instead of an answer."""
_UNAUTHORIZED = (401, 403)
_NOT_FOUND = 404


class VoipBinAuth(StrEnum):
    """Where the token goes."""

    TOKEN = "token"  # noqa: S105 - a name, not a secret
    """`?token=`, for the token of a login."""
    ACCESSKEY = "accesskey"
    """`?accesskey=`, for an access key."""
    BEARER = "bearer"
    """`Authorization: Bearer`, for either."""


@dataclass(frozen=True, slots=True)
class VoipBinSettings:
    """`[voipbin]`: the VoIPBin account whose outdials are brought in and filled."""

    url: str = setting(
        "https://api.voipbin.net/v1.0",
        "Base URL of the API.",
        why="the address in VoIPBin's documentation",
        form=Form.URL,
    )
    token: str = setting(
        "",
        "Token or access key.",
        why="none: get one by POST /auth/login, or an access key by GET /accesskeys",
        secret=True,
    )
    auth: VoipBinAuth = setting(
        VoipBinAuth.TOKEN,
        "How the token is sent: token or accesskey (query parameters), or bearer (a header).",
        why="as in VoIPBin's tutorial; bearer keeps it out of proxies' logs",
    )
    rate_per_s: float = setting(
        15.0,
        "Most requests a second.",
        unit="requests/s",
        why="VoIPBin allows about 16.7 a customer",
        least=0.1,
        most=1_000,
    )
    page_size: int = setting(
        100,
        "Rows asked for at once when listing.",
        unit="rows",
        why="the most VoIPBin gives: fewest requests",
        least=1,
        most=100,
    )
    timeout_s: float = setting(
        10.0,
        "How long one answer may take.",
        unit="s",
        why="an answer takes well under a second; a longer silence is a fault",
        least=0.1,
        most=300,
    )
    deadline_s: float = setting(
        30.0,
        "How long a request and its repetitions may take in all.",
        unit="s",
        why="outlasts a restart of the service; pull and push can be taken up again after it",
        least=0.1,
        most=3_600,
    )
    settle_s: float = setting(
        5.0,
        "How long a request that broke off may still take effect; push waits so long before it looks.",
        unit="s",
        why="a server that lost its client is done with the request long before",
        least=0,
        most=300,
    )
    ca_file: str = setting(
        "",
        "PEM file of further certificate authorities to trust.",
        why="empty: the system's authorities",
        form=Form.FILE,
    )


def probe(settings: VoipBinSettings) -> Probe:
    """One line of the list of outdials."""
    is_header = settings.auth is VoipBinAuth.BEARER
    query = "" if is_header else f"&{settings.auth}={quote(settings.token, safe='')}"
    return Probe(
        "VoIPBin",
        "voipbin",
        settings.url,
        secret=settings.token,
        secret_name="token",  # noqa: S106 - a name, not a secret
        sent="sent GET /outdials for one line",
        ca_file=settings.ca_file,
        method="GET",
        path=f"/outdials?page_size=1{query}",
        headers={"Authorization": f"Bearer {settings.token}"} if is_header else {},
    )


class VoipBinRequests:
    """Sends one request after another. The token is in no error, log line or traceback.

    Errors are made anew, without their cause, whose text may hold the address.
    """

    def __init__(self, settings: VoipBinSettings, *, dice: Callable[[], float] = random.random) -> None:
        """`dice` gives the random share of a wait, 0 to 1."""
        self._settings = settings
        self._dice = dice
        self._secrets = (settings.token, quote(settings.token, safe=""))
        is_bearer = settings.auth is VoipBinAuth.BEARER
        self._auth = {} if is_bearer else {settings.auth.value: settings.token}
        self._pace = Pace(settings.rate_per_s, _BURST)
        self._http = HttpClient(
            settings.url,
            {"Authorization": f"Bearer {settings.token}"} if is_bearer else {},
            max_connections=_BURST,
            keepalive_s=_KEEPALIVE_S,
            ca_file=settings.ca_file,
        )

    async def open(self) -> None:
        """Make ready to connect. Raises `OSError` when the authorities cannot be read."""
        await self._http.open()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        query: Mapping[str, str] | None = None,
        max_reply_bytes: int,
    ) -> Reply:
        """The answer, a 2xx, within `deadline_s`. Raises `ProviderError`."""
        loop = asyncio.get_running_loop()
        deadline_s = self._settings.deadline_s
        give_up_at = loop.time() + deadline_s
        last_start_at = give_up_at - min(_LEAST_LEFT_S, self._settings.timeout_s, deadline_s / 2)
        address = f"{path}?{urlencode({**(query or {}), **self._auth}, quote_via=quote, safe='')}".rstrip("?")
        attempt = 0
        while True:
            attempt += 1
            await self._turn(last_start_at)
            answer = await self._once(method, address, body, give_up_at, max_reply_bytes)
            if isinstance(answer, Reply):
                return answer
            wait_s = self._wait_s(method, answer, attempt)
            if wait_s is None or loop.time() + wait_s > last_start_at:
                raise answer
            await asyncio.sleep(wait_s)

    async def _turn(self, last_start_at: float) -> None:
        """Wait until the pace lets one request go. Raises `RateLimitedError` when that is too late."""
        loop = asyncio.get_running_loop()
        while (wait_s := self._pace.wait_s(loop.time())) > 0:
            if loop.time() + wait_s > last_start_at:
                message = f"VoIPBin is to be left alone for {wait_s:.0f} s more; run this again then"
                raise RateLimitedError(message, never_sent=True, retry_after_s=wait_s)
            await asyncio.sleep(wait_s)
        self._pace.take(loop.time())

    async def _once(
        self, method: str, address: str, body: bytes, give_up_at: float, max_reply_bytes: int
    ) -> Reply | ProviderError:
        timeout_s = min(self._settings.timeout_s, give_up_at - asyncio.get_running_loop().time())
        try:
            reply = await self._http.request(
                method,
                address,
                body,
                timeout_s=timeout_s,
                max_reply_bytes=max_reply_bytes,
                may_repeat=method == "GET",
            )
        except ProviderError as error:
            return without_secrets(error, self._secrets)
        return self._failed(reply) or reply

    def _failed(self, reply: Reply) -> ProviderError | None:
        """The error an answer stands for, `None` for a 2xx."""
        if reply.is_success:
            return None
        error = failure(structs.replace(reply, body=complaint(reply.body)), self._secrets)
        if not isinstance(error, RefusedError):
            return error or BadAnswerError(f"answer {reply.status} makes no sense here")
        if reply.status == _NOT_FOUND:
            return NotFoundError(str(error), status=reply.status, request_id=reply.request_id)
        if reply.status in _UNAUTHORIZED:
            message = f"{error}; check voipbin.token and voipbin.auth"
            return RefusedError(message, status=reply.status, request_id=reply.request_id)
        return error

    def _wait_s(self, method: str, error: ProviderError, attempt: int) -> float | None:
        """Seconds until the request may be repeated, `None` when it may not be."""
        if not isinstance(error, UnavailableError):
            return None
        asked_s = error.retry_after_s or 0.0
        if asked_s or isinstance(error, RateLimitedError):
            self._pace.rest(asyncio.get_running_loop().time() + asked_s)
        if method != "GET" and not isinstance(error, RateLimitedError):
            return None
        return max(asked_s, pause_s(attempt - 1, self._dice))
