import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from gateway.assignment.cache import AnswerCache
from gateway.assignment.campaigns import Campaigns
from gateway.assignment.coalesce import Coalescer
from gateway.assignment.fallback import Fallback
from gateway.assignment.lane import Lane, LocalLane
from gateway.assignment.owned import OwnedGuard
from gateway.assignment.resolver import Resolver
from gateway.assignment.settings import AssignmentSettings, CampaignSettings
from gateway.model.decision import Decision, Reason, Source, Status
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import Answer, ProviderError, RefusedError, UnavailableError
from gateway.simulator.clock import SimulatedTimeLoop
from gateway.telemetry.metrics import CallMetrics, UpstreamMetrics

from .conftest import ANI, ScriptedProvider

pytestmark = pytest.mark.simulated_time

ENGINE_ANI = PhoneNumber("+13055550100")
DEFAULT = "+18005550199"
BASE = AssignmentSettings(batching=False)

Make = Callable[[int], Lead]


class Engine:
    """An in-process provider with one number, or none, or a fault."""

    source = Source.ENGINE

    def __init__(self, answer: PhoneNumber | Exception | None = ENGINE_ANI) -> None:
        self.answer = answer

    def assign_now(self, lead: Lead) -> Answer:
        del lead
        if isinstance(self.answer, Exception):
            raise self.answer
        return Answer(self.answer)


class Numbers:
    """An inventory of one number."""

    def owns(self, ani: PhoneNumber) -> bool:
        return ani == ENGINE_ANI


