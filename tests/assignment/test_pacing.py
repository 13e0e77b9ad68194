from hypothesis import given
from hypothesis import strategies as st

from gateway.assignment.pacing import Pacing
from gateway.assignment.settings import AssignmentSettings

SETTINGS = AssignmentSettings(batch_above=1000, batch_window_s=0.002, max_in_flight=64, max_batch=500)
LONGEST_S = SETTINGS.batch_window_s * 8


def rushed(calls: int = 1000) -> Pacing:
    """One that has just seen many calls in an instant, and sent at the time 1."""
    pacing = Pacing(SETTINGS)
    for _ in range(calls):
        pacing.came(1.0)
    pacing.sent(1.0)
    return pacing


def test_few_calls_go_at_once() -> None:
    pacing = Pacing(SETTINGS)
    for number in range(5000):
        now = 1 + number / 900
        pacing.came(now)
        assert pacing.ready_at(1, 10) <= now
        pacing.sent(now)


def test_more_than_allowed_wait_for_the_window() -> None:
    pacing = Pacing(SETTINGS)
    waits = 0
    for number in range(1000):
        now = 1 + number / 3000
        pacing.came(now)
        waits += pacing.ready_at(1, 10) > now
        pacing.sent(now)
    assert waits > 950


def test_a_stir_is_no_rush() -> None:
    pacing = rushed(calls=10)
    assert pacing.ready_at(1, 10) <= 1.0


def test_once_gathering_it_gathers_until_the_rate_has_been_low_for_a_while() -> None:
    pacing = rushed()
    pacing.came(1.1)
    assert pacing.ready_at(1, 0) == 1.002
    pacing.came(1.25)
    pacing.sent(1.25)
    assert pacing.ready_at(1, 0) == 0.0


def test_calls_that_come_in_bunches_are_not_taken_for_few() -> None:
    """A closed loop of 500 callers whose answers come together."""
    pacing = rushed()
    for bunch in range(50):
        now = 1.05 + bunch * 0.05
        for _ in range(400):
            pacing.came(now)
            pacing.sent(now)
            assert pacing.ready_at(1, 0) > now


def test_windows_grow_with_the_requests_under_way() -> None:
    pacing = rushed()
    assert [pacing.ready_at(1, busy) for busy in (0, 31, 32, 47, 48, 63)] == [
        *(1.002, 1.002, 1.008, 1.008, 1.016, 1.016)
    ]


def test_few_calls_gather_too_while_many_requests_are_under_way() -> None:
    pacing = Pacing(SETTINGS)
    pacing.came(1.0)
    pacing.sent(1.0)
    assert pacing.ready_at(1, 31) == 0.0
    assert pacing.ready_at(1, 32) > 1.0


def test_a_whole_batch_goes() -> None:
    assert rushed().ready_at(500, 63) == 0.0


@given(st.lists(st.tuples(st.floats(0, 0.1), st.integers(1, 600), st.integers(0, 64)), max_size=200))
def test_nobody_waits_longer_than_eight_windows_after_what_was_sent(
    steps: list[tuple[float, int, int]],
) -> None:
    pacing = Pacing(SETTINGS)
    now = 1.0
    for passed, waiting, in_flight in steps:
        now += passed
        pacing.came(now)
        assert pacing.ready_at(waiting, in_flight) <= now + LONGEST_S
        pacing.sent(now)
