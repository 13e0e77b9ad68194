import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import pytest
from msgspec import structs

from gateway.assignment.coalesce import Coalescer
from gateway.assignment.settings import AssignmentSettings
from gateway.model.decision import Reason, Waits
from gateway.model.lead import Lead
from gateway.providers.base import (
    Answer,
    BadAnswerError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
)
from gateway.telemetry.figures import UpstreamState
from gateway.telemetry.metrics import UpstreamMetrics

from .conftest import ANI, ScriptedProvider

pytestmark = pytest.mark.simulated_time

Make = Callable[[int], Lead]


class Asking:
    """A coalescer and what became of the leads it was asked for."""

    def __init__(self, provider: ScriptedProvider, settings: AssignmentSettings) -> None:
        self.loop = asyncio.get_running_loop()
        self.lane = Coalescer(provider, settings, self.loop, UpstreamMetrics())
        self.outcomes: dict[int, list[Answer | Reason]] = {}
        self.waits: dict[int, Waits | None] = {}
        self.at: dict[int, float] = {}

    def ask(self, number: int, lead: Lead, within_s: float = 0.7) -> None:
        self.outcomes[number] = []

        def done(outcome: Answer | Reason) -> None:
            if isinstance(outcome, Answer):
                self.waits[number] = outcome.waits
                outcome = structs.replace(outcome, waits=None)
            self.outcomes[number].append(outcome)
            self.at[number] = self.loop.time()

        self.lane.ask(lead, self.loop.time() + within_s, done)

    @property
    def reasons(self) -> set[Reason | None]:
        return {one if isinstance(one, Reason) else None for many in self.outcomes.values() for one in many}

    def assert_each_once(self) -> None:
        assert {len(outcomes) for outcomes in self.outcomes.values()} == {1}


async def test_an_answer_tells_how_long_it_waited_and_how_long_the_provider_took(
    provider: ScriptedProvider, settings: AssignmentSettings, lead: Make
) -> None:
    provider.delay_s = 0.05
    asking = Asking(provider, settings)
    for number in range(2):
        asking.ask(number, lead(number))
    await asyncio.sleep(0.2)
    assert asking.waits[0] == pytest.approx(Waits(0.0, 0.05))
    assert asking.waits[1] == pytest.approx(Waits(settings.batch_window_s, 0.05))


async def test_a_lone_miss_goes_at_once_as_a_single_request(
    provider: ScriptedProvider, settings: AssignmentSettings, lead: Make
) -> None:
    asking = Asking(provider, settings)
    started = asking.loop.time()
    asking.ask(1, lead(1))
    await asyncio.sleep(0.1)
    assert provider.sent == [1]
    assert asking.at[1] - started == pytest.approx(0.02, abs=0.001)


async def test_what_arrives_within_a_window_goes_as_one_batch(
    provider: ScriptedProvider, settings: AssignmentSettings, lead: Make
) -> None:
    asking = Asking(provider, settings)
    for number in range(100):
        asking.ask(number, lead(number))
    await asyncio.sleep(0.1)
    assert provider.sent == [1, 99]
    assert provider.sent_at[1] - provider.sent_at[0] == pytest.approx(settings.batch_window_s, abs=0.0015)
    asking.assert_each_once()


async def test_few_calls_a_second_go_at_once_each_alone(provider: ScriptedProvider, lead: Make) -> None:
    asking = Asking(provider, AssignmentSettings())
    for number in range(200):
        asked = asking.loop.time()
        asking.ask(number, lead(number))
        assert asking.lane._waiting == deque()
        assert len(provider.sent) == number or provider.sent_at[-1] == pytest.approx(asked, abs=0.0015)
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.1)
    assert provider.sent == [1] * 200
    asking.assert_each_once()


async def test_a_rush_of_calls_goes_in_batches_and_a_sick_upstream_has_nearly_all_of_them(
    lead: Make,
) -> None:
    provider = ScriptedProvider(delay_s=2.5)
    asking = Asking(provider, AssignmentSettings())
    for number in range(5000):
        asking.ask(number, lead(number), within_s=2.9)
        if number % 12 == 11:
            await asyncio.sleep(0.001)
    await asyncio.sleep(3)
    asking.assert_each_once()
    assert len(provider.sent) <= 65
    assert sum(outcomes == [Answer(ANI)] for outcomes in asking.outcomes.values()) >= 4800


async def test_batches_are_no_larger_than_allowed(
    provider: ScriptedProvider, settings: AssignmentSettings, lead: Make
) -> None:
    asking = Asking(provider, replace(settings, max_batch=40))
    for number in range(100):
        asking.ask(number, lead(number))
    await asyncio.sleep(0.1)
    assert provider.sent == [1, 40, 40, 19]


async def test_switched_off_every_lead_goes_alone_within_the_connections(
    provider: ScriptedProvider, settings: AssignmentSettings, lead: Make
) -> None:
    asking = Asking(provider, replace(settings, batching=False, max_in_flight=4))
    for number in range(20):
        asking.ask(number, lead(number))
    await asyncio.sleep(0.01)
    assert provider.sent == [1] * 4
    await asyncio.sleep(0.2)
    assert provider.sent == [1] * 20
    asking.assert_each_once()


