"""The metrics of the gateway itself, of calls and of upstreams, explained in `docs/reference/metrics.md`."""

from collections.abc import Iterator, Mapping

from gateway.admin.metric_family import Family, Samples, counter, counters, gauge, gauges, histograms
from gateway.admin.snapshot import Snapshot
from gateway.admin.standing import standing
from gateway.telemetry.figures import CallFigures, UpstreamState


def gateway_metrics(snapshot: Snapshot) -> Iterator[Family]:
    """All of them."""
    yield from _gateway(snapshot)
    yield from _calls(snapshot.calls)
    yield from _sessions(snapshot.calls)
    yield from _upstreams(snapshot.calls)


def _gateway(snapshot: Snapshot) -> Iterator[Family]:
    yield gauges("build_info", "The running version.", ("version",), [((snapshot.version,), 1)])
    yield gauge("start_time_seconds", "When it started, seconds since the epoch.", snapshot.started_at)
    yield gauge("ready", "1 while calls get numbers, as /readyz says.", standing(snapshot).is_ready)
    yield gauge("workers", "Processes that answer calls.", len(snapshot.workers))
    ages = (((str(worker.slot),), worker.age_s) for worker in snapshot.workers)
    yield gauges("worker_figures_age_seconds", "Age of a worker's figures.", ("slot",), ages)
    left_out = snapshot.lines_left_out + snapshot.calls.lines_left_out
    yield counter("log_lines_left_out", "Log lines that could not be written in time.", left_out)


def _calls(calls: CallFigures) -> Iterator[Family]:
    yield counters(
        "decisions",
        "Calls decided.",
        ("status", "source", "reason"),
        ((each.way, each.latency.count) for each in calls.decided),
    )
    yield histograms(
        "decision_seconds",
        "From the complete request to its answer.",
        ("source",),
        (((source,), spread) for source, spread in calls.by_source.items()),
    )
    yield gauge("cache_entries", "Answers in the cache, of all workers together.", calls.cache_entries)
    yield gauge("cache_size", "Most answers there can be in it.", calls.cache_size)
    yield counter("not_owned", "Answers refused as implausible or not ours.", calls.not_owned)
    yield counter("decision_faults", "Faults of our own while deciding; the log names each.", calls.faults)
    yield counters("unknown_argument_keys", "Keys nobody reads.", ("key",), _by_word(calls.unknown_keys))
    yield counters("bad_arguments", "Values left out as senseless.", ("key",), _by_word(calls.bad_arguments))


_SESSIONS = {
    "opened": ("sessions", "Connections to the FastAGI port."),
    "health_checks": ("session_health_checks", "Connections that sent nothing."),
    "requests": ("session_requests", "Complete requests."),
    "hung_up": ("session_hangups", "Calls that hung up before their answer."),
    "refused_peers": ("session_refused_peers", "Connections from outside agi.allow."),
    "overloaded": ("session_overloads", "Connections beyond the limits."),
    "malformed": ("session_malformed", "Requests too large to be one."),
    "timed_out": ("session_timeouts", "Sessions cut at their time limit."),
    "faults": ("session_faults", "Faults of our own; the log names each."),
    "command_errors": ("session_command_errors", "Commands Asterisk refused."),
}


def _sessions(calls: CallFigures) -> Iterator[Family]:
    yield gauge("sessions_open", "Sessions open now.", calls.open)
    for field, (name, words) in _SESSIONS.items():
        yield counter(name, words, calls.sessions.get(field, 0))


def _upstreams(calls: CallFigures) -> Iterator[Family]:
    every, name = calls.upstreams, ("upstream",)
    yield counters(
        "upstream_requests", "Requests sent.", name, (((one.name,), one.requests) for one in every)
    )
    yield counters("upstream_leads", "Leads in them.", name, (((one.name,), one.leads) for one in every))
    yield counters(
        "upstream_failures",
        "Requests that failed.",
        ("upstream", "reason"),
        (((one.name, reason), count) for one in every for reason, count in one.failures.items()),
    )
    yield counters(
        "upstream_breaker_opened",
        "Times it was left alone.",
        name,
        (((one.name,), one.opened) for one in every),
    )
    yield gauges(
        "upstream_state",
        "How many processes see it so.",
        ("upstream", "state"),
        (((one.name, state), one.states.get(state, 0)) for one in every for state in UpstreamState),
    )
    yield histograms(
        "upstream_seconds", "Of answered requests.", name, (((one.name,), one.latency) for one in every)
    )
    yield histograms(
        "upstream_batch_leads",
        "Leads of each request.",
        name,
        (((one.name,), one.batch_sizes) for one in every),
    )


def _by_word(counts: Mapping[str, int]) -> Samples:
    return (((word,), count) for word, count in counts.items())
