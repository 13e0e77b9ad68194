"""A simulated outboundIQ and outboundANI over HTTP, which can be made to fail in every way while they run.

outboundIQ speaks `POST /assignment`, `/assignment/batch` and `/dials`, and `/custom/…` for its inventory,
with a Bearer key. outboundANI speaks `/dialer/…` with the same key as `X-ApiKey`, and Dial Results
(`POST /api/….php`) with a company GUID. Both on loopback only. For load there is a leaner one,
`LeanUpstream`; this one is for fidelity.
"""

import asyncio
import hmac
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self
from weakref import WeakKeyDictionary

import orjson
from aiohttp import web

from gateway.simulator.outboundani import next_ani
from gateway.simulator.upstream_answers import Fault, HttpAnswer, batch, single
from gateway.simulator.upstream_dials import DEFAULT_COMPANY_GUID, DialLedger, dial, dial_result
from gateway.simulator.vendor_inventory import Received, VendorShelves

DEFAULT_KEY = "simulated-key"
_SILENCE_S = 60.0
"""Longest silence; far beyond every deadline, and short enough to end a forgotten one."""


@dataclass(slots=True)
class UpstreamCounters:
    """What has arrived since the start."""

    requests: int = 0
    batches: int = 0
    """Requests to `/assignment/batch`, also counted in `requests`."""
    leads: int = 0
    rejected_keys: int = 0
    by_fault: Counter[Fault] = field(default_factory=Counter)
    """Requests by the fault they met."""


