"""Upstream down for the whole run, then back: what waits costs no memory, and everything arrives.

    python loadtest/outage.py --records 100000

Puts the records while the target answers nothing, measures the memory they cost, opens the full spool anew as
after a crash, and lets the target come back. Exit code 1 when a record is missing, memory grew by 50 MiB or
more, or the full spool was not in service within a second.
"""

import argparse
import asyncio
import json
import logging
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from gateway.dials.delivery import Delivery
from gateway.dials.settings import DeliverySettings
from gateway.dials.spool import DialSpool
from gateway.model.dial import Dial
from gateway.providers.base import UnavailableError
from gateway.stores.settings import SpoolSettings
from gateway.telemetry.metrics import DialMetrics

SETTINGS = DeliverySettings(max_in_flight=256, breaker_open_s=0.1, breaker_max_open_s=0.2, retry_cap_s=0.5)
MIB = 1024 * 1024
PIECE = 2_000


class Target:
    """Takes nothing while it is down."""

    name = "outboundiq"
    repeats_safely = True

    def __init__(self) -> None:
        self.is_up = False
        self.times: Counter[str] = Counter()

    async def post_dial(self, dial: Dial, *, timeout_s: float) -> None:
        """Count the record, or refuse it for now."""
        await asyncio.sleep(min(0.001, timeout_s))
        if not self.is_up:
            raise UnavailableError("down")
        self.times[dial.dial_id] += 1


def memory() -> int:
    """Resident bytes of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def record(number: int) -> Dial:
    """One of usual size."""
    return Dial(
        dial_id=f"pbx1-1760000000.{number}-1",
        ani="+15552223333",
        prospect_phone=f"+1555{number:07d}",
        at=1_760_000_000.0 + number,
        campaign_id="abc-123",
        campaign_name="Q2 Outbound Push",
        agent_name="Jane Doe",
        disposition_name="NOANSWER",
        call_direction="Outbound",
        zip="90210",
        sys_created_date_original="2026-04-01",
        total_dial_attempts="3",
        skill_name="Sales Tier 1",
        lead_source="facebook-ads",
    )


async def started(file: str, target: Target) -> tuple[DialSpool, Delivery, DialMetrics]:
    """A spool with its delivery."""
    metrics = DialMetrics()
    spool = DialSpool(SpoolSettings(file=file, settle_s=0.0), {target.name: True}, metrics)
    await spool.start()
    delivery = Delivery([target], spool, SETTINGS, metrics)
    delivery.start()
    return spool, delivery, metrics


async def outage(file: str, count: int) -> dict[str, float]:
    """The whole run; its figures."""
    target = Target()
    spool, delivery, _ = await started(file, target)
    await asyncio.gather(*(spool.put(record(number)) for number in range(PIECE)))
    before = memory()
    began = time.monotonic()
    for first in range(PIECE, count, PIECE):
        await asyncio.gather(*(spool.put(record(number)) for number in range(first, first + PIECE)))
    put_s = time.monotonic() - began
    await asyncio.sleep(6)  # once through the housekeeping, which counts them all
    grown = memory() - before
    waiting = (await spool.stats())[target.name].waiting
    await delivery.stop()
    await spool.close()
    began = time.monotonic()
    spool, delivery, _ = await started(file, target)
    await spool.put(record(count))
    restart_s = time.monotonic() - began
    target.is_up = True
    began = time.monotonic()
    while len(target.times) <= count and time.monotonic() - began < 300:  # noqa: ASYNC110, PLR2004 - from outside
        await asyncio.sleep(0.05)
    drain_s = time.monotonic() - began
    await delivery.stop()
    await spool.close()
    return {
        "records": count,
        "waiting_at_worst": waiting,
        "put_per_s": round((count - PIECE) / put_s),
        "memory_mib": round(grown / MIB, 1),
        "restart_s": round(restart_s, 3),
        "arrived": len(target.times) - 1,
        "repeats": target.times.total() - len(target.times),
        "delivered_per_s": round(count / drain_s),
    }


def main() -> int:
    """0 when all arrived, in bounded memory and time."""
    parser = argparse.ArgumentParser(description="upstream down for the whole run, then back")
    parser.add_argument("--records", type=int, default=100_000)
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(outage(str(Path(folder) / "spool.db"), options.records))
    print(json.dumps(figures, indent=2))
    is_good = figures["arrived"] == figures["records"] == figures["waiting_at_worst"]
    return 0 if is_good and figures["memory_mib"] < 50 and figures["restart_s"] <= 1 else 1  # noqa: PLR2004


if __name__ == "__main__":
    sys.exit(main())
