"""The upstream of the benchmark: correct answers after a fixed delay. A line on stdin prints its counters."""

import argparse
import asyncio
import dataclasses
import json
import sys

import uvloop

from gateway.simulator.upstream_lean import LeanCounters, start_lean_upstream


async def serve(port: int, delay_s: float, per_lead_s: float) -> None:
    """Listen until stdin ends."""
    counters = LeanCounters()
    server = await start_lean_upstream(counters, port=port, delay_s=delay_s, per_lead_s=per_lead_s)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with server:
        while await lines.readline():
            print(json.dumps(told(counters)), flush=True)


def told(counters: LeanCounters) -> dict[str, float]:
    """The counters as numbers; of the dial ids, how many there are."""
    names = (each.name for each in dataclasses.fields(counters) if each.name != "dial_ids")
    return {name: getattr(counters, name) for name in names} | {"dials": len(counters.dial_ids)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay-ms", type=float, default=20.0)
    parser.add_argument("--per-lead-ms", type=float, default=0.1)
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.port, arguments.delay_ms / 1000, arguments.per_lead_ms / 1000))