class UpstreamSimulator:
    """An upstream to be used as `async with UpstreamSimulator() as upstream`, or by `start` and `stop`.

    `fault` may be changed at any time with `set_fault`; `delay_s` is how long `Fault.SLOW` takes.
    """

    def __init__(self, *, key: str = DEFAULT_KEY, delay_s: float = 0.02) -> None:
        self.key = key
        self.delay_s = delay_s
        self.company_guid = DEFAULT_COMPANY_GUID
        self.dial_fields = "any"
        """Pair of number fields `/dials` takes: `seed`, `current` or `any`."""
        self.dials = DialLedger()
        self.results = DialLedger()
        """What Dial Results was sent."""
        self.custom = VendorShelves(has_pools=True, keeps_carrier=False)
        """outboundIQ's inventory."""
        self.dialer = VendorShelves(has_pools=False, keeps_carrier=True)
        """outboundANI's inventory."""
        self.next_asked: deque[dict[str, Any]] = deque(maxlen=1_000)
        """The last bodies of `/dialer/next`."""
        self.counters = UpstreamCounters()
        self._fault = Fault.NONE
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._served: WeakKeyDictionary[asyncio.BaseTransport, int] = WeakKeyDictionary()
        self._released = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    @property
    def fault(self) -> Fault:
        """How it misbehaves now."""
        return self._fault

    @property
    def url(self) -> str:
        """Base URL; the port stays the same through every fault."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Listen on a free port of the loopback address."""
        self._released.clear()
        await self._listen()

    async def stop(self) -> None:
        """Close the port and every connection; silent requests end too."""
        self._released.set()
        await self._close()

    async def set_fault(self, fault: Fault) -> None:
        """Misbehave in this way from the next request on."""
        self._released.set()  # requests held in silence end when the silence does
        self._released = asyncio.Event()
        self._fault = fault
        if fault is Fault.REFUSED:
            await self._close()
        elif self._site is None:
            await self._listen()

    async def _listen(self) -> None:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_post("/assignment", self._assignment)
        app.router.add_post("/assignment/batch", self._batch)
        app.router.add_post("/dials", self._dials)
        app.router.add_post("/api/{guid}.php", self._dial_result)
        app.router.add_route("*", "/custom/{kind:campaigns|dispos|anis}", self._custom)
        app.router.add_post("/dialer/next", self._next)
        app.router.add_route("*", "/dialer/{kind:campaigns|dispos|anis}", self._dialer)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, backlog=4096, reuse_address=True)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    async def _close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = self._site = None

    async def _assignment(self, request: web.Request) -> web.StreamResponse:
        lead = await _json_body(request)
        return await self._answer(request, single(lead, self._fault), leads=1)

    async def _batch(self, request: web.Request) -> web.StreamResponse:
        body = await _json_body(request)
        self.counters.batches += 1
        return await self._answer(request, batch(body, self._fault), leads=len(body.get("leads", [])))

    async def _dials(self, request: web.Request) -> web.StreamResponse:
        body = await _json_body(request)
        # A connection that breaks for being stale breaks before the request is read.
        kept = (
            DialLedger() if self._will_be_stale(request) or not self._is_authorized(request) else self.dials
        )
        return await self._answer(request, dial(body, self._fault, self.dial_fields, kept), leads=0)

    async def _dial_result(self, request: web.Request) -> web.StreamResponse:
        kept = DialLedger() if self._will_be_stale(request) else self.results
        fault = self._fault
        self._count(fault, 0)
        return await self._misbehave(
            request, dial_result(request.query, fault, self.company_guid, kept), fault
        )

    async def _next(self, request: web.Request) -> web.StreamResponse:
        body = await _json_body(request)
        self.next_asked.append(body)
        return await self._answer(request, next_ani(body, self._fault), leads=1)

    async def _custom(self, request: web.Request) -> web.StreamResponse:
        asked = request.query if request.method == "GET" else await _json_body(request)
        return await self._manage(request, self.custom, asked)

    async def _dialer(self, request: web.Request) -> web.StreamResponse:
        return await self._manage(request, self.dialer, await _json_body(request))

    async def _manage(
        self, request: web.Request, shelves: VendorShelves, asked: Mapping[str, Any]
    ) -> web.StreamResponse:
        shelves.received.append(Received(request.method, request.path_qs, await request.read()))
        if not self._is_authorized(request):  # `_answer` says so; nothing may change
            return await self._answer(request, HttpAnswer(401, b""), leads=0)
        answer = shelves.answer(request.method, request.match_info["kind"], asked, self._fault)
        return await self._answer(request, answer, leads=0)

    async def _answer(self, request: web.Request, answer: HttpAnswer, *, leads: int) -> web.StreamResponse:
        fault = self._fault
        self._count(fault, leads)
        if not self._is_authorized(request):
            self.counters.rejected_keys += 1
            return _response(HttpAnswer(401, b'{"success":false,"message":"invalid key"}'))
        return await self._misbehave(request, answer, fault)

    async def _misbehave(self, request: web.Request, answer: HttpAnswer, fault: Fault) -> web.StreamResponse:
        match fault:
            case Fault.SLOW:
                await asyncio.sleep(self.delay_s)
            case Fault.SILENT:
                await self._keep_silent()
                _abort(request)
            case Fault.RESET:
                _abort(request)
            case Fault.STALE_KEEPALIVE if self._is_reused(request):
                _abort(request)
            case Fault.CUT_BODY:
                return await _cut(request, answer)
            case _:
                pass
        return _response(answer)

    def _count(self, fault: Fault, leads: int) -> None:
        self.counters.requests += 1
        self.counters.leads += leads
        self.counters.by_fault[fault] += 1

    def _is_authorized(self, request: web.Request) -> bool:
        if request.path.startswith("/dialer/"):
            given, expected = request.headers.get("X-ApiKey", ""), self.key
        else:
            given, expected = request.headers.get("Authorization", ""), f"Bearer {self.key}"
        return hmac.compare_digest(given.encode(), expected.encode())

    def _is_reused(self, request: web.Request) -> bool:
        """Whether the connection has carried a request already."""
        transport = request.transport
        if transport is None:
            return False
        before = self._served.get(transport, 0)
        self._served[transport] = before + 1
        return before > 0

    def _will_be_stale(self, request: web.Request) -> bool:
        transport = request.transport
        is_reused = transport is not None and self._served.get(transport, 0) > 0
        return self._fault is Fault.STALE_KEEPALIVE and is_reused

    async def _keep_silent(self) -> None:
        try:
            async with asyncio.timeout(_SILENCE_S):
                await self._released.wait()
        except TimeoutError:
            return


async def _json_body(request: web.Request) -> dict[str, Any]:
    """The request's object; a body that is none is answered 400."""
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise web.HTTPBadRequest(text="not JSON") from error
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="not an object")
    return body


def _response(answer: HttpAnswer) -> web.Response:
    headers = {"x-request-id": "simulated", **dict(answer.headers)}
    return web.Response(
        status=answer.status, body=answer.body, content_type="application/json", headers=headers
    )


def _abort(request: web.Request) -> None:
    """Break the connection; what is answered afterwards goes nowhere."""
    if request.transport is not None:
        request.transport.abort()


async def _cut(request: web.Request, answer: HttpAnswer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status)
    response.content_type = "application/json"
    response.content_length = len(answer.body)
    with suppress(ConnectionResetError):  # the client may be gone already
        await response.prepare(request)
        await response.write(answer.body[: len(answer.body) // 2])
    _abort(request)
    return response
