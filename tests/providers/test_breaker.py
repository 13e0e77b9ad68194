from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.breaker import Breaker, BreakerState, RetryBudget


def breaker() -> Breaker:
    return Breaker(failures=5, open_s=1.0, max_open_s=30.0)


def opened(at: float) -> Breaker:
    one = breaker()
    for _ in range(5):
        one.fail(at)
    return one


def test_five_failures_in_a_row_open_it_four_do_not() -> None:
    one = breaker()
    for _ in range(4):
        one.fail(0)
    one.succeed(0)
    for _ in range(4):
        one.fail(0)
    assert one.allows(0)
    one.fail(0)
    assert not one.allows(0)


def test_it_rests_until_it_would_let_a_probe_through_and_looking_changes_nothing() -> None:
    one = opened(at=10.0)
    assert one.rests(10.9)
    assert not one.rests(11.0)
    assert one.state is BreakerState.OPEN
    assert one.allows(11.0)
    assert one.rests(11.5)
    one.succeed(11.5)
    assert not one.rests(11.6)


def test_more_than_half_of_twenty_failing_within_ten_seconds_opens_it() -> None:
    one = breaker()
    for number in range(19):
        (one.fail if number % 3 else one.succeed)(number / 10)
    assert one.allows(2)
    one.fail(2)
    assert not one.allows(2)


def test_failures_older_than_ten_seconds_count_no_more() -> None:
    one = breaker()
    for number in range(16):
        (one.fail if number % 4 else one.succeed)(0)
    for _ in range(10):
        one.succeed(20)
        one.fail(20)
    assert one.state is BreakerState.CLOSED


def test_one_probe_after_the_rest_and_no_second() -> None:
    one = opened(at=0)
    assert not one.allows(0.99)
    assert one.allows(1.0)
    assert not one.allows(1.01)


def test_good_probe_closes_it_and_resets_the_rest() -> None:
    one = opened(at=0)
    one.allows(1.0)
    one.fail(1.0)
    one.allows(3.0)
    one.succeed(3.0)
    assert one.state is BreakerState.CLOSED
    for _ in range(5):
        one.fail(10)
    assert one.allows(11.0)


def test_failed_probes_double_the_rest_up_to_the_longest() -> None:
    one = opened(at=0)
    rests, now = [], 0.0
    for _ in range(8):
        start = now
        while not one.allows(now):
            now += 0.25
        rests.append(now - start)
        one.fail(now)
    assert rests == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_probe_never_reported_is_given_again() -> None:
    one = opened(at=0)
    assert one.allows(1.0)
    assert not one.allows(1.5)
    assert one.allows(2.0)


def test_late_answers_while_open_change_nothing() -> None:
    one = opened(at=0)
    one.succeed(0.5)
    one.fail(0.5)
    assert one.state is BreakerState.OPEN
    assert one.allows(1.0)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 3)), max_size=200))
def test_it_always_lets_a_probe_through_in_the_end(outcomes: list[tuple[bool, float]]) -> None:
    one, now = breaker(), 0.0
    for good, pause in outcomes:
        now += pause
        if one.allows(now):
            (one.succeed if good else one.fail)(now)
    assert one.allows(now + 31)


def test_retries_stay_within_their_share() -> None:
    budget = RetryBudget(0.2)
    spent = 0
    for _ in range(1_000):
        budget.earn()
        spent += budget.spend()
    assert spent <= 0.2 * 1_000 + 10
    assert spent >= 200


def test_no_share_means_no_retry() -> None:
    budget = RetryBudget(0)
    budget.earn()
    assert not budget.spend()
