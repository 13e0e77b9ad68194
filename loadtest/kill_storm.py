"""Kills the reporting process again and again under load, and counts what is lost: nothing must be.

    python loadtest/kill_storm.py --kills 1000

A child process puts records into a spool and delivers them to a simulated upstream in this process, which
misbehaves now and then. It tells each record it was confirmed; at a random instant it gets SIGKILL, and the
next one starts on the same spool. In the end every confirmed record must have arrived, the repeats must bear
the same dial_id and content, and each start must be back in service within a second, counted from the opening
of the spool (Python's own start is told beside it). Exit code 1 when not.
"""

import argparse
import asyncio
import json
import logging
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from gateway.dials.delivery import Delivery
from gateway.dials.settings import DeliverySettings
from gateway.dials.spool import DialSpool
from gateway.model.delivery import Stored
from gateway.model.dial import Dial
from gateway.providers.outboundiq_account import OutboundIqSettings
from gateway.providers.outboundiq_dials import OutboundIqDials, OutboundIqDialsSettings
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault
from gateway.stores.settings import SpoolSettings
from gateway.stores.spool_view import SpoolView
from gateway.telemetry.metrics import DialMetrics

FAULTS = [Fault.NONE] * 3 + [Fault.SLOW, Fault.RESET, Fault.CUT_BODY, Fault.UNAVAILABLE, Fault.SILENT]
BURST = 20
MAX_RESTART_S = 1.0


async def serve(file: str, url: str, key: str, run: str) -> None:
    """The child: put bursts of records and deliver them, until killed."""
    metrics = DialMetrics()
    settings = DeliverySettings(timeout_s=0.5, retry_base_s=0.02, breaker_open_s=0.05, breaker_max_open_s=0.1)
    target = OutboundIqDials(
        OutboundIqSettings(url=url, key=key), OutboundIqDialsSettings(), max_in_flight=settings.max_in_flight
    )
    await target.open()
    began = time.monotonic()
    spool = DialSpool(SpoolSettings(file=file, settle_s=0.02), {target.name: True}, metrics)
    await spool.start()
    Delivery([target], spool, settings, metrics).start()
    await spool.put(Dial(f"{run}-first", "+15552223333", "+15559876543", 1_760_000_000.0))
    sys.stdout.write(f"{time.monotonic() - began}\n{run}-first\n")
    for names in bursts(run):
        dials = [
            Dial(name, "+15552223333", "+15559876543", 1_760_000_000.0, campaign_id=name) for name in names
        ]
        stored = await asyncio.gather(*map(spool.put, dials))
        if set(stored) != {Stored.NEW}:
            sys.exit(f"put ended with {set(stored)}")
        sys.stdout.write("\n".join(names) + "\n")
        sys.stdout.flush()
        await asyncio.sleep(0.01)


def bursts(run: str) -> Iterator[list[str]]:
    """Names of records without end."""
    number = 0
    while True:
        yield [f"{run}-{number + index}" for index in range(BURST)]
        number += BURST


async def live_and_die(arguments: list[str], confirmed: set[str], life_s: float) -> tuple[float, float]:
    """One child and its sudden end.

    The seconds until it had confirmed a record: since it opened the spool, and since its process began.
    """
    started = time.monotonic()
    child = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--serve", *arguments, stdout=asyncio.subprocess.PIPE
    )
    stdout = child.stdout
    if stdout is None:
        raise RuntimeError("the child has no output")
    first = await stdout.readline()
    process_s = time.monotonic() - started
    if not first:
        raise RuntimeError("the child did not start; see its error above")
    asyncio.get_running_loop().call_later(life_s, child.kill)
    rest = await stdout.read()
    await child.wait()
    # A name cut off by the kill was not confirmed to us in full.
    confirmed.update(rest.decode().split("\n")[:-1])
    return float(first), process_s


async def storm(kills: int, folder: str, seed: int) -> dict[str, object]:
    """The whole test; its figures."""
    dice = random.Random(seed)
    file = str(Path(folder) / "spool.db")
    confirmed: set[str] = set()
    starts: list[tuple[float, float]] = []
    async with UpstreamSimulator(delay_s=0.05) as upstream:
        for run in range(kills):
            await upstream.set_fault(dice.choice(FAULTS))
            arguments = [file, upstream.url, upstream.key, f"run{run}"]
            starts.append(await live_and_die(arguments, confirmed, dice.uniform(0.0, 0.3)))
        waiting = waiting_in(file)
        await upstream.set_fault(Fault.NONE)
        await drain(file, upstream)
        ledger = upstream.dials
        return {
            "kills": kills,
            "confirmed": len(confirmed),
            "lost": len(confirmed - ledger.dials.keys()),
            "arrived": len(ledger.dials),
            "repeats": ledger.repeats,
            "changed": len(ledger.changed),
            "waiting_after_last_kill": waiting,
            "waiting_at_end": waiting_in(file),
            "back_in_service_s_worst": round(max(service for service, _ in starts), 3),
            "process_start_s_median": round(sorted(process for _, process in starts)[len(starts) // 2], 3),
            "process_start_s_worst": round(max(process for _, process in starts), 3),
        }


async def drain(file: str, upstream: UpstreamSimulator) -> None:
    """Deliver what the last child left."""
    metrics = DialMetrics()
    settings = DeliverySettings(retry_base_s=0.02, breaker_open_s=0.05)
    account = OutboundIqSettings(url=upstream.url, key=upstream.key)
    target = OutboundIqDials(account, OutboundIqDialsSettings(), max_in_flight=settings.max_in_flight)
    await target.open()
    spool = DialSpool(SpoolSettings(file=file, settle_s=0.02), {target.name: True}, metrics)
    await spool.start()
    delivery = Delivery([target], spool, settings, metrics)
    delivery.start()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        stats = await spool.stats()
        if not stats:
            break
        await asyncio.sleep(0.05)
    await delivery.stop()
    await spool.close()
    await target.close()


def waiting_in(file: str) -> int:
    """Records in the spool that have not been delivered, dead letters included."""
    view = SpoolView.open(file)
    try:
        return sum(target.waiting + target.dead for target in view.stats().values())
    finally:
        view.close()


def main() -> int:
    """0 when nothing was lost and every restart was quick."""
    parser = argparse.ArgumentParser(description="kill the reporting process again and again")
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", nargs=4, metavar=("FILE", "URL", "KEY", "RUN"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)  # the faults are on purpose
    if options.serve:
        asyncio.run(serve(*options.serve))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(storm(options.kills, folder, options.seed))
    print(json.dumps(figures, indent=2))
    is_good = not (figures["lost"] or figures["changed"] or figures["waiting_at_end"])
    return 0 if is_good and float(str(figures["back_in_service_s_worst"])) <= MAX_RESTART_S else 1


if __name__ == "__main__":
    sys.exit(main())
