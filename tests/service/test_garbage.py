"""What a call leaves behind is let go when it ends: collecting 50,000 objects stops all calls for 50 ms."""

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.admin.settings import AdminSettings
from gateway.agi.settings import AgiSettings
from gateway.assignment.settings import AssignmentSettings
from gateway.config.settings import Settings
from gateway.dials.delivery import Delivery
from gateway.dials.settings import DeliverySettings
from gateway.dials.spool import DialSpool
from gateway.model.decision import Source
from gateway.model.dial import Dial
from gateway.providers.base import ProviderError
from gateway.providers.outboundiq_account import OutboundIqSettings
from gateway.providers.outboundiq_dials import OutboundIqDials, OutboundIqDialsSettings
from gateway.service.wiring import Gateway
from gateway.simulator.scenario import Scenario, run_scenario
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault
from gateway.stores.settings import SpoolSettings
from gateway.telemetry.metrics import DialMetrics

CALLS = 60


@pytest.fixture
def garbage() -> Iterator[list[object]]:
    """What only the collector would have found, from here on."""
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


BROKEN = (
    Fault.SERVER_ERROR,
    Fault.MALFORMED,
    Fault.SILENT,
    Fault.REFUSED,
    Fault.RESET,
    Fault.CUT_BODY,
    Fault.STALE_KEEPALIVE,
    Fault.HUGE,
)


@pytest.mark.parametrize("batch_above", [2_000.0, 0.0], ids=["singly", "in batches"])
async def test_calls_leave_nothing_to_the_garbage_collector(
    garbage: list[object], batch_above: float
) -> None:
    assert await _left_by_calls(garbage, Fault.NONE, batch_above) == {}


@pytest.mark.parametrize("fault", BROKEN)
async def test_an_upstream_in_trouble_leaves_nothing_either(garbage: list[object], fault: Fault) -> None:
    assert await _left_by_calls(garbage, fault, 2_000.0) == {}


async def _left_by_calls(garbage: list[object], fault: Fault, batch_above: float) -> dict[str, int]:
    """How many objects of which types some calls left, of those that come with each tenth call or oftener."""
    async with UpstreamSimulator() as upstream:
        await upstream.set_fault(fault)
        assignment = AssignmentSettings(
            providers=(Source.OUTBOUNDIQ,),
            batch_above=batch_above,
            deadline_s=0.3,
            breaker_failures=1_000_000,
        )
        gateway = Gateway(
            Settings(
                agi=AgiSettings(listen=("127.0.0.1:0",)),
                assignment=assignment,
                outboundiq=OutboundIqSettings(url=upstream.url, key=upstream.key),
                admin=AdminSettings(listen=""),
            )
        )
        await gateway.start()
        try:
            host, port = gateway.agi_addresses[0]
            scenario = Scenario(calls_per_s=200, duration_s=CALLS / 200, call_timeout_s=3.0)
            *_, figures = [each async for each in run_scenario(host, port, scenario)]
            await asyncio.sleep(0.1)
        finally:
            gc.collect()
            left = Counter(type(one).__qualname__ for one in garbage if _is_ours(one))
            await gateway.stop()
    assert figures.ended > CALLS / 2
    return {name: count for name, count in left.items() if count > figures.ended / 10}


@pytest.mark.parametrize(
    "fault", [Fault.SILENT, Fault.RESET, Fault.SERVER_ERROR, Fault.RATE_LIMITED, Fault.MALFORMED]
)
async def test_records_that_cannot_be_delivered_leave_nothing_either(
    garbage: list[object], fault: Fault, tmp_path: Path
) -> None:
    metrics = DialMetrics()
    spool_settings = SpoolSettings(file=str(tmp_path / "spool.db"), settle_s=0.0, group_window_s=0.001)
    settings = DeliverySettings(timeout_s=0.2, breaker_failures=1_000_000)
    spool = DialSpool(spool_settings, {"outboundiq": True}, metrics)
    async with UpstreamSimulator() as upstream:
        await upstream.set_fault(fault)
        account = OutboundIqSettings(url=upstream.url, key=upstream.key)
        target = OutboundIqDials(account, OutboundIqDialsSettings(), max_in_flight=4)
        delivery = Delivery([target], spool, settings, metrics)
        await target.open()
        await spool.start()
        delivery.start()
        try:
            dials = [Dial(f"d{n}", "+15552223333", "+15559876543", 1_760_000_000.0) for n in range(20)]
            await asyncio.gather(*map(spool.put, dials))
            await asyncio.sleep(0.5)
        finally:
            gc.collect()
            left = [one for one in garbage if isinstance(one, ProviderError)]
            await delivery.stop()
            await spool.close()
            await target.close()
    assert metrics.target("outboundiq").retried_total > 3
    assert left == []


def _is_ours(one: object) -> bool:
    """Of the gateway; its simulators are in this process, too."""
    module = type(one).__module__
    return module.startswith("gateway.") and not module.startswith("gateway.simulator")
