"""The page on a running gateway: real calls, a real outage, a real end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.admin.settings import AdminSettings
from gateway.agi.settings import AgiSettings
from gateway.assignment.settings import AssignmentSettings
from gateway.config.settings import Settings
from gateway.engine.inventory import SAMPLE
from gateway.engine.settings import EngineSettings
from gateway.model.decision import Source
from gateway.providers.outboundiq_account import OutboundIqSettings
from gateway.service.wiring import Gateway
from gateway.simulator.scenario import Scenario, run_scenario
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault
from tests.browser.chromium import Browser

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.xdist_group("chromium"),
    pytest.mark.timeout(400),
]
LIVE = "document.body.dataset.fresh === 'live'"


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamSimulator]:
    async with UpstreamSimulator() as server:
        yield server


@asynccontextmanager
async def under_load(gateway: Gateway) -> AsyncIterator[None]:
    """100 calls a second, as long as it takes."""

    async def place() -> None:
        scenario = Scenario(calls_per_s=100, duration_s=60, call_timeout_s=10.0)
        async for _ in run_scenario("127.0.0.1", gateway.agi_addresses[0][1], scenario):
            pass

    placing = asyncio.create_task(place())
    try:
        yield
    finally:
        placing.cancel()
        await asyncio.gather(placing, return_exceptions=True)


async def test_calls_an_outage_and_the_end_of_a_gateway_are_shown(
    browser: Browser, upstream: UpstreamSimulator, tmp_path: Path
) -> None:
    gateway = Gateway(
        Settings(
            agi=AgiSettings(listen=("127.0.0.1:0",)),
            assignment=AssignmentSettings(
                providers=(Source.OUTBOUNDIQ,), breaker_open_s=30, breaker_max_open_s=30
            ),
            outboundiq=OutboundIqSettings(url=upstream.url, key=upstream.key),
            engine=EngineSettings(inventory=str(SAMPLE), database=str(tmp_path / "engine.db")),
            admin=AdminSettings(listen="127.0.0.1:0"),
        )
    )
    await gateway.start()
    try:
        assert gateway.admin_address is not None
        host, port = gateway.admin_address
        tab = await browser.open(f"http://{host}:{port}/")
        await tab.until(LIVE)
        async with under_load(gateway):
            await tab.until(
                "/outboundIQ\\s+\\d+\\.\\d %/.test(document.querySelector('#by-source').innerText)"
            )
            await tab.until("document.querySelectorAll('#last-calls tr').length === 20")
            assert "Assigned by outboundIQ" in await tab.text("#last-calls")
            await upstream.set_fault(Fault.UNAVAILABLE)
            await tab.until("document.querySelector('#state').innerText.includes('degraded')")
            await tab.until("document.querySelector('#upstreams').innerText.includes('resting')")
            await tab.until("document.querySelector('#last-calls').innerText.includes('Fallback by engine')")
        page = await tab.text()
        assert [word for word in ("NaN", "undefined", "null", "cannot be shown") if word in page] == []
        assert tab.complaints == []
        async with asyncio.timeout(1):  # an open dashboard holds up no end
            await gateway.stop()
        await tab.until(
            "document.querySelector('#fresh').innerText.includes('the gateway cannot be reached')"
        )
    finally:
        await gateway.stop()
