"""What one gateway answered is known to another, over a real Redis, and costs a hit in memory nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import pytest

from gateway.assignment.cache import AnswerCache, Found, LeadKey, key_of
from gateway.assignment.campaigns import Campaigns
from gateway.assignment.coalesce import Coalescer
from gateway.assignment.fallback import Fallback
from gateway.assignment.owned import OwnedGuard
from gateway.assignment.recall import SharedAnswers
from gateway.assignment.resolver import Resolver
from gateway.assignment.settings import AssignmentSettings
from gateway.model.decision import Decision, Source
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.stores.redis import RedisStore
from gateway.stores.redis_link import RedisLink
from gateway.telemetry.metrics import CallMetrics, UpstreamMetrics
from tests.assignment.conftest import ANI, ScriptedProvider
from tests.stores.redis_server import REAL_REDIS, Door, RedisServer, door_to, settings_for

LEAD = Lead(PhoneNumber("+12125550123"), "10001", "c1")


@dataclass
class Gateway:
    """One gateway's decision."""

    provider: ScriptedProvider
    resolver: Resolver
    cache: AnswerCache
    answers: SharedAnswers

    async def decide(self, lead: Lead = LEAD) -> Decision:
        decided: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self.resolver.resolve(lead, decided.set_result)
        return await decided

    async def told(self) -> None:
        """Until others know."""
        while self.answers._unwritten:  # noqa: ASYNC110 - bounded by the test
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.02)


@dataclass
class Farm:
    stack: AsyncExitStack
    door: Door
    now_s: float = 1_772_452_800.0
    settings: AssignmentSettings = field(default_factory=AssignmentSettings)

    async def open(self) -> Gateway:
        loop = asyncio.get_running_loop()
        redis = settings_for(self.door.port)
        link = RedisLink(RedisStore(redis), redis)
        self.stack.push_async_callback(link.close)
        await link.start()
        provider = ScriptedProvider(delay_s=0.001)
        coalescer = Coalescer(provider, self.settings, loop, UpstreamMetrics())
        self.stack.push_async_callback(coalescer.close)
        cache = AnswerCache(self.settings, loop.time)
        answers = SharedAnswers(link, self.settings, redis.prefix, time=lambda: self.now_s)
        answers.start()
        self.stack.push_async_callback(answers.close)
        cache.recall = answers
        campaigns = Campaigns(self.settings, {})
        resolver = Resolver(
            deadline_s=0.7,
            lanes={Source.OUTBOUNDIQ: coalescer},
            cache=cache,
            campaigns=campaigns,
            fallback=Fallback(self.settings.fallback, cache=cache, campaigns=campaigns, engine=None),
            owned=OwnedGuard(self.settings, None),
            clock=loop,
            metrics=CallMetrics(),
        )
        self.stack.callback(resolver.close)
        return Gateway(provider, resolver, cache, answers)


@pytest.fixture
async def farm(redis: RedisServer) -> AsyncIterator[Farm]:
    async with AsyncExitStack() as stack:
        yield Farm(stack, await stack.enter_async_context(door_to(redis.port)))


def marked(test: Callable[..., object]) -> Callable[..., object]:
    for mark in REAL_REDIS:
        test = mark(test)
    return test


@marked
async def test_a_lead_one_gateway_asked_for_is_not_asked_for_by_another(farm: Farm) -> None:
    first, second = await farm.open(), await farm.open()
    assert (await first.decide()).source is Source.OUTBOUNDIQ
    await first.told()
    decision = await second.decide()
    assert (decision.ani, decision.source) == (ANI, Source.CACHE)
    assert second.provider.sent == []


@marked
async def test_an_answer_is_shared_no_longer_than_it_would_be_cached(farm: Farm) -> None:
    first, second = await farm.open(), await farm.open()
    await first.decide()
    await first.told()
    farm.now_s += 31
    assert (await second.decide()).source is Source.OUTBOUNDIQ


@marked
async def test_an_old_answer_of_another_gateway_serves_when_nobody_answers(farm: Farm) -> None:
    first, second = await farm.open(), await farm.open()
    await first.decide()
    await first.told()
    farm.now_s += 600
    second.provider.delay_s = 10.0
    decision = await second.decide()
    assert (decision.ani, decision.source) == (ANI, Source.STALE)


@marked
async def test_a_prospect_keeps_its_number_whichever_gateway_calls(farm: Farm) -> None:
    farm.settings = replace(farm.settings, sticky_days=7)
    first, second = await farm.open(), await farm.open()
    await first.decide()
    await first.told()
    farm.now_s += 86_400
    decision = await second.decide(LEAD._replace(zip="94105"))
    assert (decision.ani, decision.source) == (ANI, Source.STICKY)


@marked
async def test_without_redis_calls_are_decided_as_if_there_were_none(farm: Farm) -> None:
    gateway = await farm.open()
    await farm.door.shut()
    for number in range(5):
        decision = await gateway.decide(Lead(PhoneNumber(f"+1212555013{number}"), "10001", "c1"))
        assert decision.source is Source.OUTBOUNDIQ


@marked
async def test_a_redis_that_answers_late_costs_a_call_one_budget_and_later_calls_nothing(farm: Farm) -> None:
    gateway = await farm.open()
    farm.door.delay_s = 5.0
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for number in range(6):
        await gateway.decide(Lead(PhoneNumber(f"+1212555013{number}"), "10001", "c1"))
    assert loop.time() - began_s < 1.5


class Unheard:
    """A second level that must not be asked."""

    def look(self, key: LeadKey, found: Found) -> None:
        raise AssertionError(key, found)

    def tell(self, key: LeadKey, ani: PhoneNumber) -> None:
        raise AssertionError(key, ani)


def test_a_number_from_another_gateway_is_kept_with_its_age_and_not_told_back() -> None:
    now = 100.0
    cache = AnswerCache(AssignmentSettings(), lambda: now)
    cache.recall = Unheard()
    cache.keep(key_of(LEAD), ANI, age_s=20.0)
    now += 9.0
    assert cache.fresh(key_of(LEAD)) is not None
    now += 2.0
    assert cache.fresh(key_of(LEAD)) is None
    assert cache.stale(key_of(LEAD)) == ANI


def test_no_two_leads_have_the_same_place() -> None:
    answers = SharedAnswers.__new__(SharedAnswers)
    answers._prefix = "p:"
    leads = [
        LEAD,
        LEAD._replace(campaign="c1|x"),
        LEAD._replace(campaign="", pools=("c1",)),
        LEAD._replace(pools=("a", "b")),
        LEAD._replace(pools=("a|b",)),
        LEAD._replace(branded=True),
        LEAD._replace(branded=False),
        LEAD._replace(zip=""),
    ]
    assert len({answers._answer_key(key_of(lead)) for lead in leads}) == len(leads)
