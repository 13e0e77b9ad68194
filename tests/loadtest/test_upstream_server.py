from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.simulator.upstream import DEFAULT_KEY, UpstreamSimulator
from gateway.simulator.upstream_answers import Fault, ani_for
from loadtest.upstream_server import Control, CountingLedger, LyingUpstream

HEADERS = {"Authorization": f"Bearer {DEFAULT_KEY}"}


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamSimulator]:
    async with UpstreamSimulator() as upstream:
        yield upstream


@pytest.fixture
async def control(upstream: UpstreamSimulator) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    app = Control(upstream, CountingLedger(), delay_s=0.001, slow_s=0.002).app()
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield client


async def test_the_fault_is_set_from_outside(
    upstream: UpstreamSimulator,
    control: TestClient,  # type: ignore[type-arg]
) -> None:
    assert (await control.put("/fault", data="503")).status == 204
    assert upstream.fault is Fault.UNAVAILABLE
    assert (await (await control.get("/")).json())["fault"] == "503"


@pytest.mark.parametrize(("fault", "delay_s"), [("none", 0.001), ("slow", 0.002)])
async def test_an_upstream_that_is_well_takes_its_time_too(
    upstream: UpstreamSimulator,
    control: TestClient,  # type: ignore[type-arg]
    fault: str,
    delay_s: float,
) -> None:
    assert (await control.put("/fault", data=fault)).status == 204
    assert (upstream.fault, upstream.delay_s) == (Fault.SLOW, delay_s)


async def test_an_unknown_fault_is_refused_with_those_there_are(
    control: TestClient,  # type: ignore[type-arg]
) -> None:
    answer = await control.put("/fault", data="tired")
    assert answer.status == 400
    assert "silent" in await answer.text()


async def test_a_lying_upstream_gives_every_tenth_number_wrong() -> None:
    phones = [f"212555{number:04}" for number in range(100)]
    leads = [{"row_id": phone, "prospect_phone": phone} for phone in phones]
    async with LyingUpstream() as upstream, aiohttp.ClientSession(headers=HEADERS) as session:
        answer = await session.post(f"{upstream.url}/assignment/batch", json={"leads": leads})
        rows = (await answer.json())["results"]
    assert sum(row["outboundani"] != ani_for(row["row_id"]) for row in rows) == 10


def test_all_records_are_counted_though_only_the_last_are_kept() -> None:
    ledger = CountingLedger()
    for dial_id in ("a", "b", "a"):
        ledger.keep(dial_id, {})
    assert (ledger.received, ledger.repeats) == (3, 1)
