import pytest

from gateway.admin.snapshot import LinkFigures, ReportFigures, Snapshot, TargetFigures, WorkerFigures
from gateway.admin.standing import State, standing
from gateway.dials.confirmations import ConfirmationCounts
from gateway.model.decision import Source
from gateway.telemetry.figures import CallFigures, UpstreamFigures, UpstreamState
from gateway.telemetry.metrics import AmiMetrics, DialMetrics, TargetMetrics


def upstream(state: UpstreamState) -> UpstreamFigures:
    return UpstreamFigures("outboundiq", {state: 1}, "401: who are you?", requests=1)


def snapshot(
    *upstreams: UpstreamFigures,
    able: tuple[Source, ...] = (),
    takes_calls: bool = True,
    links: tuple[LinkFigures, ...] = (),
    reports: ReportFigures | None = None,
) -> Snapshot:
    calls = CallFigures(upstreams=upstreams, able=able, takes_calls=takes_calls)
    return Snapshot("1", 0.0, 0.0, calls, (WorkerFigures(0, calls, 0.0),), links, reports)


@pytest.mark.parametrize("state", [UpstreamState.OK, UpstreamState.PROBING])
def test_an_upstream_that_may_answer_is_enough(state: UpstreamState) -> None:
    now = standing(snapshot(upstream(state)))
    assert (now.is_ready, now.state, now.words) == (True, State.OK, "calls are answered")


def test_a_resting_upstream_without_fallback_is_not_ready_and_says_why() -> None:
    now = standing(snapshot(upstream(UpstreamState.RESTING)))
    assert (now.is_ready, now.state) == (False, State.DOWN)
    assert now.words == (
        "nobody has a number now: calls keep the caller ID they had; "
        "outboundiq rests after failures: 401: who are you?"
    )


@pytest.mark.parametrize(
    ("able", "words"),
    [
        ((Source.ENGINE,), "calls are answered"),
        ((Source.DEFAULT,), "calls get the default number only"),
        ((Source.DEFAULT, Source.STALE), "calls get the default number or earlier answers only"),
    ],
)
def test_any_fallback_keeps_it_ready(able: tuple[Source, ...], words: str) -> None:
    now = standing(snapshot(upstream(UpstreamState.HELD), able=able))
    assert (now.is_ready, now.state) == (True, State.DEGRADED)
    assert now.words == f"{words}; outboundiq asks to be left alone (429)"


def test_who_drains_is_not_ready() -> None:
    now = standing(snapshot(upstream(UpstreamState.OK), able=(Source.ENGINE,), takes_calls=False))
    assert (now.is_ready, now.state) == (False, State.DOWN)
    assert now.words == "stopping: no more calls are taken"


def test_without_any_worker_nobody_answers() -> None:
    now = standing(Snapshot("1", 0.0, 0.0, CallFigures(), ()))
    assert (now.is_ready, now.words) == (False, "nobody answers calls now")


def test_a_lost_link_and_waiting_records_are_told_and_calls_go_on() -> None:
    link = LinkFigures("pbx", "down", "no link to 127.0.0.1:5038", AmiMetrics())
    target = TargetFigures("outboundiq", "401 Unauthorized", TargetMetrics())
    reports = ReportFigures(DialMetrics(), (target,), "the disk is full", {}, ConfirmationCounts())
    now = standing(snapshot(upstream(UpstreamState.OK), links=(link,), reports=reports))
    assert (now.is_ready, now.state) == (True, State.DEGRADED)
    assert now.words == (
        "calls are answered; AMI link pbx is down: no link to 127.0.0.1:5038; "
        "the spool cannot be used: the disk is full; records wait: outboundiq: 401 Unauthorized"
    )
