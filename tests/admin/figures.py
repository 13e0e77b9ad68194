"""A gateway that has done a little of everything, for tests of what is shown of it."""

from datetime import date

from gateway.admin.snapshot import LinkFigures, ReportFigures, Snapshot, TargetFigures, WorkerFigures
from gateway.dials.confirmations import ConfirmationCounts
from gateway.engine.statistics import Figures
from gateway.engine.survey import EngineSurvey
from gateway.engine.webhooks import WebhookCounts
from gateway.model.decision import Reason, Source, Status
from gateway.model.delivery import Stored
from gateway.stores.engine_usage import Resting
from gateway.telemetry.figures import CallFigures, Decided, Spread, UpstreamFigures, UpstreamState
from gateway.telemetry.metrics import AmiMetrics, DialMetrics, Histogram
from gateway.telemetry.recent import LastCall

NOW, BEGAN = 1_760_000_060.5, 1_760_000_000.0
ANI, BUSY_ANI = "+13125550100", "+13125550101"


def spread(*values: float) -> Spread:
    histogram = Histogram()
    for value in values:
        histogram.observe(value)
    return Spread.of(histogram)


def calls(hits: int = 3) -> CallFigures:
    return CallFigures(
        decided=(
            Decided(Status.ASSIGNED, Source.CACHE, Reason.NONE, spread(*[0.001] * hits)),
            Decided(Status.FALLBACK, Source.ENGINE, Reason.TIMEOUT, spread(0.7)),
            Decided(Status.BLOCKED, Source.NONE, Reason.DO_NOT_CALL, spread()),
        ),
        sessions={"opened": hits + 2, "health_checks": 1},
        open=1,
        upstreams=(
            UpstreamFigures(
                "outboundiq",
                {UpstreamState.RESTING: 1},
                "503: try later",
                2,
                7,
                9,
                {Reason.UNAVAILABLE: 4},
                spread(0.02),
            ),
        ),
        unknown_keys={"colour": 2},
        bad_arguments={"zip": 1},
        lines_left_out=5,
        cache_entries=10,
        cache_size=100,
        able=(Source.ENGINE,),
        takes_calls=True,
        last_calls=(
            LastCall(NOW - 1, "+1212*****01", "+1312*****00", "ASSIGNED", "cache", "", 0.001, "1.1"),
        ),
    )


def snapshot(hits: int = 3) -> Snapshot:
    link, dials = AmiMetrics(), DialMetrics()
    link.call_ends, link.losses = 5, 1
    link.lag.observe(0.002)
    dials.stored[Stored.NEW] = 4
    dials.recorded(ANI)
    target = dials.target("outboundiq")
    target.waiting, target.oldest_s, target.delivered_total, target.dead = 2, 7.5, 3, 1
    both = calls(hits)
    return Snapshot(
        "0.5.0",
        NOW,
        BEGAN,
        both,
        (WorkerFigures(1, both, 0.25),),
        (LinkFigures("pbx", "refused", "Asterisk refuses user 'gw'", link, 3, ("no_hangups",)),),
        ReportFigures(
            dials,
            (TargetFigures("outboundiq", "401 Unauthorized", target),),
            "",
            {"never_dialled": 2},
            ConfirmationCounts(deliveries=1, confirmed=2),
        ),
        {"crm": WebhookCounts(delivered=4, lost=1)},
        EngineSurvey(
            numbers=100,
            uses_today=130,
            daily_cap=100,
            busiest=[(BUSY_ANI, 100), (ANI, 30)],
            resting=[Resting(ANI, NOW + 60, None), Resting(BUSY_ANI, None, date.max)],
            rates=[(BUSY_ANI, Figures(recent=40, recent_contacts=8, contact_rate=0.2))],
        ),
        lines_left_out=1,
    )