class Deciding:
    """A resolver over scripted providers, and what it delivered."""

    def __init__(
        self,
        *providers: ScriptedProvider,
        settings: AssignmentSettings = BASE,
        campaigns: Mapping[str, CampaignSettings] | None = None,
        engine: Engine | None = None,
        inventory: Numbers | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.metrics = CallMetrics()
        lanes: dict[Source, Lane] = {
            one.source: Coalescer(one, settings, self.loop, UpstreamMetrics()) for one in providers
        }
        local = LocalLane(engine) if engine else None
        if local:
            lanes[Source.ENGINE] = local
        cache = AnswerCache(settings, self.loop.time)
        looked_up = Campaigns(settings, campaigns or {})
        self.resolver = Resolver(
            deadline_s=settings.deadline_s,
            lanes=lanes,
            cache=cache,
            campaigns=looked_up,
            fallback=Fallback(settings.fallback, cache=cache, campaigns=looked_up, engine=local),
            owned=OwnedGuard(settings, inventory),
            clock=self.loop,
            metrics=self.metrics,
        )
        self.decisions: list[Decision] = []
        self.took_s: list[float] = []

    def resolve(self, lead: Lead) -> None:
        started = self.loop.time()

        def deliver(decision: Decision) -> None:
            self.decisions.append(structs.replace(decision, waits=None))
            self.took_s.append(self.loop.time() - started)

        self.resolver.resolve(lead, deliver)


async def test_a_provider_answers_then_the_cache(provider: ScriptedProvider, lead: Make) -> None:
    deciding = Deciding(provider)
    deciding.resolve(lead(1))
    await asyncio.sleep(0.1)
    deciding.resolve(lead(1))
    assert deciding.decisions == [
        Decision(Status.ASSIGNED, Source.OUTBOUNDIQ, ANI),
        Decision(Status.ASSIGNED, Source.CACHE, ANI),
    ]
    assert provider.sent == [1]


async def test_a_lead_that_asks_why_is_told_who_said_what_and_never_gets_a_kept_answer(lead: Make) -> None:
    refusing = ScriptedProvider(script=lambda _, __: UnavailableError("down"))
    deciding = Deciding(refusing, settings=replace(BASE, fallback=(Source.ENGINE,)), engine=Engine())
    why = lead(1)._replace(explain=True)
    for one in (why, why, lead(1)):
        deciding.resolve(one)
        await asyncio.sleep(0.1)
    told = Decision(
        Status.FALLBACK,
        Source.ENGINE,
        ENGINE_ANI,
        Reason.UNAVAILABLE,
        "outboundiq: unavailable; fallback engine",
    )
    assert deciding.decisions == [told, told, structs.replace(told, explanation="")]


async def test_an_explained_number_is_asked_for_each_time(provider: ScriptedProvider, lead: Make) -> None:
    deciding = Deciding(provider)
    for _ in range(2):
        deciding.resolve(lead(1)._replace(explain=True))
        await asyncio.sleep(0.1)
    assert [one.source for one in deciding.decisions] == [Source.OUTBOUNDIQ] * 2
    assert [one.explanation for one in deciding.decisions] == ["outboundiq: a number"] * 2
    assert provider.sent == [1, 1]


async def test_equal_leads_at_once_are_asked_once(provider: ScriptedProvider, lead: Make) -> None:
    deciding = Deciding(provider)
    for _ in range(50):
        deciding.resolve(lead(1))
    deciding.resolve(lead(2))
    await asyncio.sleep(0.1)
    assert len(deciding.decisions) == 51
    assert provider.sent == [1, 1]


async def test_a_silent_provider_ends_at_the_deadline(lead: Make) -> None:
    deciding = Deciding(ScriptedProvider(delay_s=60))
    deciding.resolve(lead(1))
    await asyncio.sleep(2)
    assert deciding.decisions == [Decision(Status.UNCHANGED, reason=Reason.TIMEOUT)]
    assert deciding.took_s == [pytest.approx(0.7, abs=0.005)]


async def test_an_answer_after_the_deadline_warms_the_cache(lead: Make) -> None:
    slow = ScriptedProvider(delay_s=0.65)
    deciding = Deciding(slow, settings=replace(BASE, deadline_s=0.7, max_in_flight=1))
    deciding.resolve(lead(1))
    await asyncio.sleep(0.3)
    deciding.resolve(lead(1))
    await asyncio.sleep(1)
    assert {one.status for one in deciding.decisions} == {Status.ASSIGNED}
    deciding.resolve(lead(1))
    assert deciding.decisions[-1].source is Source.CACHE


async def test_fallbacks_in_order_stale_engine_default(lead: Make) -> None:
    provider = ScriptedProvider(
        script=lambda number, _: [Answer(ANI)] if number == 0 else UnavailableError("500")
    )
    settings = replace(BASE, default_ani=DEFAULT)
    deciding = Deciding(provider, settings=settings, engine=Engine())
    deciding.resolve(lead(1))
    await asyncio.sleep(60)
    deciding.resolve(lead(1))
    deciding.resolve(lead(2))
    await asyncio.sleep(1)
    without_engine = Deciding(ScriptedProvider(script=lambda *_: UnavailableError("500")), settings=settings)
    without_engine.resolve(lead(3))
    await asyncio.sleep(1)
    assert deciding.decisions[1:] == [
        Decision(Status.FALLBACK, Source.STALE, ANI, Reason.UNAVAILABLE),
        Decision(Status.FALLBACK, Source.ENGINE, ENGINE_ANI, Reason.UNAVAILABLE),
    ]
    assert without_engine.decisions == [
        Decision(Status.FALLBACK, Source.DEFAULT, PhoneNumber(DEFAULT), Reason.UNAVAILABLE)
    ]


async def test_the_next_provider_is_asked_when_one_fails_or_has_none(lead: Make) -> None:
    none = ScriptedProvider(script=lambda *_: [Answer(None)])
    second = ScriptedProvider(source=Source.OUTBOUNDANI)
    settings = replace(BASE, providers=(Source.OUTBOUNDIQ, Source.OUTBOUNDANI))
    deciding = Deciding(none, second, settings=settings)
    deciding.resolve(lead(1))
    await asyncio.sleep(0.1)
    assert deciding.decisions == [Decision(Status.ASSIGNED, Source.OUTBOUNDANI, ANI)]


async def test_a_silent_first_provider_leaves_half_the_time_to_the_second(lead: Make) -> None:
    silent = ScriptedProvider(delay_s=60)
    second = ScriptedProvider(source=Source.OUTBOUNDANI, delay_s=0.3)
    settings = replace(BASE, providers=(Source.OUTBOUNDIQ, Source.OUTBOUNDANI))
    deciding = Deciding(silent, second, settings=settings)
    deciding.resolve(lead(1))
    await asyncio.sleep(1)
    assert deciding.decisions == [Decision(Status.ASSIGNED, Source.OUTBOUNDANI, ANI)]
    assert deciding.took_s == [pytest.approx(0.65, abs=0.01)]


async def test_a_campaign_may_have_its_own_providers_and_default(
    lead: Make, provider: ScriptedProvider
) -> None:
    own = CampaignSettings(providers=(Source.ENGINE,), default_ani=DEFAULT)
    deciding = Deciding(provider, campaigns={"9001": own}, engine=Engine(None))
    deciding.resolve(lead(1)._replace(campaign="9001"))
    assert deciding.decisions == [
        Decision(Status.FALLBACK, Source.DEFAULT, PhoneNumber(DEFAULT), Reason.NO_NUMBER)
    ]
    assert provider.sent == []


async def test_the_engine_as_provider_answers_at_once(lead: Make) -> None:
    deciding = Deciding(settings=replace(BASE, providers=(Source.ENGINE,)), engine=Engine())
    deciding.resolve(lead(1))
    assert deciding.decisions == [Decision(Status.ASSIGNED, Source.ENGINE, ENGINE_ANI)]


async def test_no_number_is_remembered_only_when_every_provider_said_so(lead: Make) -> None:
    none = ScriptedProvider(script=lambda *_: [Answer(None)])
    deciding = Deciding(none)
    deciding.resolve(lead(1))
    await asyncio.sleep(0.1)
    deciding.resolve(lead(1))
    assert none.sent == [1]
    assert {one.reason for one in deciding.decisions} == {Reason.NO_NUMBER}

    failing = ScriptedProvider(script=lambda *_: RefusedError("no", status=422))
    deciding = Deciding(failing)
    deciding.resolve(lead(1))
    await asyncio.sleep(0.1)
    deciding.resolve(lead(1))
    assert failing.sent_at
    await asyncio.sleep(0.1)
    assert failing.sent == [1, 1]


@pytest.mark.parametrize("ani", ["+11234567890", "+4912345678901", "+12345678901"])
async def test_a_number_that_is_implausible_or_not_ours_is_refused(lead: Make, ani: str) -> None:
    provider = ScriptedProvider(script=lambda *_: [Answer(PhoneNumber(ani))])
    deciding = Deciding(provider, inventory=Numbers())
    deciding.resolve(lead(1))
    await asyncio.sleep(0.1)
    assert deciding.decisions == [Decision(Status.UNCHANGED, reason=Reason.NOT_OWNED)]
    assert deciding.metrics.not_owned == 1


async def test_without_any_provider_the_call_goes_on_unchanged(lead: Make) -> None:
    deciding = Deciding()
    deciding.resolve(lead(1))
    assert deciding.decisions == [Decision(Status.UNCHANGED, reason=Reason.NO_PROVIDER)]


async def test_a_fault_of_the_engine_does_not_reach_the_call(lead: Make) -> None:
    deciding = Deciding(
        settings=replace(BASE, providers=(Source.ENGINE,)), engine=Engine(ZeroDivisionError())
    )
    deciding.resolve(lead(1))
    assert deciding.decisions == [Decision(Status.UNCHANGED, reason=Reason.INTERNAL)]


async def test_a_fault_in_one_delivery_does_not_reach_the_others(
    provider: ScriptedProvider, lead: Make
) -> None:
    deciding = Deciding(provider)

    def broken(decision: Decision) -> None:
        raise ZeroDivisionError(decision.status)

    deciding.resolver.resolve(lead(1), broken)
    deciding.resolve(lead(1))
    await asyncio.sleep(0.1)
    assert [one.status for one in deciding.decisions] == [Status.ASSIGNED]
    assert deciding.metrics.faults == 1


async def test_closing_decides_for_everybody_who_waits(lead: Make) -> None:
    deciding = Deciding(ScriptedProvider(delay_s=0.5))
    for number in range(5):
        deciding.resolve(lead(number))
    deciding.resolver.close()
    assert [one.reason for one in deciding.decisions] == [Reason.UNAVAILABLE] * 5
    await asyncio.sleep(2)
    assert len(deciding.decisions) == 5


Step = tuple[int, float, str]
STEPS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.floats(0, 0.4),
        st.sampled_from(["good", "none", "silent", "500", "refused", "401", "bad"]),
    ),
    max_size=40,
)


