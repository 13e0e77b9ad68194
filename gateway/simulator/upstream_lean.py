"""A simulated outboundIQ that is never the bottleneck: for load, correct answers only.

It reads just enough HTTP/1.1 for one client that sends `Content-Length` bodies, and answers every request
correctly after a fixed delay. It takes dial records too, and counts those that came twice or name a number
it did not assign. `UpstreamSimulator` is the faithful one.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import orjson

from gateway.simulator.upstream_answers import Fault, ani_for, batch, single

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_QUEUED = orjson.dumps({"message": "dial queued"})


@dataclass(slots=True)
class LeanCounters:
    """What has arrived since the start."""

    requests: int = 0
    batches: int = 0
    leads: int = 0
    connections: int = 0
    lead_s: float = 0.0
    """Seconds between the arrival of each lead's request and its answer, added up."""
    repeated_dials: int = 0
    wrong_dials: int = 0
    """Dial records whose number is not the one assigned for their phone, or that have no id."""
    dial_ids: set[str] = field(default_factory=set)

    def keep(self, dial: Mapping[str, Any]) -> None:
        """Take one dial record."""
        dial_id = str(dial.get("dial_id", ""))
        self.repeated_dials += dial_id in self.dial_ids
        self.wrong_dials += not dial_id or dial.get("ani") != ani_for(str(dial.get("prospect_phone", "")))
        self.dial_ids.add(dial_id)


class LeanUpstream(asyncio.Protocol):
    """One connection. Make it with the counters all connections share and the delay of an answer.

    `delay_s` is for each request, `per_lead_s` for each lead in it.
    """

    def __init__(self, counters: LeanCounters, *, delay_s: float = 0.0, per_lead_s: float = 0.0) -> None:
        self._counters = counters
        self._delay_s = delay_s
        self._per_lead_s = per_lead_s
        self._buffer = b""
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is one by duck typing only
        self._counters.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The client has gone; answers still due are dropped."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._buffer += data
        while (end := self._buffer.find(_HEAD_END)) >= 0:
            length = _LENGTH.search(self._buffer, 0, end)
            whole = end + len(_HEAD_END) + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            request, self._buffer = self._buffer[:whole], self._buffer[whole:]
            self._answer(request, end)

    def _answer(self, request: bytes, head_end: int) -> None:
        body = orjson.loads(request[head_end + len(_HEAD_END) :])
        if request.startswith(b"POST /dials"):
            self._counters.keep(body)
            self._write_later(_QUEUED, self._delay_s)
            return
        self._counters.requests += 1
        if request.startswith(b"POST /assignment/batch"):
            self._counters.batches += 1
            leads = len(body["leads"])
            answer = batch(body, Fault.NONE)
        else:
            leads = 1
            answer = single(body, Fault.NONE)
        self._counters.leads += leads
        self._write_later(answer.body, self._delay_s + leads * self._per_lead_s, leads)

    def _write_later(self, body: bytes, delay_s: float, leads: int = 0) -> None:
        if delay_s > 0:
            self._loop.call_later(delay_s, self._write, body, leads, self._loop.time())
        else:
            self._write(body, leads, self._loop.time())

    def _write(self, body: bytes, leads: int, arrived_at: float) -> None:
        self._counters.lead_s += leads * (self._loop.time() - arrived_at)
        if self._transport is not None:
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
            self._transport.write(head % len(body) + body)


async def start_lean_upstream(
    counters: LeanCounters, *, port: int = 0, delay_s: float = 0.0, per_lead_s: float = 0.0
) -> asyncio.Server:
    """Listen on loopback; `port` 0 takes a free one (see the server's sockets)."""
    return await asyncio.get_running_loop().create_server(
        lambda: LeanUpstream(counters, delay_s=delay_s, per_lead_s=per_lead_s),
        "127.0.0.1",
        port,
        backlog=4096,
    )
