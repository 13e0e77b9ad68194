"""What a process that answers calls has counted, at one moment: made of `metrics`, sent, added up, shown.

Counters add up over processes, those that have ended included; what stands only now (open sessions, entries
of the cache, how an upstream is seen) adds up over those that live.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import chain
from typing import TypeVar

import msgspec

from gateway.model.decision import Reason, Source, Status
from gateway.telemetry.metrics import BATCH_BOUNDS, LATENCY_BOUNDS_S, Histogram, UpstreamMetrics, Way
from gateway.telemetry.recent import MOST_CALLS, LastCall

K = TypeVar("K")


class UpstreamState(StrEnum):
    """How a provider over the network is seen by those who ask it."""

    OK = "ok"
    PROBING = "probing"
    """It failed; the next call is the one that tries again."""
    HELD = "held"
    """It answered 429 and is left alone."""
    RESTING = "resting"
    """It failed and is not asked for some seconds."""


class Spread(msgspec.Struct, array_like=True, frozen=True):
    """A histogram at one moment."""

    counts: tuple[int, ...]
    """By bucket; the last one has no upper bound."""
    sum: float
    bounds: tuple[float, ...] = LATENCY_BOUNDS_S

    @classmethod
    def of(cls, histogram: Histogram) -> "Spread":
        """As the histogram is now."""
        return cls(tuple(histogram.counts), histogram.sum, histogram.bounds)

    @property
    def count(self) -> int:
        """How many values were counted."""
        return sum(self.counts)

    def plus(self, other: "Spread") -> "Spread":
        """Both together; they have the same bounds."""
        counts = (one + two for one, two in zip(self.counts, other.counts, strict=True))
        return Spread(tuple(counts), self.sum + other.sum, self.bounds)

    def since(self, earlier: "Spread") -> "Spread":
        """What was counted after `earlier`."""
        counts = (now - then for now, then in zip(self.counts, earlier.counts, strict=True))
        return Spread(tuple(counts), self.sum - earlier.sum, self.bounds)

    def estimate(self, share: float) -> float | None:
        """The value that `share` of all are not above, evenly spread within its bucket; `None` without any.

        At most the last bound.
        """
        wanted, seen, below = share * self.count, 0, 0.0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            if count and seen + count >= wanted:
                return below + (bound - below) * (wanted - seen) / count
            seen += count
            below = bound
        return below if seen or self.counts[-1] else None


NO_LATENCY = Spread((0,) * (len(LATENCY_BOUNDS_S) + 1), 0.0)
_NO_BATCHES = Spread((0,) * (len(BATCH_BOUNDS) + 1), 0.0, BATCH_BOUNDS)


class Decided(msgspec.Struct, array_like=True, frozen=True):
    """The calls decided in one way."""

    status: Status
    source: Source
    reason: Reason
    latency: Spread

    @property
    def way(self) -> Way:
        """What they have in common."""
        return self.status, self.source, self.reason


class UpstreamFigures(msgspec.Struct, array_like=True, frozen=True):
    """How one provider does."""

    name: str
    states: Mapping[UpstreamState, int] = {}
    """How many of the processes that ask it see it so."""
    last_failure: str = ""
    opened: int = 0
    """How often a breaker opened."""
    requests: int = 0
    leads: int = 0
    failures: Mapping[Reason, int] = {}
    latency: Spread = NO_LATENCY
    batch_sizes: Spread = _NO_BATCHES

    @classmethod
    def of(cls, name: str, metrics: UpstreamMetrics, state: UpstreamState, opened: int) -> "UpstreamFigures":
        """As this process sees it now."""
        return cls(
            name,
            {state: 1},
            metrics.last_failure,
            opened,
            metrics.requests,
            metrics.leads,
            dict(metrics.failures),
            Spread.of(metrics.latency),
            Spread.of(metrics.batch_sizes),
        )

    @property
    def state(self) -> UpstreamState:
        """As most see it; of as many, the worse one."""
        worst = list(UpstreamState)
        return max(
            self.states or (UpstreamState.OK,), key=lambda one: (self.states.get(one, 0), worst.index(one))
        )

    @property
    def may_answer(self) -> bool:
        """Whether somebody would ask it now."""
        return bool(self.states.get(UpstreamState.OK, 0) or self.states.get(UpstreamState.PROBING, 0))

    def plus(self, other: "UpstreamFigures") -> "UpstreamFigures":
        """The same provider, as both see it."""
        return UpstreamFigures(
            self.name,
            _added(self.states, other.states),
            self.last_failure or other.last_failure,
            self.opened + other.opened,
            self.requests + other.requests,
            self.leads + other.leads,
            _added(self.failures, other.failures),
            self.latency.plus(other.latency),
            self.batch_sizes.plus(other.batch_sizes),
        )


class CallFigures(msgspec.Struct, array_like=True, frozen=True):
    """All that one process knows of its calls, or several together."""

    decided: tuple[Decided, ...] = ()
    sessions: Mapping[str, int] = {}
    """By the names of `SessionMetrics`."""
    open: int = 0
    """Sessions open now."""
    upstreams: tuple[UpstreamFigures, ...] = ()
    unknown_keys: Mapping[str, int] = {}
    bad_arguments: Mapping[str, int] = {}
    not_owned: int = 0
    faults: int = 0
    lines_left_out: int = 0
    """Log lines that could not be written in time."""
    cache_entries: int = 0
    cache_size: int = 0
    """Most entries there can be."""
    able: tuple[Source, ...] = ()
    """What has a number without asking an upstream: the engine, a default, an earlier answer."""
    takes_calls: bool = False
    """False while it drains."""
    last_calls: tuple[LastCall, ...] = ()
    """The newest first; only while somebody watches."""

    @property
    def latency(self) -> Spread:
        """How long all decisions took, seconds."""
        return _together(each.latency for each in self.decided)

    @property
    def by_source(self) -> dict[Source, Spread]:
        """How long decisions took, by where the number came from."""
        sources = dict.fromkeys(each.source for each in self.decided)
        return {
            source: _together(each.latency for each in self.decided if each.source is source)
            for source in sources
        }

    @property
    def is_ready(self) -> bool:
        """Whether calls are taken and somebody can have a number for them."""
        return self.takes_calls and bool(self.able or any(each.may_answer for each in self.upstreams))

    def ended(self) -> "CallFigures":
        """What stays true once the process is gone."""
        upstreams = tuple(
            msgspec.structs.replace(each, states={}, last_failure="") for each in self.upstreams
        )
        return msgspec.structs.replace(
            self,
            open=0,
            upstreams=upstreams,
            cache_entries=0,
            cache_size=0,
            able=(),
            takes_calls=False,
            last_calls=(),
        )


def total(figures: Iterable[CallFigures]) -> CallFigures:
    """All of these together."""
    every = tuple(figures)
    return CallFigures(
        decided=_decided(chain.from_iterable(one.decided for one in every)),
        sessions=_added(*(one.sessions for one in every)),
        open=sum(one.open for one in every),
        upstreams=_upstreams(chain.from_iterable(one.upstreams for one in every)),
        unknown_keys=_added(*(one.unknown_keys for one in every)),
        bad_arguments=_added(*(one.bad_arguments for one in every)),
        not_owned=sum(one.not_owned for one in every),
        faults=sum(one.faults for one in every),
        lines_left_out=sum(one.lines_left_out for one in every),
        cache_entries=sum(one.cache_entries for one in every),
        cache_size=sum(one.cache_size for one in every),
        # One that drains can answer nobody any more.
        able=tuple(dict.fromkeys(chain.from_iterable(one.able for one in every if one.takes_calls))),
        takes_calls=any(one.takes_calls for one in every),
        last_calls=tuple(
            sorted(
                chain.from_iterable(one.last_calls for one in every), key=lambda call: call.at, reverse=True
            )[:MOST_CALLS]
        ),
    )


def _together(spreads: Iterable[Spread]) -> Spread:
    together = NO_LATENCY
    for each in spreads:
        together = together.plus(each)
    return together


def _decided(every: Iterable[Decided]) -> tuple[Decided, ...]:
    known: dict[Way, Spread] = {}
    for one in every:
        known[one.way] = known[one.way].plus(one.latency) if one.way in known else one.latency
    return tuple(Decided(*way, latency) for way, latency in known.items())


def _upstreams(every: Iterable[UpstreamFigures]) -> tuple[UpstreamFigures, ...]:
    known: dict[str, UpstreamFigures] = {}
    for one in every:
        known[one.name] = known[one.name].plus(one) if one.name in known else one
    return tuple(known.values())


def _added(*counts: Mapping[K, int]) -> dict[K, int]:
    together: dict[K, int] = {}
    for each in counts:
        for key, count in each.items():
            together[key] = together.get(key, 0) + count
    return together
