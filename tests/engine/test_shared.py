"""Engines that agree on their choices over a real Redis, each with a database of its own: several nodes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.engine.provider import EngineProvider
from gateway.engine.settings import EngineSettings
from gateway.engine.shared import SharedEngine
from gateway.model.decision import Reason
from gateway.model.inventory import Ani, Campaign, CampaignType, Inventory
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import Answer
from gateway.stores.inventory import MIGRATIONS, InventoryStore
from gateway.stores.redis import RedisStore
from gateway.stores.redis_link import RedisLink
from gateway.stores.redis_uses import seen_key
from gateway.stores.sqlite import SqliteDatabase
from tests.stores.redis_server import REAL_REDIS, Door, RedisServer, door_to, settings_for

pytestmark = REAL_REDIS
NOON_S = 1_772_452_800.0  # 2026-03-02 12:00 UTC
ANIS = [Ani(PhoneNumber(f"+1212555{number:04}"), "c1") for number in range(10)]


@dataclass
class Clock:
    now_s: float = NOON_S

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Node:
    """What one process of the gateway has of this."""

    engine: EngineProvider
    link: RedisLink
    shared: SharedEngine
    given: list[str] = field(default_factory=list)

    async def call(self, prospect: int = 1) -> str | None:
        """One call; the number it shows."""
        answered: asyncio.Future[Answer | Reason] = asyncio.get_running_loop().create_future()
        lead = Lead(PhoneNumber(f"+1212777{prospect:04}"), campaign="c1")
        self.shared.ask(lead, 0.0, answered.set_result)
        answer = await answered
        assert isinstance(answer, Answer)
        if answer.ani is None:
            return None
        self.given.append(answer.ani.e164)
        return answer.ani.e164

    async def in_step(self) -> None:
        """Until all was told and the link is up."""
        while not self.link.is_up or self.shared._tallies.is_behind:  # noqa: ASYNC110 - bounded by the test
            await asyncio.sleep(0.005)
        await self.shared._turn([])

    def knows(self, number: str) -> int:
        """How often it believes a number was used today, by whomever."""
        return self.shared._tallies._tally(number).count


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def farm(redis: RedisServer, cache_dir: Path, tmp_path: Path, clock: Clock) -> AsyncIterator["Farm"]:
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(door_to(redis.port))
        yield Farm(stack, door, str(cache_dir), tmp_path, clock)


@dataclass
class Farm:
    """Several nodes before one Redis, and the door to it."""

    stack: AsyncExitStack
    door: Door
    cache_dir: str
    folder: Path
    clock: Clock
    nodes: list[Node] = field(default_factory=list)

    async def open(self, *, budget_s: float = 0.25, **limits: float) -> Node:
        path = str(self.folder / f"engine-{len(self.nodes)}.db")
        database = SqliteDatabase.open(path, MIGRATIONS)
        InventoryStore(database).save(
            Inventory(anis=tuple(ANIS), campaigns=(Campaign("c1", "One", CampaignType.OUTBOUND),))
        )
        database.close()
        settings = EngineSettings(database=path, cache_dir=self.cache_dir, timezone="UTC", **limits)  # type: ignore[arg-type]
        engine = EngineProvider.open(settings, clock=self.clock)
        self.stack.callback(engine.close)
        redis = settings_for(self.door.port, timeout_s=budget_s)
        link = RedisLink(RedisStore(redis), redis)
        self.stack.push_async_callback(link.close)
        await link.start()
        shared = SharedEngine(engine, link, settings, redis)
        self.stack.push_async_callback(shared.close)
        await shared.start()
        node = Node(engine, link, shared)
        self.nodes.append(node)
        return node

    def given(self) -> Counter[str]:
        return Counter(number for node in self.nodes for number in node.given)


async def test_no_number_goes_over_its_daily_cap_over_all_nodes(farm: Farm) -> None:
    nodes = [await farm.open(daily_cap=3) for _ in range(3)]
    answers = await asyncio.gather(*(nodes[n % 3].call(n) for n in range(60)))
    assert sum(answer is not None for answer in answers) == 30
    assert farm.given() == {ani.number.e164: 3 for ani in ANIS}


async def test_no_number_goes_over_its_hourly_cap_over_all_nodes(farm: Farm) -> None:
    nodes = [await farm.open(hourly_cap=2) for _ in range(3)]
    for turn in range(10):
        farm.clock.now_s += 60
        await asyncio.gather(*(node.call(turn) for node in nodes))
    assert farm.given() == {ani.number.e164: 2 for ani in ANIS}
    farm.clock.now_s += 3600
    assert await nodes[0].call() is not None


async def test_a_number_cools_down_for_all_nodes(farm: Farm) -> None:
    nodes = [await farm.open(cool_down_s=30) for _ in range(2)]
    answers = await asyncio.gather(*(nodes[n % 2].call(n) for n in range(14)))
    assert sum(answer is not None for answer in answers) == 10
    assert set(farm.given().values()) == {1}
    farm.clock.now_s += 31
    assert await nodes[0].call() is not None


async def test_who_asks_over_http_keeps_the_caps_of_all_nodes_too(farm: Farm) -> None:
    nodes = [await farm.open(daily_cap=3) for _ in range(3)]
    lead = Lead(PhoneNumber("+12127770199"), campaign="c1")
    choices = await asyncio.gather(*(nodes[n % 3].engine.choose_agreed(lead) for n in range(60)))
    assert Counter(choice.ani.e164 for choice in choices if choice) == {ani.number.e164: 3 for ani in ANIS}


async def test_a_choice_that_did_not_wait_is_told_at_once(farm: Farm) -> None:
    first, second = await farm.open(), await farm.open()
    answer = first.engine.assign_now(Lead(PhoneNumber("+12127770199"), campaign="c1"))
    assert answer.ani is not None
    await first.in_step()
    await second.in_step()
    assert second.knows(answer.ani.e164) == 1


async def test_uses_are_spread_evenly_over_all_numbers_by_nodes_that_take_turns(farm: Farm) -> None:
    nodes = [await farm.open() for _ in range(2)]
    for turn in range(40):
        await nodes[turn % 2].call(turn)
        await nodes[1 - turn % 2].in_step()
    assert max(farm.given().values()) - min(farm.given().values()) <= 1


async def test_a_prospect_is_shown_the_same_number_by_every_node(farm: Farm) -> None:
    nodes = [await farm.open(sticky_days=30) for _ in range(2)]
    shown = [await nodes[0].call(7)]
    for turn in range(6):
        farm.clock.now_s += 1
        await nodes[turn % 2].call(100 + turn)
        shown.append(await nodes[turn % 2].call(7))
    assert len(set(shown)) == 1


async def test_what_none_of_us_wrote_costs_no_call_its_number(farm: Farm) -> None:
    node = await farm.open(sticky_days=30)
    key = seen_key(node.shared._prefix, "+12127770001")
    for strange in ("nonsense", "+12125550100|soon", "|"):
        await node.link.write([(key, strange, 60.0)])
        assert await node.call(1) is not None


async def test_calls_are_counted_alone_while_redis_is_away_and_all_uses_are_merged_once(farm: Farm) -> None:
    nodes = [await farm.open() for _ in range(3)]
    await asyncio.gather(*(nodes[n % 3].call(n) for n in range(30)))
    await farm.door.shut()
    await asyncio.gather(*(nodes[n % 3].call(n) for n in range(90)))
    await farm.door.open()
    for _ in range(2):
        for node in nodes:
            await node.in_step()
    for node in nodes:
        assert {number: node.knows(number) for number in farm.given()} == farm.given()


async def test_a_redis_that_answers_late_delays_no_call_by_more_than_its_budgets(farm: Farm) -> None:
    nodes = [await farm.open(budget_s=0.05) for _ in range(2)]
    await asyncio.gather(*(node.call() for node in nodes))
    farm.door.delay_s = 1.0
    loop = asyncio.get_running_loop()
    longest_s = 0.0
    for turn in range(50):
        began_s = loop.time()
        assert await nodes[turn % 2].call(turn) is not None
        longest_s = max(longest_s, loop.time() - began_s)
    assert longest_s < 0.3
    assert not any(node.link.is_up for node in nodes)
    farm.door.delay_s = 0.0
    for _ in range(2):
        for node in nodes:
            await node.in_step()
    for node in nodes:
        assert {number: node.knows(number) for number in farm.given()} == farm.given()


async def test_what_redis_forgot_is_put_back_by_the_nodes(farm: Farm, redis: RedisServer) -> None:
    nodes = [await farm.open(daily_cap=4) for _ in range(3)]
    await asyncio.gather(*(nodes[n % 3].call(n) for n in range(20)))
    for node in nodes:
        await node.in_step()
    redis.cli("FLUSHALL")
    redis.cli("SCRIPT", "FLUSH")
    await asyncio.gather(*(nodes[n % 3].call(n) for n in range(60)))
    assert farm.given() == {ani.number.e164: 4 for ani in ANIS}


async def test_uses_of_a_node_that_left_are_put_back_by_the_others(farm: Farm, redis: RedisServer) -> None:
    first, second = [await farm.open(daily_cap=2) for _ in range(2)]
    await asyncio.gather(*(first.call(n) for n in range(10)))
    await first.shared.close()
    await second.in_step()
    redis.cli("FLUSHALL")
    await asyncio.gather(*(second.call(n) for n in range(30)))
    assert farm.given() == {ani.number.e164: 2 for ani in ANIS}
    third = await farm.open(daily_cap=2)
    assert await third.call() is None


async def test_a_node_that_comes_later_knows_what_was_used(farm: Farm) -> None:
    first = await farm.open(daily_cap=1)
    await asyncio.gather(*(first.call(n) for n in range(10)))
    late = await farm.open(daily_cap=1)
    assert await late.call() is None


async def test_a_day_begins_for_all_with_counters_at_nothing(farm: Farm) -> None:
    nodes = [await farm.open(daily_cap=1) for _ in range(2)]
    await asyncio.gather(*(nodes[n % 2].call(n) for n in range(10)))
    assert await nodes[0].call() is None
    farm.clock.now_s += 86_400
    answers = await asyncio.gather(*(nodes[n % 2].call(n) for n in range(12)))
    assert sum(answer is not None for answer in answers) == 10


async def test_a_gateway_starts_while_redis_is_away(farm: Farm) -> None:
    await farm.door.shut()
    node = await farm.open()
    assert await node.call() is not None
    await farm.door.open()
    await node.in_step()
    assert node.link.is_up
