import pytest

from gateway.model.decision import Decision, Reason, Source, Status
from gateway.telemetry.metrics import CallMetrics, DialMetrics, Histogram, UpstreamMetrics

HIT = Decision(Status.ASSIGNED, Source.CACHE)
LATE = Decision(Status.UNCHANGED, reason=Reason.TIMEOUT)


def test_calls_are_counted_by_what_was_decided() -> None:
    metrics = CallMetrics()
    for decision in (HIT, LATE, HIT):
        metrics.decided(decision, 0.01)
    assert metrics.decisions == {
        (Status.ASSIGNED, Source.CACHE, Reason.NONE): 2,
        (Status.UNCHANGED, Source.NONE, Reason.TIMEOUT): 1,
    }


def test_times_are_kept_apart_by_way_and_added_up_for_all() -> None:
    metrics = CallMetrics()
    metrics.decided(HIT, 0.001)
    metrics.decided(LATE, 0.7)
    assert metrics.ways[Status.UNCHANGED, Source.NONE, Reason.TIMEOUT].sum == 0.7
    assert metrics.latency.count == 2
    assert metrics.latency.sum == pytest.approx(0.701)


def test_histograms_of_other_bounds_are_not_added() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Histogram().add(Histogram((1.0,)))


def test_an_upstream_remembers_what_its_last_failure_said() -> None:
    metrics = UpstreamMetrics()
    metrics.failed(Reason.REFUSED, "401: the key is not known")
    assert metrics.last_failure == "401: the key is not known"
    metrics.failed(Reason.TIMEOUT)
    assert (metrics.last_failure, metrics.failures) == ("timeout", {Reason.REFUSED: 1, Reason.TIMEOUT: 1})


def test_numbers_counted_one_by_one_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DialMetrics, "_MAX_ANIS", 2)
    metrics = DialMetrics()
    for ani in ("+12125550100", "+12125550101", "+12125550102", "+12125550100"):
        metrics.recorded(ani)
    assert metrics.by_ani == {"+12125550100": 2, "+12125550101": 1, "other": 1}
