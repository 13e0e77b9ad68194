from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.pace import Pace


def sent_at(pace: Pace, arrivals: list[float]) -> list[float]:
    """When requests go that come at `arrivals`, one after another."""
    now, times = 0.0, []
    for arrival in arrivals:
        now = max(now, arrival)
        while (wait_s := pace.wait_s(now)) > 0:
            now += wait_s
        pace.take(now)
        times.append(now)
    return times


def test_a_burst_goes_at_once_and_the_rest_evenly() -> None:
    times = sent_at(Pace(10, 3), [0.0] * 6)
    assert [round(time, 6) for time in times] == [0, 0, 0, 0.1, 0.2, 0.3]


def test_a_bucket_left_alone_is_full_again_and_no_fuller() -> None:
    pace = Pace(10, 2)
    sent_at(pace, [0.0] * 4)
    assert [round(time, 6) for time in sent_at(pace, [100.0] * 3)] == [100, 100, 100.1]


def test_a_rest_is_kept_and_never_shortened() -> None:
    pace = Pace(10, 5)
    pace.rest(7.0)
    pace.rest(3.0)
    assert pace.wait_s(1.0) == 6.0
    assert pace.wait_s(7.0) == 0.0


@given(
    rate=st.floats(0.5, 100),
    burst=st.integers(1, 20),
    gaps=st.lists(st.floats(0, 2), min_size=1, max_size=60),
)
def test_no_stretch_of_time_has_more_than_the_rate_and_a_burst(
    rate: float, burst: int, gaps: list[float]
) -> None:
    arrivals = [sum(gaps[: place + 1]) for place in range(len(gaps))]
    times = sent_at(Pace(rate, burst), arrivals)
    for first, start in enumerate(times):
        for last, end in enumerate(times[first:], first):
            assert last - first + 1 <= burst + (end - start) * rate + 0.01
