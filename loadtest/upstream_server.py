"""The simulated upstream as a process of its own, made to fail while it runs over a control port on loopback.

    GET /            its URL, its key, and what has arrived
    PUT /fault       the body names a `Fault`: none, slow, 503, silent, ...

Without a fault it answers after `--delay-ms`, as a service some way off does; `slow` takes `--slow-ms`.

`--lie` gives every tenth number a wrong last digit, to see that a load test notices.
"""

import argparse
import asyncio
import dataclasses
import itertools
import re
from collections.abc import Mapping
from typing import Any

import uvloop
from aiohttp import web

from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault, HttpAnswer
from gateway.simulator.upstream_dials import DialLedger

_REMEMBERED_RECORDS = 200_000
"""Repeats are told among so many; a soak of hours sends more than fit in memory."""
_LIE_EVERY = 10
_ANI = re.compile(rb'("(?:outbound)?ani":"\d{9})(\d)')


class CountingLedger(DialLedger):
    """Counts all records, and remembers the last ones."""

    def __init__(self) -> None:
        super().__init__(most=_REMEMBERED_RECORDS)
        self.received = 0

    def keep(self, dial_id: str, content: Mapping[str, Any]) -> None:
        """Count a record."""
        self.received += 1
        super().keep(dial_id, content)


class LyingUpstream(UpstreamSimulator):
    """Gives every tenth prospect somebody else's number."""

    _turns = itertools.count(1)

    async def _answer(self, request: web.Request, answer: HttpAnswer, *, leads: int) -> web.StreamResponse:
        lied = dataclasses.replace(answer, body=_ANI.sub(self._wrong, answer.body))
        return await super()._answer(request, lied, leads=leads)

    def _wrong(self, ani: re.Match[bytes]) -> bytes:
        lies = next(self._turns) % _LIE_EVERY == 0
        return ani[1] + (b"%d" % ((int(ani[2]) + 1) % 10) if lies else ani[2])


class Control:
    """The control port."""

    def __init__(
        self, upstream: UpstreamSimulator, ledger: CountingLedger, *, delay_s: float, slow_s: float
    ) -> None:
        self._upstream = upstream
        self._ledger = ledger
        self._delays_s = {Fault.NONE: delay_s, Fault.SLOW: slow_s}
        self._fault = Fault.NONE

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application()
        app.router.add_get("/", self._show)
        app.router.add_put("/fault", self._set_fault)
        return app

    async def _show(self, _request: web.Request) -> web.Response:
        counters = self._upstream.counters
        return web.json_response(
            {
                "url": self._upstream.url,
                "key": self._upstream.key,
                "fault": self._fault.value,
                "requests": counters.requests,
                "batches": counters.batches,
                "leads": counters.leads,
                "records": self._ledger.received - self._ledger.repeats,
                "repeats": self._ledger.repeats,
                "changed": len(self._ledger.changed),
            }
        )

    async def _set_fault(self, request: web.Request) -> web.Response:
        name = await request.text()
        if name not in list(Fault):
            raise web.HTTPBadRequest(text=f"no such fault; there are {', '.join(Fault)}")
        await self.misbehave(Fault(name))
        return web.Response(status=204)

    async def misbehave(self, fault: Fault) -> None:
        """Fail in this way from now on, or be as usual."""
        self._fault = fault
        self._upstream.delay_s = self._delays_s.get(fault, 0.0)
        await self._upstream.set_fault(Fault.SLOW if fault in self._delays_s else fault)


async def serve(port: int, *, delay_s: float, slow_s: float, lie: bool) -> None:
    """Serve until killed. The control port opens last, so whoever sees it open may begin."""
    upstream = LyingUpstream() if lie else UpstreamSimulator()
    ledger = CountingLedger()
    upstream.dials = ledger
    async with upstream:
        control = Control(upstream, ledger, delay_s=delay_s, slow_s=slow_s)
        await control.misbehave(Fault.NONE)
        runner = web.AppRunner(control.app(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, required=True, help="of the control; its own is told there")
    parser.add_argument("--delay-ms", type=float, default=20.0, help="time to answer as usual")
    parser.add_argument("--slow-ms", type=float, default=300.0, help="time to answer while it is slow")
    parser.add_argument("--lie", action="store_true", help="give every tenth prospect a wrong number")
    arguments = parser.parse_args()
    delay_s, slow_s = arguments.delay_ms / 1000, arguments.slow_ms / 1000
    uvloop.run(serve(arguments.port, delay_s=delay_s, slow_s=slow_s, lie=arguments.lie))
