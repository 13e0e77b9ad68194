"""Gateways, as their operator starts them, that share a Redis: caps, outages and workers."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from gateway.engine.geo_cache import open_geography
from gateway.simulator.asterisk import CallResult, place_call
from gateway.simulator.call import CallRequest
from tests.scenarios.conftest import RunningGateway, StartGateway
from tests.stores.redis_server import REAL_REDIS, RedisServer, door_to

pytestmark = REAL_REDIS
NUMBERS = 4
CAP = 5
SETTINGS = """
[engine]
database = "{database}"
inventory = "{inventory}"
cache_dir = "{geography}"
daily_cap = 5

[redis]
url = "redis://127.0.0.1:{port}/0"
timeout_s = 0.2
probe_s = 0.05

[campaigns.c1]
providers = ["engine"]

[service]
workers = {workers}
"""


async def called(gateway: RunningGateway, first: int, count: int) -> list[CallResult]:
    requests = [
        CallRequest(f"1212{2_000_000 + n}", "10001", "c1", one_write=True)
        for n in range(first, first + count)
    ]
    calls = (place_call("127.0.0.1", gateway.port, request, timeout_s=5) for request in requests)
    return list(await asyncio.gather(*calls))


def starting(
    start_gateway: StartGateway, folder: Path, geography: Path, port: int
) -> Callable[..., RunningGateway]:
    open_geography(str(geography))  # which several processes would else fold at the same time
    inventory = folder / "anis.csv"
    inventory.write_text("number\n" + "".join(f"212555010{number}\n" for number in range(NUMBERS)))

    def start(name: str, workers: int = 1) -> RunningGateway:
        more = SETTINGS.format(
            database=folder / f"{name}.db",
            inventory=inventory,
            geography=geography,
            port=port,
            workers=workers,
        )
        return start_gateway("http://127.0.0.1:1", assignment="fallback = []", more=more)

    return start


async def test_no_number_goes_over_its_cap_over_gateways_and_workers(
    start_gateway: StartGateway, tmp_path: Path, geography_dir: Path, redis: RedisServer
) -> None:
    start = starting(start_gateway, tmp_path, geography_dir, redis.port)
    gateways = [start("one", workers=2), start("two")]
    results = await asyncio.gather(*(called(gateway, 50 * n, 40) for n, gateway in enumerate(gateways)))
    given = Counter(result.ani for some in results for result in some if result.ani)
    assert set(given.values()) == {CAP}
    assert len(given) == NUMBERS
    assert {result.status for some in results for result in some} == {"ASSIGNED", "UNCHANGED"}


async def test_calls_are_answered_while_redis_is_shut_and_slow(
    start_gateway: StartGateway, tmp_path: Path, geography_dir: Path, redis: RedisServer
) -> None:
    async with door_to(redis.port) as door:
        gateway = starting(start_gateway, tmp_path, geography_dir, door.port)("one")
        door.delay_s = 1.0
        slow = await called(gateway, 0, 5)
        door.delay_s = 0.0
        await door.shut()
        shut = await called(gateway, 10, 5)
    assert all(result.ani for result in slow + shut)
