from hypothesis import given
from hypothesis import strategies as st

from gateway.model.decision import Decision, Reason, Source, Status
from gateway.telemetry.figures import (
    NO_LATENCY,
    CallFigures,
    Decided,
    Spread,
    UpstreamFigures,
    UpstreamState,
    total,
)
from gateway.telemetry.metrics import CallMetrics, Histogram
from gateway.telemetry.recent import LastCall

TIMES = st.lists(st.floats(0, 5), max_size=30)


def spread(*values: float) -> Spread:
    histogram = Histogram()
    for value in values:
        histogram.observe(value)
    return Spread.of(histogram)


@given(TIMES, TIMES)
def test_what_was_added_is_the_difference(first: list[float], then: list[float]) -> None:
    assert spread(*first, *then).since(spread(*first)).counts == spread(*then).counts
    assert spread(*first).plus(spread(*then)).counts == spread(*first, *then).counts


@given(st.lists(st.floats(0, 2), min_size=1, max_size=30), st.floats(0, 1))
def test_an_estimate_lies_in_the_bucket_of_its_value(values: list[float], share: float) -> None:
    """The exact one and the estimated one are in the same bucket, or at its edges."""
    found = spread(*values).estimate(share)
    assert found is not None
    histogram = Histogram()
    for value in values:
        histogram.observe(value)
    upper = histogram.quantile(share)
    lower = max((0.0, *(bound for bound in histogram.bounds if bound < upper)))
    assert lower <= found <= upper


def test_there_is_no_estimate_without_values() -> None:
    assert NO_LATENCY.estimate(0.5) is None


def test_an_estimate_past_all_bounds_is_the_last_one() -> None:
    assert spread(9.0).estimate(0.5) == 2.0


def test_times_are_told_by_source() -> None:
    metrics = CallMetrics()
    metrics.decided(Decision(Status.FALLBACK, Source.ENGINE, reason=Reason.TIMEOUT), 0.7)
    metrics.decided(Decision(Status.ASSIGNED, Source.ENGINE), 0.001)
    figures = CallFigures(decided=tuple(Decided(*way, Spread.of(each)) for way, each in metrics.ways.items()))
    assert figures.by_source[Source.ENGINE] == spread(0.7, 0.001)
    assert figures.latency.count == 2


def worker(open_: int, state: UpstreamState) -> CallFigures:
    return CallFigures(
        decided=(Decided(Status.ASSIGNED, Source.CACHE, Reason.NONE, spread(0.001)),),
        sessions={"opened": 5},
        open=open_,
        upstreams=(UpstreamFigures("outboundiq", {state: 1}, "no answer", 1, 7, 9, {Reason.TIMEOUT: 2}),),
        able=(Source.STALE,),
        takes_calls=True,
        cache_entries=3,
        last_calls=(LastCall(float(open_), "", "", "", "", "", 0.0, str(open_)),),
    )


def test_workers_add_up() -> None:
    together = total([worker(1, UpstreamState.OK), worker(2, UpstreamState.RESTING)])
    assert (together.latency.count, together.sessions, together.open) == (2, {"opened": 10}, 3)
    (upstream,) = together.upstreams
    assert (upstream.requests, upstream.failures) == (14, {Reason.TIMEOUT: 4})
    assert upstream.states == {UpstreamState.OK: 1, UpstreamState.RESTING: 1}
    assert [call.uniqueid for call in together.last_calls] == ["2", "1"]


def test_of_as_many_the_worse_state_is_told() -> None:
    states = {UpstreamState.OK: 1, UpstreamState.RESTING: 1}
    assert UpstreamFigures("outboundiq", states).state is UpstreamState.RESTING
    assert UpstreamFigures("outboundiq", {**states, UpstreamState.OK: 2}).state is UpstreamState.OK


def test_counters_outlive_a_process_and_gauges_do_not() -> None:
    ended = worker(2, UpstreamState.OK).ended()
    assert (ended.latency.count, ended.sessions, ended.upstreams[0].requests) == (1, {"opened": 5}, 7)
    assert (ended.open, ended.cache_entries, ended.able, ended.takes_calls) == (0, 0, (), False)
    assert (ended.last_calls, ended.upstreams[0].states) == ((), {})


def test_who_drains_makes_nobody_ready() -> None:
    assert worker(1, UpstreamState.OK).is_ready
    drains = CallFigures(able=(Source.ENGINE,), takes_calls=False)
    serves = CallFigures(takes_calls=True)
    assert not total([drains, serves]).is_ready
