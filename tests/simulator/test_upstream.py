import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson
import pytest

from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import HOSTILE_ANI, HUGE_BYTES, Fault, ani_for

PHONE = "5559876543"
BATCH = {"leads": [{"row_id": str(row), "prospect_phone": f"555987654{row}"} for row in range(4)]}
JSON_FAULTS = [Fault.NONE, Fault.WRONG_TYPES, Fault.HOSTILE_ANI, Fault.HOSTILE_MESSAGE, Fault.IMPLAUSIBLE_ANI]


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamSimulator]:
    async with UpstreamSimulator() as simulator:
        yield simulator


@pytest.fixture
async def client(upstream: UpstreamSimulator) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {upstream.key}"}
    async with aiohttp.ClientSession(upstream.url, headers=headers) as session:
        yield session


async def ask(client: aiohttp.ClientSession, body: dict[str, Any], path: str = "/assignment") -> Any:
    async with client.post(path, data=orjson.dumps(body)) as response:
        return orjson.loads(await response.read())


async def status(client: aiohttp.ClientSession) -> int:
    async with client.post("/assignment", data=orjson.dumps({"prospect_phone": PHONE})) as response:
        return response.status


async def test_the_same_phone_gets_the_same_number_in_every_form(client: aiohttp.ClientSession) -> None:
    answers = [(await ask(client, {"prospect_phone": phone}))["ani"] for phone in (PHONE, "1" + PHONE)]
    assert answers == [ani_for(PHONE)] * 2
    assert answers[0].startswith("555")


async def test_batch_answers_each_row_by_its_phone(
    client: aiohttp.ClientSession, upstream: UpstreamSimulator
) -> None:
    answer = await ask(client, BATCH, "/assignment/batch")
    assert answer["results"] == [
        {"row_id": lead["row_id"], "outboundani": ani_for(lead["prospect_phone"]), "error": ""}
        for lead in BATCH["leads"]
    ]
    counters = upstream.counters
    assert (counters.requests, counters.batches, counters.leads) == (1, 1, 4)


async def test_wrong_key_is_refused_and_counted(
    client: aiohttp.ClientSession, upstream: UpstreamSimulator
) -> None:
    upstream.key = "another"
    assert await status(client) == 401
    assert upstream.counters.rejected_keys == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.UNAUTHORIZED, 401),
        (Fault.FORBIDDEN, 403),
        (Fault.RATE_LIMITED, 429),
        (Fault.SERVER_ERROR, 500),
        (Fault.UNAVAILABLE, 503),
        (Fault.NO_ANI_200, 200),
        (Fault.NO_ANI_404, 404),
        (Fault.NO_ANI_422, 422),
    ],
)
async def test_fault_answers_with_its_status(
    client: aiohttp.ClientSession, upstream: UpstreamSimulator, fault: Fault, expected: int
) -> None:
    await upstream.set_fault(fault)
    assert await status(client) == expected


async def test_retry_after_comes_in_seconds_and_as_a_date(
    client: aiohttp.ClientSession, upstream: UpstreamSimulator
) -> None:
    await upstream.set_fault(Fault.RATE_LIMITED_SECONDS)
    async with client.post("/assignment", data=b"{}") as response:
        assert response.headers["Retry-After"] == "1"
    await upstream.set_fault(Fault.RATE_LIMITED_DATE)
    async with client.post("/assignment", data=b"{}") as response:
        wait = parsedate_to_datetime(response.headers["Retry-After"]) - datetime.now(UTC)
        assert -1 <= wait.total_seconds() <= 1


@pytest.mark.parametrize("fault", JSON_FAULTS)
async def test_hostile_answers_are_valid_json(
    client: aiohttp.ClientSession, upstream: UpstreamSimulator, fault: Fault
) -> None:
    """The client must be hurt by the content, not by the envelope."""
    await upstream.set_fault(fault)
    answer = await ask(client, {"prospect_phone": PHONE})
    assert (answer.get("ani") == HOSTILE_ANI) is (fault is Fault.HOSTILE_ANI)
    assert (await ask(client, BATCH, "/assignment/batch"))["success"]


async def test_broken_bodies_are_broken(client: aiohttp.ClientSession, upstream: UpstreamSimulator) -> None:
    await upstream.set_fault(Fault.MALFORMED)
    with pytest.raises(orjson.JSONDecodeError):
        await ask(client, {"prospect_phone": PHONE})
    await upstream.set_fault(Fault.HUGE)
    async with client.post("/assignment", data=b"{}") as response:
        assert len(await response.read()) > HUGE_BYTES
    await upstream.set_fault(Fault.CUT_BODY)
    with pytest.raises(aiohttp.ClientPayloadError):
        await ask(client, {"prospect_phone": PHONE})


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.REFUSED])
async def test_broken_connections_are_broken(
    client: aiohttp.ClientSession, upstream: UpstreamSimulator, fault: Fault
) -> None:
    await upstream.set_fault(fault)
    with pytest.raises(aiohttp.ClientConnectionError):
        await status(client)


async def test_port_stays_the_same_after_a_refusal(
    client: aiohttp.ClientSession, upstream: UpstreamSimulator
) -> None:
    await upstream.set_fault(Fault.REFUSED)
    await upstream.set_fault(Fault.NONE)
    assert await status(client) == 200


async def test_stale_connection_breaks_on_its_second_request_only(
    client: aiohttp.ClientSession, upstream: UpstreamSimulator
) -> None:
    await upstream.set_fault(Fault.STALE_KEEPALIVE)
    assert await status(client) == 200
    with pytest.raises(aiohttp.ClientConnectionError):
        await status(client)
    assert await status(client) == 200


async def test_silence_lasts_until_the_fault_changes(
    client: aiohttp.ClientSession, upstream: UpstreamSimulator
) -> None:
    await upstream.set_fault(Fault.SILENT)
    waiting = asyncio.create_task(status(client))
    await asyncio.wait([waiting], timeout=0.05)
    assert not waiting.done()
    assert upstream.counters.requests == 1
    await upstream.set_fault(Fault.NONE)
    with pytest.raises(aiohttp.ClientConnectionError):
        await waiting


@pytest.mark.parametrize(
    ("fault", "rows"),
    [
        (Fault.MISSING_ROWS, ["0", "2"]),
        (Fault.SHUFFLED_ROWS, ["3", "2", "1", "0"]),
        (Fault.DUPLICATE_ROWS, ["0", "1", "2", "3", "0", "1", "2", "3"]),
    ],
)
async def test_batch_rows_go_wrong_as_told(
    client: aiohttp.ClientSession, upstream: UpstreamSimulator, fault: Fault, rows: list[str]
) -> None:
    await upstream.set_fault(fault)
    answer = await ask(client, BATCH, "/assignment/batch")
    assert [row["row_id"] for row in answer["results"]] == rows
