"""A simulated VoIPBin over HTTP, on loopback only, which can be made to fail request by request.

It serves outdials and targets as VoIPBin's tutorial shows them, out of a `VoipBinStore`, and knows nothing of
the gateway's own client or server.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Self

import orjson
from aiohttp import web

from gateway.simulator.upstream_answers import Fault
from gateway.simulator.voipbin_store import VoipBinStore

DEFAULT_TOKEN = "simulated-token"  # noqa: S105 - of a simulation
HUGE_BYTES = 16 * 1024 * 1024
RETRY_AFTER_S = 1
RETRY_AFTER_DATE = "Fri, 20 Nov 2026 12:00:30 GMT"
"""In the past: to be asked again at once."""
_SILENCE_S = 60.0
_REQUIRED = ("campaign_id", "name", "detail", "data")

_STATUS = {
    Fault.UNAUTHORIZED: (401, "UNAUTHENTICATED", "AUTHENTICATION_REQUIRED", "Log in first."),
    Fault.FORBIDDEN: (403, "PERMISSION_DENIED", "PERMISSION_DENIED", "Not yours."),
    Fault.RATE_LIMITED: (429, "RESOURCE_EXHAUSTED", "RATE_LIMITED", "Slow down."),
    Fault.RATE_LIMITED_SECONDS: (429, "RESOURCE_EXHAUSTED", "RATE_LIMITED", "Slow down."),
    Fault.RATE_LIMITED_DATE: (429, "RESOURCE_EXHAUSTED", "RATE_LIMITED", "Slow down."),
    Fault.SERVER_ERROR: (500, "INTERNAL", "INTERNAL", "Something broke."),
    Fault.UNAVAILABLE: (503, "UNAVAILABLE", "UNAVAILABLE", "Come back."),
}
_RETRY_AFTER = {
    Fault.RATE_LIMITED_SECONDS: str(RETRY_AFTER_S),
    Fault.RATE_LIMITED_DATE: RETRY_AFTER_DATE,
}


class VoipBinSimulator:
    """To be used as `async with VoipBinSimulator() as voipbin`, or by `start` and `stop`.

    `faults` are met by the next requests, one each; afterwards it answers correctly. With `RESET` and
    `CUT_BODY` the request is worked on and the answer lost; with the others it is not worked on.
    `demands_all` refuses an outdial without a campaign, and empty texts, as today's server does.
    """

    def __init__(
        self,
        store: VoipBinStore | None = None,
        *,
        token: str = DEFAULT_TOKEN,
        demands_all: bool = False,
    ) -> None:
        self.store = store or VoipBinStore()
        self.token = token
        self.demands_all = demands_all
        self.faults: deque[Fault] = deque()
        self.requests: list[tuple[str, str]] = []
        """Method and path with query of each request that arrived, the token left out."""
        self.on_answer: Callable[[str, str], None] = lambda _method, _path: None
        """Called when a request was worked on, before it is answered."""
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._released = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Base URL, with the version as VoIPBin's has it."""
        return f"http://127.0.0.1:{self._port}/v1.0"

    async def start(self) -> None:
        """Listen on a free port of the loopback address."""
        app = web.Application(client_max_size=1024 * 1024)
        one, targets = "/v1.0/outdials/{outdial}", "/v1.0/outdials/{outdial}/targets"
        for method, path, handler in (
            ("GET", "/v1.0/outdials", self._list),
            ("POST", "/v1.0/outdials", self._create),
            ("GET", one, self._get),
            ("PUT", one, self._change(("name", "detail"))),
            ("DELETE", one, self._delete),
            ("PUT", f"{one}/campaign_id", self._change(("campaign_id",))),
            ("PUT", f"{one}/data", self._change(("data",))),
            ("GET", targets, self._list_targets),
            ("POST", targets, self._create_target),
            ("GET", targets + "/{target}", self._get_target),
            ("DELETE", targets + "/{target}", self._delete_target),
        ):
            app.router.add_route(method, path, self._met(handler))
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port and every connection; silent requests end too."""
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    def _met(self, handler: Callable[[web.Request, Any], web.Response]) -> Any:
        """`handler` behind the faults and the token."""

        async def answer(request: web.Request) -> web.StreamResponse:
            query = {name: value for name, value in request.query.items() if value != self.token}
            self.requests.append((request.method, str(request.rel_url.with_query(query))))
            fault = self.faults.popleft() if self.faults else Fault.NONE
            if (refused := await self._refuse(request, fault)) is not None:
                return refused
            try:
                body = orjson.loads(await request.read() or b"{}")
            except orjson.JSONDecodeError:
                return _error(400, "INVALID_ARGUMENT", "INVALID_JSON_BODY", "The body is no JSON.")
            done = handler(request, body)
            self.on_answer(request.method, request.path)
            return await _spoilt(request, done, fault)

        return answer

    async def _refuse(self, request: web.Request, fault: Fault) -> web.Response | None:
        if fault in _STATUS:
            response = _error(*_STATUS[fault])
            if fault in _RETRY_AFTER:
                response.headers["Retry-After"] = _RETRY_AFTER[fault]
            return response
        if fault is Fault.SILENT:
            async with asyncio.timeout(_SILENCE_S):
                await self._released.wait()
        if fault is Fault.MALFORMED:
            return web.Response(body=b"<html>not what you think", content_type="application/json")
        if fault is Fault.HUGE:
            return web.Response(body=b" " * HUGE_BYTES, content_type="application/json")
        given = (request.query.get("token"), request.query.get("accesskey"))
        if self.token in given or request.headers.get("Authorization") == f"Bearer {self.token}":
            return None
        return _error(*_STATUS[Fault.UNAUTHORIZED])

    def _list(self, request: web.Request, _body: Any) -> web.Response:
        return self._page(request, self.store.outdials())

    def _list_targets(self, request: web.Request, _body: Any) -> web.Response:
        return self._page(request, self.store.targets(request.match_info["outdial"]))

    def _page(self, request: web.Request, rows: list[dict[str, Any]]) -> web.Response:
        size, token = int(request.query.get("page_size", 0)), request.query.get("page_token", "")
        return _json(self.store.page(rows, size, token))

    def _create(self, _request: web.Request, body: Any) -> web.Response:
        return self._missing(body, _REQUIRED) or self._shown(self.store.add_outdial(body))

    def _create_target(self, request: web.Request, body: Any) -> web.Response:
        outdial = request.match_info["outdial"]
        if self.store.outdial(outdial) is None:
            return self._shown(None)
        if not any((body.get(f"destination_{place}") or {}).get("target") for place in range(5)):
            return _error(
                400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "At least one destination is required."
            )
        return self._missing(body, _REQUIRED[1:]) or self._shown(self.store.add_target(outdial, body))

    def _missing(self, body: Any, names: tuple[str, ...]) -> web.Response | None:
        for name in names if self.demands_all else ():
            if not body.get(name):
                return _error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", f"{name} is required.")
        return None

    def _get(self, request: web.Request, _body: Any) -> web.Response:
        return self._shown(self.store.outdial(request.match_info["outdial"]))

    def _get_target(self, request: web.Request, _body: Any) -> web.Response:
        return self._shown(self.store.target(request.match_info["outdial"], request.match_info["target"]))

    def _change(self, names: tuple[str, ...]) -> Callable[[web.Request, Any], web.Response]:
        def change(request: web.Request, body: Any) -> web.Response:
            row = self.store.outdial(request.match_info["outdial"])
            changes = {name: body.get(name, "") for name in names}
            return self._shown(row and self.store.change(row, changes))

        return change

    def _delete(self, request: web.Request, _body: Any) -> web.Response:
        row = self.store.outdial(request.match_info["outdial"])
        return self._shown(row and self.store.remove(row))

    def _delete_target(self, request: web.Request, _body: Any) -> web.Response:
        row = self.store.target(request.match_info["outdial"], request.match_info["target"])
        return self._shown(row and self.store.remove(row))

    def _shown(self, row: dict[str, Any] | None) -> web.Response:
        if row is None:
            return _error(404, "NOT_FOUND", "NOT_FOUND", "There is no such thing.")
        return _json(self.store.shown(row))


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")


def _error(status: int, word: str, reason: str, message: str) -> web.Response:
    told = {"status": word, "reason": reason, "message": message, "domain": "api-manager", "request_id": "r"}
    return _json({"error": told}, status)


async def _spoilt(request: web.Request, done: web.Response, fault: Fault) -> web.StreamResponse:
    """The answer, or what a lost one leaves."""
    if fault not in {Fault.RESET, Fault.CUT_BODY} or request.transport is None:
        return done
    if fault is Fault.CUT_BODY:
        request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{")
        await asyncio.sleep(0)
        request.transport.close()
    else:
        request.transport.abort()
    return done