async def test_misses_without_a_connection_wait_and_go_together(
    settings: AssignmentSettings, lead: Make
) -> None:
    provider = ScriptedProvider(delay_s=0.1)
    asking = Asking(provider, replace(settings, max_in_flight=2))
    for number in range(50):
        asking.ask(number, lead(number))
        await asyncio.sleep(0.003)
    await asyncio.sleep(1)
    assert provider.sent[0] == 1
    assert max(provider.sent) > 20
    asking.assert_each_once()
    assert asking.reasons == {None}


async def test_leads_of_a_failed_batch_are_asked_one_by_one_and_none_is_lost(
    settings: AssignmentSettings, lead: Make
) -> None:
    provider = ScriptedProvider(
        script=lambda _, leads: [Answer(ANI)] if len(leads) == 1 else UnavailableError("500")
    )
    asking = Asking(provider, settings)
    for number in range(30):
        asking.ask(number, lead(number))
    await asyncio.sleep(0.5)
    asking.assert_each_once()
    assert asking.reasons == {None}
    assert provider.sent == [1, 29] + [1] * 29


async def test_a_broken_batch_endpoint_is_left_alone_for_a_while(
    settings: AssignmentSettings, lead: Make
) -> None:
    provider = ScriptedProvider(
        script=lambda _, leads: [Answer(ANI)] if len(leads) == 1 else RefusedError("no", status=404)
    )
    asking = Asking(provider, settings)
    for number in range(10):
        asking.ask(number, lead(number))
    await asyncio.sleep(0.2)
    sent = len(provider.sent)
    for number in range(10, 20):
        asking.ask(number, lead(number))
    await asyncio.sleep(0.2)
    assert provider.sent[sent:] == [1] * 10


async def test_rows_missing_from_a_batch_are_asked_for_again(
    settings: AssignmentSettings, lead: Make
) -> None:
    def script(_: int, leads: list[Lead]) -> list[Answer | ProviderError]:
        few: list[Answer | ProviderError] = [Answer(ANI) for _ in leads]
        if len(leads) > 1:
            few[0] = BadAnswerError("missing")
        return few

    provider = ScriptedProvider(script=script)
    asking = Asking(provider, settings)
    for number in range(5):
        asking.ask(number, lead(number))
    await asyncio.sleep(0.3)
    asking.assert_each_once()
    assert asking.reasons == {None}
    assert provider.sent == [1, 4, 1]


async def test_breaker_opens_after_five_failures_and_waiting_leads_fall_back_at_once(
    settings: AssignmentSettings, lead: Make
) -> None:
    provider = ScriptedProvider(script=lambda *_: UnavailableError("500"))
    asking = Asking(provider, replace(settings, batching=False, max_in_flight=1))
    started = asking.loop.time()
    for number in range(50):
        asking.ask(number, lead(number))
    await asyncio.sleep(0.5)
    assert provider.sent == [1] * 5
    assert asking.reasons == {Reason.UNAVAILABLE}
    assert max(asking.at.values()) - started == pytest.approx(0.1, abs=0.01)
    asking.ask(99, lead(99))
    assert asking.outcomes[99] == [Reason.UNAVAILABLE]


async def test_a_probe_brings_the_provider_back(settings: AssignmentSettings, lead: Make) -> None:
    provider = ScriptedProvider(
        script=lambda number, _: UnavailableError("500") if number < 5 else [Answer(ANI)]
    )
    asking = Asking(provider, replace(settings, batching=False))
    for number in range(5):
        asking.ask(number, lead(number))
    await asyncio.sleep(0.1)
    states = [asking.lane.state]
    await asyncio.sleep(1)
    states.append(asking.lane.state)
    for number in range(5, 8):
        asking.ask(number, lead(number))
    await asyncio.sleep(0.1)
    assert asking.outcomes[5] == [Answer(ANI)]
    assert asking.outcomes[6] == [Reason.UNAVAILABLE]
    asking.ask(9, lead(9))
    await asyncio.sleep(0.1)
    assert asking.outcomes[9] == [Answer(ANI)]
    states.append(asking.lane.state)
    assert states == [UpstreamState.RESTING, UpstreamState.PROBING, UpstreamState.OK]


async def test_a_refused_connection_is_tried_once_more(settings: AssignmentSettings, lead: Make) -> None:
    provider = ScriptedProvider(
        delay_s=0.001,
        script=lambda number, _: (
            UnavailableError("refused", never_sent=True) if number == 0 else [Answer(ANI)]
        ),
    )
    asking = Asking(provider, settings)
    asking.ask(1, lead(1))
    await asyncio.sleep(0.1)
    assert asking.outcomes[1] == [Answer(ANI)]
    assert provider.sent == [1, 1]


async def test_retries_end_when_the_budget_is_spent(settings: AssignmentSettings, lead: Make) -> None:
    provider = ScriptedProvider(delay_s=0.001, script=lambda *_: UnavailableError("refused", never_sent=True))
    asking = Asking(provider, replace(settings, batching=False, breaker_failures=10_000, retry_budget=0.2))
    for number in range(15):
        asking.ask(number, lead(number))
    await asyncio.sleep(0.2)
    asking.assert_each_once()
    assert len(provider.sent) <= 15 + 10


