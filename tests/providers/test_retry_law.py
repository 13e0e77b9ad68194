"""The law of repeating management requests, on simulated time."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from gateway.providers.base import (
    BadAnswerError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    TimedOutError,
    UnavailableError,
)
from gateway.providers.retry_law import repeated

pytestmark = pytest.mark.simulated_time

LONG_S = 60.0


class Attempts:
    """Fails as often as it is told, then answers; remembers when it was made and with how much time."""

    def __init__(self, failures: int, error: Callable[[], ProviderError]) -> None:
        self.failures = failures
        self.error = error
        self.at_s: list[float] = []
        self.left_s: list[float] = []

    async def __call__(self, left_s: float) -> str:
        self.at_s.append(asyncio.get_running_loop().time())
        self.left_s.append(left_s)
        await asyncio.sleep(0)
        if len(self.at_s) <= self.failures:
            raise self.error()
        return "answer"

    @property
    def pauses_s(self) -> list[float]:
        return [later - earlier for earlier, later in zip(self.at_s, self.at_s[1:], strict=False)]


def limited(retry_after_s: float | None = None) -> Callable[[], ProviderError]:
    return lambda: RateLimitedError("429", retry_after_s=retry_after_s)


REPEATED: list[tuple[Callable[[], ProviderError], bool, bool]] = [
    (limited(), True, True),
    (lambda: UnavailableError("503"), True, False),
    (lambda: UnavailableError("no connection", never_sent=True), True, False),
    (lambda: TimedOutError("silent"), True, False),
    (lambda: RefusedError("400", status=400), False, False),
    (lambda: BadAnswerError("what?"), False, False),
]


@pytest.mark.parametrize(("error", "when_reading", "when_changing"), REPEATED)
async def test_reading_is_repeated_after_more_than_changing(
    error: Callable[[], ProviderError],
    when_reading: bool,  # noqa: FBT001
    when_changing: bool,  # noqa: FBT001
) -> None:
    for reads, again in ((True, when_reading), (False, when_changing)):
        attempts = Attempts(1, error)
        with suppress(type(error())):
            assert await repeated(attempts, timeout_s=LONG_S, reads=reads) == "answer"
        assert len(attempts.at_s) == (2 if again else 1)


@pytest.mark.parametrize(("dice", "pauses_s"), [(1.0, [0.5, 1, 2, 4, 8, 8]), (0.0, [0.25, 0.5, 1, 2, 4, 4])])
async def test_pauses_double_to_eight_seconds_with_jitter_below(dice: float, pauses_s: list[float]) -> None:
    attempts = Attempts(6, limited())
    await repeated(attempts, timeout_s=LONG_S, reads=False, dice=lambda: dice)
    assert attempts.pauses_s == pytest.approx(pauses_s)


async def test_what_retry_after_asks_for_is_waited_for() -> None:
    attempts = Attempts(2, limited(3.0))
    await repeated(attempts, timeout_s=LONG_S, reads=False)
    assert attempts.pauses_s == pytest.approx([3.0, 3.0])
    assert attempts.left_s == pytest.approx([60, 57, 54])


async def test_a_retry_after_of_nothing_starts_no_storm() -> None:
    attempts = Attempts(3, limited(0.0))
    await repeated(attempts, timeout_s=LONG_S, reads=False, dice=lambda: 0.0)
    assert attempts.pauses_s == pytest.approx([0.25, 0.5, 1])


async def test_an_attempt_that_could_not_end_in_time_is_not_waited_for() -> None:
    attempts = Attempts(9, limited(3.0))
    started = asyncio.get_running_loop().time()
    with pytest.raises(RateLimitedError):
        await repeated(attempts, timeout_s=7.0, reads=False)
    assert len(attempts.at_s) == 3
    assert asyncio.get_running_loop().time() - started == pytest.approx(6.0)
