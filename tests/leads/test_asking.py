import asyncio
from collections.abc import Sequence

import pytest

from gateway.leads.asking import Asking, Patience
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import (
    Answer,
    BadAnswerError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
)
from tests.leads.conftest import ListProvider, ani_for

pytestmark = pytest.mark.simulated_time
LEADS = [Lead(PhoneNumber(f"+1404555{number:04d}")) for number in range(8)]
DOWN = UnavailableError("answer 503")


def asking(provider: ListProvider, tries: int = 4) -> Asking:
    return Asking(provider, Patience(tries=tries, base_s=1.0), dice=lambda: 1.0)


async def test_each_lead_has_its_own_answer_in_order(provider: ListProvider) -> None:
    assert await asking(provider).ask(LEADS) == [Answer(ani_for(lead)) for lead in LEADS]


@pytest.mark.parametrize("error", [DOWN, RateLimitedError("429"), BadAnswerError("no JSON")])
async def test_a_failed_batch_is_asked_again(provider: ListProvider, error: ProviderError) -> None:
    provider.fails = lambda number, _: error if number < 2 else None
    outcomes = await asking(provider).ask(LEADS)
    assert all(isinstance(outcome, Answer) for outcome in outcomes)
    assert len(provider.asked) == 3


async def test_tries_are_bounded_and_then_each_row_has_the_error(provider: ListProvider) -> None:
    provider.fails = lambda *_: DOWN
    assert await asking(provider, tries=3).ask(LEADS) == [DOWN] * 8
    assert len(provider.asked) == 3


async def test_a_rest_the_provider_asks_for_is_every_batchs(provider: ListProvider) -> None:
    busy = RateLimitedError("429", retry_after_s=60.0)
    provider.fails = lambda number, _: busy if number == 0 else None
    loop = asyncio.get_running_loop()
    both = asking(provider)
    began = loop.time()
    first = asyncio.create_task(both.ask(LEADS))
    await asyncio.sleep(2.0)
    await both.ask(LEADS[:1])
    await first
    assert 60.0 <= loop.time() - began < 64.0


async def test_a_bad_lead_spoils_no_other(provider: ListProvider) -> None:
    refused = RefusedError("prospect_phone: no", status=422)

    def fails(_number: int, leads: Sequence[Lead]) -> ProviderError | None:
        return refused if LEADS[5] in leads else None

    provider.fails = fails
    outcomes = await asking(provider).ask(LEADS)
    assert [place for place, outcome in enumerate(outcomes) if outcome is refused] == [5]


async def test_a_batch_that_is_too_large_is_halved_until_it_fits(provider: ListProvider) -> None:
    too_large = RefusedError("too many", status=413)
    provider.fails = lambda _, leads: too_large if len(leads) > 2 else None
    outcomes = await asking(provider).ask(LEADS)
    assert outcomes == [Answer(ani_for(lead)) for lead in LEADS]


@pytest.mark.parametrize("status", [401, 402, 403, 404])
async def test_a_refusal_that_would_meet_every_lead_is_raised(provider: ListProvider, status: int) -> None:
    provider.fails = lambda *_: RefusedError("the key was refused", status=status)
    with pytest.raises(RefusedError):
        await asking(provider).ask(LEADS)
    assert len(provider.asked) == 1


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_a_refused_key_is_raised_where_each_lead_is_a_request(status: int) -> None:
    class OneByOne(ListProvider):
        async def assign_batch(
            self, leads: Sequence[Lead], *, timeout_s: float
        ) -> list[Answer | ProviderError]:
            answers = await super().assign_batch(leads, timeout_s=timeout_s)
            return [*answers[:-1], RefusedError("the key was refused", status=status)]

    with pytest.raises(RefusedError):
        await asking(OneByOne()).ask(LEADS)


async def test_only_the_rows_without_an_answer_are_asked_again() -> None:
    class Partly(ListProvider):
        async def assign_batch(
            self, leads: Sequence[Lead], *, timeout_s: float
        ) -> list[Answer | ProviderError]:
            answers = await super().assign_batch(leads, timeout_s=timeout_s)
            if len(self.asked) == 1:
                answers[3] = BadAnswerError("the row is missing")
            return answers

    partly = Partly()
    assert all(isinstance(outcome, Answer) for outcome in await asking(partly).ask(LEADS))
    assert [len(leads) for leads in partly.asked] == [8, 1]