@pytest.mark.parametrize(("retry_after_s", "answered"), [(0.1, True), (2.0, False), (None, False)])
async def test_429_is_waited_out_when_the_time_fits(
    settings: AssignmentSettings,
    lead: Make,
    retry_after_s: float | None,
    answered: bool,  # noqa: FBT001
) -> None:
    provider = ScriptedProvider(
        script=lambda number, leads: (
            RateLimitedError("429", retry_after_s=retry_after_s)
            if number == 0
            else [Answer(ANI) for _ in leads]
        )
    )
    asking = Asking(provider, settings)
    for number in range(4):
        asking.ask(number, lead(number))
    await asyncio.sleep(0.5)
    asking.assert_each_once()
    assert asking.reasons == ({None} if answered else {None, Reason.RATE_LIMITED})


async def test_while_rate_limited_new_calls_fall_back_at_once_and_nothing_is_sent(
    settings: AssignmentSettings, lead: Make
) -> None:
    provider = ScriptedProvider(script=lambda *_: RateLimitedError("429", retry_after_s=5))
    asking = Asking(provider, settings)
    asking.ask(1, lead(1))
    await asyncio.sleep(0.1)
    asking.ask(2, lead(2))
    assert asking.outcomes[2] == [Reason.RATE_LIMITED]
    assert provider.sent == [1]
    assert asking.lane.state is UpstreamState.HELD
    assert asking.lane.breaker.allows(asking.loop.time())


async def test_a_refused_key_opens_the_breaker_a_refused_lead_does_not(
    settings: AssignmentSettings, lead: Make
) -> None:
    for status, allowed in ((401, False), (422, True)):
        error = RefusedError("no", status=status)
        asking = Asking(
            ScriptedProvider(script=lambda *_, error=error: error), replace(settings, batching=False)
        )
        for number in range(8):
            asking.ask(number, lead(number))
        await asyncio.sleep(0.1)
        assert asking.reasons == {Reason.REFUSED}
        assert asking.lane.breaker.allows(asking.loop.time()) is allowed


async def test_a_full_queue_answers_overloaded(
    provider: ScriptedProvider, settings: AssignmentSettings, lead: Make
) -> None:
    asking = Asking(provider, replace(settings, max_waiting=10))
    for number in range(20):
        asking.ask(number, lead(number))
    assert asking.outcomes[19] == [Reason.OVERLOADED]
    await asyncio.sleep(0.2)
    asking.assert_each_once()


async def test_a_silent_provider_costs_no_lead_more_than_its_deadline(
    settings: AssignmentSettings, lead: Make
) -> None:
    asking = Asking(ScriptedProvider(delay_s=60), replace(settings, max_in_flight=2))
    started = asking.loop.time()
    for number in range(30):
        asking.ask(number, lead(number))
    await asyncio.sleep(2)
    asking.assert_each_once()
    assert asking.reasons <= {Reason.TIMEOUT, Reason.UNAVAILABLE}
    assert max(asking.at.values()) - started <= 0.72


async def test_a_fault_in_the_client_is_fenced_off(settings: AssignmentSettings, lead: Make) -> None:
    def broken(number: int, leads: list[Lead]) -> list[Answer | ProviderError]:
        if number == 0:
            raise ZeroDivisionError
        return [Answer(ANI) for _ in leads]

    asking = Asking(ScriptedProvider(script=broken), settings)
    asking.ask(1, lead(1))
    asking.ask(2, lead(2))
    await asyncio.sleep(0.1)
    assert asking.outcomes == {1: [Reason.INTERNAL], 2: [Answer(ANI)]}


async def test_closing_answers_everybody(settings: AssignmentSettings, lead: Make) -> None:
    asking = Asking(ScriptedProvider(delay_s=60), settings)
    for number in range(5):
        asking.ask(number, lead(number))
    await asyncio.sleep(0.001)
    await asking.lane.close()
    asking.assert_each_once()
    assert asking.reasons == {Reason.UNAVAILABLE}


class RefusingAtOnce(ScriptedProvider):
    """Answers the first lead after a while, and refuses all others before anything is waited for."""

    is_asked = False

    async def assign(self, lead: Lead, *, timeout_s: float) -> Answer:
        if self.is_asked:
            raise RefusedError("not this one", status=422)
        self.is_asked = True
        return await super().assign(lead, timeout_s=timeout_s)


async def test_a_queue_that_is_refused_at_once_is_emptied_to_its_end(
    settings: AssignmentSettings, lead: Make
) -> None:
    asking = Asking(RefusingAtOnce(), replace(settings, batching=False, max_in_flight=1, max_waiting=5_000))
    for number in range(3_000):
        asking.ask(number, lead(number))
    await asyncio.sleep(0.1)
    asking.assert_each_once()
    assert asking.outcomes[2_999] != [Reason.TIMEOUT]
    assert len(asking.at) == 3_000
