"""The figures of the calls of one process, taken from its counters and its parts at one moment."""

import dataclasses
from collections.abc import Iterable, Iterator

from gateway.assignment.cache import AnswerCache
from gateway.assignment.coalesce import Coalescer
from gateway.config.settings import Settings
from gateway.engine.provider import EngineProvider
from gateway.model.decision import Source
from gateway.telemetry.figures import CallFigures, Decided, Spread, UpstreamFigures
from gateway.telemetry.logs import lines_left_out
from gateway.telemetry.metrics import Metrics


def figures_of(
    metrics: Metrics,
    *,
    upstreams: Iterable[Coalescer],
    cache_entries: int,
    cache_size: int,
    able: Iterable[Source],
    takes_calls: bool,
) -> CallFigures:
    """All of it. Takes about 20 µs."""
    calls, sessions = metrics.calls, dataclasses.asdict(metrics.sessions)
    return CallFigures(
        decided=tuple(Decided(*way, Spread.of(each)) for way, each in calls.ways.items()),
        open=sessions.pop("open"),
        sessions=sessions,
        upstreams=tuple(
            UpstreamFigures.of(one.source, metrics.upstream(one.source), one.state, one.breaker.opened_total)
            for one in upstreams
        ),
        unknown_keys=dict(calls.unknown_keys),
        bad_arguments=dict(calls.bad_arguments),
        not_owned=calls.not_owned,
        faults=calls.faults,
        lines_left_out=lines_left_out(),
        cache_entries=cache_entries,
        cache_size=cache_size,
        able=tuple(able),
        takes_calls=takes_calls,
        last_calls=calls.recent.shown(),
    )


def asked(settings: Settings) -> set[Source]:
    """The providers some campaign asks."""
    campaigns = settings.campaigns.values()
    return {*settings.assignment.providers, *(source for one in campaigns for source in one.providers)}


def able_now(settings: Settings, cache: AnswerCache, engine: EngineProvider | None) -> Iterator[Source]:
    """What has a number now without asking over the network, at least for some calls."""
    fallback = settings.assignment.fallback
    if engine is not None and engine.size and Source.ENGINE in {*asked(settings), *fallback}:
        yield Source.ENGINE
    defaults = (settings.assignment.default_ani, *(one.default_ani for one in settings.campaigns.values()))
    if Source.DEFAULT in fallback and any(defaults):
        yield Source.DEFAULT
    if Source.STALE in fallback and cache.has_stale():
        yield Source.STALE
