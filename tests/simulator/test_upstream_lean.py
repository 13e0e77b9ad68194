import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from gateway.simulator.upstream_answers import ani_for
from gateway.simulator.upstream_lean import LeanCounters, start_lean_upstream


@pytest.fixture
async def lean() -> AsyncIterator[tuple[LeanCounters, asyncio.StreamReader, asyncio.StreamWriter]]:
    counters = LeanCounters()
    server = await start_lean_upstream(counters)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield counters, reader, writer
        writer.close()
        await writer.wait_closed()


def request(path: str, body: object) -> bytes:
    payload = orjson.dumps(body)
    return b"POST %s HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(payload)) + payload


async def answer(reader: asyncio.StreamReader) -> object:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return orjson.loads(await reader.readexactly(length))


async def test_single_and_batch_get_the_numbers_of_their_phones(
    lean: tuple[LeanCounters, asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    counters, reader, writer = lean
    wire = request("/assignment", {"prospect_phone": "5559876543"})
    wire += request("/assignment/batch", {"leads": [{"row_id": "a", "prospect_phone": "5551234567"}]})
    for at in range(len(wire)):
        writer.write(wire[at : at + 1])
    first, second = await answer(reader), await answer(reader)
    assert isinstance(first, dict)
    assert first["ani"] == ani_for("5559876543")
    assert second == {
        "success": True,
        "results": [{"row_id": "a", "outboundani": ani_for("5551234567"), "error": ""}],
    }
    assert (counters.requests, counters.batches, counters.leads, counters.connections) == (2, 1, 2, 1)


async def test_a_dial_record_is_counted_once_and_a_repeat_or_a_wrong_number_is_told(
    lean: tuple[LeanCounters, asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    counters, reader, writer = lean
    right = {"dial_id": "1.1-1", "prospect_phone": "5559876543", "ani": ani_for("5559876543")}
    wrong = {"dial_id": "1.2-1", "prospect_phone": "5559876543", "ani": "5550000000"}
    for dial in (right, right, wrong):
        writer.write(request("/dials", dial))
        assert await answer(reader) == {"message": "dial queued"}
    assert counters.dial_ids == {"1.1-1", "1.2-1"}
    assert (counters.repeated_dials, counters.wrong_dials, counters.requests) == (1, 1, 0)