@given(STEPS)
def test_every_call_is_decided_exactly_once_and_in_time(steps: list[Step]) -> None:
    """Whatever a provider does, in any order, with equal and different leads, batched or not."""

    async def run() -> None:
        mood = ["good"]

        def script(_: int, leads: list[Lead]) -> list[Answer | ProviderError] | ProviderError:
            match mood[0]:
                case "good":
                    return [Answer(ANI) for _ in leads]
                case "none":
                    return [Answer(None) for _ in leads]
                case "refused":
                    return UnavailableError("refused", never_sent=True)
                case "401":
                    return RefusedError("key", status=401)
                case "bad":
                    return [RefusedError("row", status=422) for _ in leads]
                case _:
                    return UnavailableError("500")

        provider = ScriptedProvider(script=script)
        deciding = Deciding(provider, settings=AssignmentSettings(max_in_flight=3))
        for number, pause_s, behaviour in steps:
            mood[0] = behaviour
            provider.delay_s = 60 if behaviour == "silent" else 0.02
            deciding.resolve(Lead(PhoneNumber(f"+1555{number:07d}")))
            await asyncio.sleep(pause_s)
        await asyncio.sleep(3)
        assert len(deciding.decisions) == len(steps)
        assert all(took_s <= 0.7 + 0.005 for took_s in deciding.took_s)

    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        runner.run(run())
