import pytest

from gateway.dials.settings import DeliverySettings
from gateway.dials.verdict import Verdict, judge
from gateway.model.delivery import DeliveryState, Taken
from gateway.model.dial import Dial
from gateway.providers.base import (
    BadAnswerError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    TimedOutError,
    UnavailableError,
)

NOW = 1_760_000_000.0
SETTINGS = DeliverySettings(retry_base_s=8.0, retry_cap_s=8.0, give_up_h=72.0, mendable_pause_s=30.0)
DONE, WAITING, DEAD = DeliveryState.DONE, DeliveryState.WAITING, DeliveryState.DEAD
UNCERTAIN = [UnavailableError("503"), TimedOutError("no answer"), BadAnswerError("not JSON")]


def verdict(error: ProviderError | None, *, repeats_safely: bool = True, age_s: float = 0.0) -> Verdict:
    taken = Taken(Dial("d", "+15552223333", "+15559876543", NOW), 1, NOW - age_s)
    return judge(error, taken, repeats_safely=repeats_safely, now=NOW, settings=SETTINGS)


def test_what_was_taken_is_done() -> None:
    assert verdict(None) == Verdict(DONE)


@pytest.mark.parametrize("status", [200, 400, 409, 413, 422])
def test_a_refused_record_is_dead_at_once_with_its_reason(status: int) -> None:
    assert verdict(RefusedError("zip is bad", status=status)) == Verdict(DEAD, "zip is bad")


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405])
@pytest.mark.parametrize("age_h", [0, 1_000])
def test_a_wrong_key_or_address_waits_to_be_mended_however_long(status: int, age_h: float) -> None:
    given = verdict(RefusedError("wrong key", status=status), repeats_safely=False, age_s=age_h * 3600)
    assert given == Verdict(WAITING, "wrong key", wait_s=30.0, pause_s=30.0, needs_mending=True)


@pytest.mark.parametrize("error", UNCERTAIN)
def test_uncertain_record_is_tried_again_where_that_is_safe(error: ProviderError) -> None:
    given = verdict(error)
    assert (given.state, given.reason, given.pause_s, given.is_up) == (WAITING, str(error), 0.0, False)
    assert 0.0 <= given.wait_s <= 8.0


@pytest.mark.parametrize("error", UNCERTAIN)
def test_uncertain_record_is_parked_where_a_repeat_would_count_twice(error: ProviderError) -> None:
    given = verdict(error, repeats_safely=False)
    assert given == Verdict(DEAD, f"may have arrived: {error}", is_up=False)


@pytest.mark.parametrize("repeats_safely", [True, False])
def test_a_record_that_never_left_is_tried_again(repeats_safely: bool) -> None:  # noqa: FBT001 - a parameter
    error = UnavailableError("cannot connect", never_sent=True)
    assert verdict(error, repeats_safely=repeats_safely).state is WAITING


@pytest.mark.parametrize("repeats_safely", [True, False])
def test_retry_after_holds_for_the_record_and_for_the_target(repeats_safely: bool) -> None:  # noqa: FBT001 - a parameter
    given = verdict(RateLimitedError("429", retry_after_s=20.0), repeats_safely=repeats_safely)
    assert given == Verdict(WAITING, "429", wait_s=20.0, pause_s=20.0)


def test_retry_after_of_a_503_is_obeyed_too() -> None:
    given = verdict(UnavailableError("503", retry_after_s=20.0))
    assert given == Verdict(WAITING, "503", wait_s=20.0, pause_s=20.0, is_up=False)


def test_nobody_can_put_a_record_off_for_more_than_an_hour() -> None:
    assert verdict(RateLimitedError("429", retry_after_s=1e9)).wait_s == 3600.0


@pytest.mark.parametrize("error", [*UNCERTAIN, RateLimitedError("429", retry_after_s=1.0)])
def test_a_record_that_still_fails_after_72_hours_is_dead(error: ProviderError) -> None:
    assert verdict(error, age_s=72 * 3600 - 1).state is WAITING
    given = verdict(error, age_s=72 * 3600)
    assert given.state is DEAD
    assert given.reason == f"not delivered within 72 h, the last time: {error}"


def test_an_old_record_that_is_taken_is_done() -> None:
    assert verdict(None, age_s=1e9).state is DONE
