"""The metrics of AMI links, records, webhooks and the engine, explained in `docs/reference/metrics.md`."""

from collections.abc import Iterable, Iterator

from gateway.admin.metric_family import Family, counter, counters, gauge, gauges, histograms
from gateway.admin.snapshot import LinkFigures, ReportFigures, Snapshot
from gateway.telemetry.figures import Spread

_MOST_ANIS = 1_000
"""Numbers told one by one, those used most."""
_LINK_STATES = ("connecting", "up", "stalled", "refused", "down")


def report_metrics(snapshot: Snapshot, *, per_ani: bool) -> Iterator[Family]:
    """All of them; those by number only when asked for."""
    yield from _links(snapshot.links)
    if snapshot.reports is not None:
        yield from _records(snapshot.reports)
        yield from _targets(snapshot.reports)
        yield from _confirmations(snapshot.reports)
    yield from _webhooks(snapshot)
    yield from _engine(snapshot)
    if per_ani:
        yield from _by_ani(snapshot)


_LINKS = {
    "logins": "Logins.",
    "refused_logins": "Logins Asterisk refused.",
    "losses": "Connections lost.",
    "pings": "Pings sent into silence.",
    "call_ends": "Ends of assigned calls heard.",
    "ignored": "Ends of calls without a number of ours.",
    "passed_over_bytes": "Bytes of messages nobody wants.",
    "strange": "Messages that make no sense.",
    "oversized": "Messages too large.",
    "faults": "Faults of our own; the log names each.",
    "stalls": "Times the spool could not follow.",
    "gap_ends": "Ends found out late, without an event.",
    "missed_hangups": "Those of them while the link was up.",
    "forgotten": "Open calls forgotten for their number.",
}


def _links(links: Iterable[LinkFigures]) -> Iterator[Family]:
    every, name = tuple(links), ("pbx",)
    states = (((one.name, state), one.state == state) for one in every for state in _LINK_STATES)
    yield gauges("ami_state", "1 for the state of the link.", ("pbx", "state"), states)
    yield gauges(
        "ami_open_calls",
        "Assigned calls known to be up.",
        name,
        (((one.name,), one.open_calls) for one in every),
    )
    found = (((one.name, finding), 1) for one in every for finding in one.findings)
    yield gauges("ami_finding", "1 for each fault of the PBX's configuration.", ("pbx", "finding"), found)
    for field, words in _LINKS.items():
        yield counters(
            f"ami_{field}", words, name, (((one.name,), getattr(one.metrics, field)) for one in every)
        )
    lags = (((one.name,), Spread.of(one.metrics.lag)) for one in every)
    yield histograms("ami_lag_seconds", "From the event's time to our hearing it.", name, lags)


def _records(reports: ReportFigures) -> Iterator[Family]:
    dials = reports.dials
    stored = (((kind,), count) for kind, count in dials.stored.items())
    yield counters("records", "Records put into the spool.", ("stored",), stored)
    not_made = (((reason,), count) for reason, count in reports.not_recorded.items())
    yield counters("records_not_made", "Call ends that make no record.", ("reason",), not_made)
    yield gauge("spool_buffered", "Records in memory, not on disk yet.", dials.buffered)
    yield gauge("spool_ok", "0 while the spool cannot be used.", not reports.spool_fault)
    yield counter("spool_failures", "Times it could not be read or written.", dials.spool_failures_total)


_TARGET_GAUGES = {
    "waiting": ("target_waiting", "Records it does not have yet."),
    "dead": ("target_dead", "Dead letters kept."),
    "oldest_s": ("target_oldest_seconds", "Age of the oldest waiting record."),
    "in_flight": ("target_in_flight", "Records being sent now."),
}
_TARGET_COUNTERS = {
    "delivered_total": ("target_delivered", "Records it has taken."),
    "retried_total": ("target_failures", "Attempts that failed and are repeated."),
    "dead_total": ("target_dead_letters", "Records given up."),
    "faults_total": ("target_faults", "Faults of our own while sending."),
}


def _targets(reports: ReportFigures) -> Iterator[Family]:
    every, name = reports.targets, ("target",)
    yield gauges("target_ok", "0 while it takes none.", name, (((one.name,), not one.fault) for one in every))
    for field, (metric, words) in _TARGET_GAUGES.items():
        yield gauges(metric, words, name, (((one.name,), getattr(one.metrics, field)) for one in every))
    for field, (metric, words) in _TARGET_COUNTERS.items():
        yield counters(metric, words, name, (((one.name,), getattr(one.metrics, field)) for one in every))
    took = (((one.name,), Spread.of(one.metrics.latency)) for one in every)
    yield histograms("target_seconds", "Of delivered records.", name, took)


def _confirmations(reports: ReportFigures) -> Iterator[Family]:
    counts = reports.confirmations
    yield counter("webhook_in_deliveries", "Signed deliveries taken.", counts.deliveries)
    yield counter("webhook_in_repeats", "Deliveries that had come before.", counts.repeated)
    dials = ("confirmed", "known", "unmatched")
    yield counters(
        "webhook_in_dials",
        "Dials they told of.",
        ("result",),
        (((each,), getattr(counts, each)) for each in dials),
    )


def _webhooks(snapshot: Snapshot) -> Iterator[Family]:
    every = snapshot.webhooks.items()
    results = ("delivered", "lost", "overflowed")
    dials = (((name, one), getattr(counts, one)) for name, counts in every for one in results)
    yield counters("webhook_dials", "Dials told, or not.", ("subscriber", "result"), dials)
    repeats = (((name,), counts.repeated) for name, counts in every)
    yield counters("webhook_repeats", "Deliveries tried twice.", ("subscriber",), repeats)


def _engine(snapshot: Snapshot) -> Iterator[Family]:
    engine = snapshot.engine
    if engine is None:
        return
    at_cap = sum(used >= engine.daily_cap for _, used in engine.busiest) if engine.daily_cap else 0
    yield gauge("engine_numbers", "Numbers in the inventory.", engine.numbers)
    yield gauge("engine_uses_today", "Uses of all numbers today.", engine.uses_today)
    yield gauge("engine_numbers_at_cap", "Numbers that reached their daily cap; 1,000 at most.", at_cap)


def _by_ani(snapshot: Snapshot) -> Iterator[Family]:
    uses = snapshot.engine.busiest if snapshot.engine is not None else ()
    samples = (((ani,), used) for ani, used in uses[:_MOST_ANIS])
    yield gauges("engine_ani_uses_today", "Uses of one number today.", ("ani",), samples)
    if snapshot.reports is not None:
        most = snapshot.reports.dials.by_ani.most_common(_MOST_ANIS)
        yield counters("ani_records", "Records by number shown.", ("ani",), (((ani,), n) for ani, n in most))
