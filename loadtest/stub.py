"""The upstream of the benchmark: correct answers after a fixed delay. A line on stdin prints its counters.

With `--certificate` and `--key` it speaks TLS. With `--faults 0.01` one request in a hundred, drawn by lot,
meets a fault: no answer ever, 500, a connection that breaks, or 429 with a `Retry-After` of 0. A dial record
that meets one has not been kept, so each must come once more, and no record may come twice.
"""

import argparse
import asyncio
import dataclasses
import json
import random
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import uvloop

from gateway.simulator.upstream_lean import LeanCounters, LeanUpstream

_BACKLOG = 4096
_SEED = 1
_EMPTY = "\r\ncontent-length: 0\r\n\r\n"
_FAILURES = {
    "500": f"HTTP/1.1 500 Internal Server Error{_EMPTY}".encode(),
    "429": f"HTTP/1.1 429 Too Many Requests\r\nretry-after: 0{_EMPTY}".encode(),
    "reset": None,
    "silence": None,
}
"""What is answered, if anything."""


@dataclass
class StubCounters(LeanCounters):
    """What has arrived, and what was made to fail."""

    failed_requests: int = 0
    failed_dials: int = 0
    default_dials: int = 0
    """Records with the gateway's own default number, which is right where the upstream had failed."""

    def __post_init__(self) -> None:
        self._default_ani = ""

    def expect_default(self, ani: str) -> None:
        """Take records with this number for good ones."""
        self._default_ani = ani

    def keep(self, dial: Mapping[str, Any]) -> None:
        """Take one dial record."""
        wrong = self.wrong_dials
        super().keep(dial)
        if self._default_ani and dial.get("ani") == self._default_ani:
            self.default_dials += 1
            self.wrong_dials = wrong


class FaultyUpstream(LeanUpstream):
    """One connection; `share` of the requests fail."""

    def __init__(self, counters: StubCounters, *, share: float, dice: random.Random, **delays: float) -> None:
        super().__init__(counters, **delays)
        self._stub_counters = counters
        self._share = share
        self._dice = dice

    def _answer(self, request: bytes, head_end: int) -> None:
        if self._dice.random() >= self._share:
            super()._answer(request, head_end)
            return
        if request.startswith(b"POST /dials"):
            self._stub_counters.failed_dials += 1
        else:
            self._stub_counters.failed_requests += 1
        self._fail(self._dice.choice(tuple(_FAILURES)))

    def _fail(self, fault: str) -> None:
        answer = _FAILURES[fault]
        if self._transport is None:
            return
        if answer is not None:
            self._transport.write(answer)
        elif fault == "reset":
            self._transport.abort()


async def serve(options: argparse.Namespace) -> None:
    """Listen until stdin ends."""
    counters = StubCounters()
    counters.expect_default(options.default_ani)
    delays = {"delay_s": options.delay_ms / 1000, "per_lead_s": options.per_lead_ms / 1000}
    dice = random.Random(_SEED)
    loop = asyncio.get_running_loop()

    def protocol() -> asyncio.Protocol:
        if options.faults:
            return FaultyUpstream(counters, share=options.faults, dice=dice, **delays)
        return LeanUpstream(counters, **delays)

    server = await loop.create_server(
        protocol, "127.0.0.1", options.port, backlog=_BACKLOG, ssl=_tls(options.certificate, options.key)
    )
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with server:
        while await lines.readline():
            print(json.dumps(told(counters)), flush=True)


def _tls(certificate: str, key: str) -> ssl.SSLContext | None:
    if not certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def told(counters: LeanCounters) -> dict[str, float]:
    """The counters as numbers; of the dial ids, how many there are."""
    names = (each.name for each in dataclasses.fields(counters) if each.name != "dial_ids")
    return {name: getattr(counters, name) for name in names} | {"dials": len(counters.dial_ids)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay-ms", type=float, default=20.0)
    parser.add_argument("--per-lead-ms", type=float, default=0.1)
    parser.add_argument("--certificate", default="", help="PEM file of the server's certificate")
    parser.add_argument("--key", default="", help="PEM file of its key")
    parser.add_argument("--faults", type=float, default=0.0, help="share of the requests that fail")
    parser.add_argument("--default-ani", default="", help="number a record may have, too")
    uvloop.run(serve(parser.parse_args()))
