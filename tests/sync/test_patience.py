import asyncio
from dataclasses import replace

import pytest

from gateway.providers.base import BadAnswerError, RefusedError, UnavailableError
from gateway.sync.patience import Patience, StoppedError
from tests.sync.backend import LIMITS

pytestmark = pytest.mark.simulated_time


class Service:
    """Gives one after another what it was made with."""

    def __init__(self, *answers: Exception | int) -> None:
        self.answers = list(answers)
        self.asked_at: list[float] = []

    async def __call__(self) -> int:
        self.asked_at.append(asyncio.get_running_loop().time())
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def away(retry_after_s: float | None = None) -> UnavailableError:
    return UnavailableError("away", retry_after_s=retry_after_s)


async def test_a_service_that_is_away_is_asked_again_ever_later() -> None:
    service = Service(*[away()] * 7, 5)
    assert await Patience(LIMITS).ask(service) == 5
    gaps = [round(b - a, 3) for a, b in zip(service.asked_at, service.asked_at[1:], strict=False)]
    assert gaps == [0.5, 1, 2, 4, 8, 8, 8]


async def test_a_rest_that_is_asked_for_is_kept_by_all() -> None:
    patience = Patience(LIMITS)
    first, second = Service(away(20.0), 1), Service(2)
    began_at = asyncio.get_running_loop().time()
    asking = asyncio.create_task(patience.ask(first))
    await asyncio.sleep(0)
    await patience.ask(second)
    await asking
    assert second.asked_at == [pytest.approx(began_at + 20)]


async def test_a_rest_beyond_the_deadline_is_not_waited_for() -> None:
    service = Service(1, away(3_600.0))
    patience = Patience(LIMITS)
    await patience.ask(service)
    with pytest.raises(StoppedError, match="does not answer: away"):
        await patience.ask(service)
    assert len(service.asked_at) == 2


async def test_one_request_that_never_gets_through_does_not_stop_the_others() -> None:
    """A refusal in the meantime shows that the service is there."""
    patience = Patience(LIMITS)
    stuck = asyncio.create_task(patience.ask(Service(*[away()] * 100)))
    await asyncio.sleep(30)
    with pytest.raises(RefusedError):
        await patience.ask(Service(RefusedError("no", status=422)))
    with pytest.raises(UnavailableError, match="away"):
        await stuck
    assert not isinstance(stuck.exception(), StoppedError)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_refused_stops_everything(status: int) -> None:
    with pytest.raises(StoppedError, match="let us in"):
        await Patience(LIMITS).ask(Service(RefusedError("no", status=status)))


@pytest.mark.parametrize("error", [RefusedError("no", status=422), BadAnswerError("no")])
async def test_another_error_is_the_items_own_and_not_repeated(error: Exception) -> None:
    service = Service(error)
    with pytest.raises(type(error)):
        await Patience(LIMITS).ask(service)
    assert len(service.asked_at) == 1


async def test_no_more_requests_are_under_way_than_the_limits_say_and_none_faster() -> None:
    patience = Patience(replace(LIMITS, at_once=3, requests_per_second=10))
    clock = asyncio.get_running_loop()
    began_at, busy, most = clock.time(), 0, 0

    async def work(_number: int) -> bool:
        async def request() -> None:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            await asyncio.sleep(0.2)
            busy -= 1

        await patience.ask(request)
        return True

    await patience.for_each(range(50), work)
    assert most <= 3
    assert clock.time() - began_at >= (50 - 3) / 10


async def test_after_a_no_nothing_more_is_begun() -> None:
    begun: list[int] = []

    async def work(number: int) -> bool:
        begun.append(number)
        return number < 5

    await Patience(replace(LIMITS, at_once=1)).for_each(range(100), work)
    assert begun == [0, 1, 2, 3, 4, 5]
