import asyncio
from collections.abc import AsyncIterator
from itertools import islice
from typing import cast

import pytest

from gateway.simulator.scenario import Figures, Scenario, run_scenario, sample_calls

FAST = Scenario(calls_per_s=2000, max_calls=100, call_timeout_s=5, interval_s=0.02)
REPLY = b'SET VARIABLE GATEWAY_STATUS "ASSIGNED"\nSET VARIABLE GATEWAY_SOURCE "engine"\n'


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A gateway that assigns to everybody."""

    class Assigning(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            stream = cast("asyncio.Transport", transport)
            stream.write(REPLY)
            stream.write_eof()

    server = await asyncio.get_running_loop().create_server(Assigning, "127.0.0.1", 0, backlog=1024)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def last_of(figures: AsyncIterator[Figures]) -> Figures:
    return [figure async for figure in figures][-1]


async def test_every_call_is_placed_and_ends_in_the_last_figures(port: int) -> None:
    seen: list[tuple[str, str]] = []
    last = await last_of(
        run_scenario(
            "127.0.0.1",
            port,
            FAST,
            on_result=lambda request, result: seen.append((request.phone, result.status)),
        )
    )
    assert (last.placed, last.ended, last.open, last.skipped, last.timed_out) == (100, 100, 0, 0, 0)
    assert last.by_status == {"ASSIGNED": 100}
    assert last.by_source == {"engine": 100}
    assert last.protocol_errors == 0
    assert len(seen) == 100
    assert {status for _phone, status in seen} == {"ASSIGNED"}


async def test_calls_beyond_the_bound_are_counted_as_skipped() -> None:
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        scenario = Scenario(calls_per_s=2000, max_calls=20, max_open=5, call_timeout_s=0.2, interval_s=1)
        last = await last_of(run_scenario("127.0.0.1", port, scenario))
    assert (last.placed, last.skipped, last.timed_out) == (5, 15, 5)
    assert last.by_status == {"": 5}


async def test_scenario_ends_after_its_duration(port: int) -> None:
    scenario = Scenario(calls_per_s=100, duration_s=0.1, interval_s=1)
    last = await last_of(run_scenario("127.0.0.1", port, scenario))
    assert last.placed == last.ended
    assert last.elapsed_s < 1


async def test_leaving_early_cancels_what_is_open(port: int) -> None:
    figures = run_scenario("127.0.0.1", port, Scenario(calls_per_s=500, interval_s=0.02))
    async for figure in figures:
        assert figure.p50_ms is None or figure.p50_ms >= 0
        break
    await figures.aclose()
    assert len(asyncio.all_tasks()) == 1


def test_equal_seeds_dial_equal_numbers_with_redials() -> None:
    one, two = (list(islice(sample_calls(Scenario(seed=7)), 200)) for _ in range(2))
    assert one == two
    assert 100 < len({request.phone for request in one}) < 180
