"""The admin HTTP listener: routes from elsewhere, and what all of them share.

Every request but those to `OPEN` needs the token when one is set. Without one, only requests addressed to
loopback by name are answered, so that no web page can ask through a browser whose DNS was turned here.
Every error is JSON: `{"error": "…"}`.
"""

import hmac
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiohttp import web
from aiohttp.typedefs import Middleware

from gateway.admin import page
from gateway.admin.settings import AdminSettings, is_loopback
from gateway.model.address import split_address

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPEN = frozenset({"/healthz", "/readyz", "/webhooks/dial.batch"}) | page.PATHS
"""Paths that need no token: for load balancers, without anything worth one, or asking for a signature."""
_DRAIN_S = 2.0
"""Longest wait for open requests when the listener closes."""
_log = logging.getLogger(__name__)


class BadRequestError(ValueError):
    """The request cannot be understood; the text says what to send instead."""


def as_json(body: Any, *, status: int = 200) -> web.Response:
    """`body` as JSON."""
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


def make_app(settings: AdminSettings, routes: Iterable[web.RouteDef]) -> web.Application:
    """The application of these routes; the parts behind them stay the caller's."""
    app = web.Application(
        middlewares=[_errors_in_json, _only_allowed(settings)], client_max_size=settings.max_body_bytes
    )
    app.add_routes(routes)
    return app


class AdminServer:
    """Listens while it is started."""

    def __init__(
        self,
        settings: AdminSettings,
        routes: Iterable[web.RouteDef],
        *,
        before_stop: Callable[[], None] = lambda: None,
    ) -> None:
        """`before_stop` ends what would never end by itself."""
        self._settings = settings
        self._before_stop = before_stop
        self._runner = web.AppRunner(
            make_app(settings, routes), access_log=None, shutdown_timeout=_DRAIN_S, handle_signals=False
        )

    @property
    def address(self) -> tuple[str, int] | None:
        """Where it listens; `None` before it does."""
        addresses = self._runner.addresses
        return addresses[0][:2] if addresses else None

    async def start(self, sockets: Sequence[socket.socket] = ()) -> None:
        """Listen, with these sockets when there are any, which are ours from now on. Raises `OSError`."""
        await self._runner.setup()
        for sock in sockets:
            await web.SockSite(self._runner, sock).start()
        if not sockets:
            host, port = split_address(self._settings.listen)
            await web.TCPSite(self._runner, host, port).start()

    async def stop(self) -> None:
        """Finish open requests and close. Safe to call twice."""
        self._before_stop()
        await self._runner.cleanup()


def _only_allowed(settings: AdminSettings) -> Middleware:
    token = settings.token.encode()

    @web.middleware
    async def only_allowed(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in OPEN:
            return await handler(request)
        if token and not _carries(request, token):
            answer = as_json({"error": "send Authorization: Bearer and the token of admin.token"}, status=401)
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        if not token and not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
            return as_json({"error": "without admin.token, ask by 127.0.0.1 or localhost only"}, status=403)
        return await handler(request)

    return only_allowed


def _carries(request: web.Request, token: bytes) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Headers arrive as text with undecodable bytes escaped.
    candidate = given.strip().encode("utf-8", "surrogateescape")
    return hmac.compare_digest(candidate, token) and scheme.lower() == "bearer"


@web.middleware
async def _errors_in_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except BadRequestError as error:
        return as_json({"error": str(error)}, status=400)
    except web.HTTPRequestEntityTooLarge as error:
        return as_json({"error": error.text}, status=413)
    except web.HTTPException as error:
        answer = as_json({"error": f"{request.method} {request.path}: {error.reason}"}, status=error.status)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except Exception:  # noqa: BLE001 - one request is fenced off from calls and from the rest
        _log.exception("%s %s failed", request.method, request.path)
        return as_json({"error": "internal error; the log has it"}, status=500)
