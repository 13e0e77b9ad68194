"""One metric with its samples, as values: what is shown is put together here, how it is written elsewhere."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from gateway.telemetry.figures import Spread

PREFIX = "ani_gateway_"

Labels = tuple[str, ...]
Samples = Iterable[tuple[Labels, float]]


class Kind(Enum):
    """As Prometheus names them."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric. `samples` have one value for each of `labels`."""

    kind: Kind
    name: str
    """With `PREFIX`, without `_total`."""
    words: str
    labels: Labels = ()
    samples: Sequence[tuple[Labels, float]] = ()
    spreads: Sequence[tuple[Labels, Spread]] = ()
    """In place of `samples` in a histogram."""


def gauge(name: str, words: str, value: float) -> Family:
    """What goes up and down, once."""
    return gauges(name, words, (), [((), value)])


def gauges(name: str, words: str, labels: Labels, samples: Samples) -> Family:
    """What goes up and down, by label."""
    return Family(Kind.GAUGE, PREFIX + name, words, labels, tuple(samples))


def counter(name: str, words: str, value: float) -> Family:
    """What only goes up, once."""
    return counters(name, words, (), [((), value)])


def counters(name: str, words: str, labels: Labels, samples: Samples) -> Family:
    """What only goes up, by label."""
    return Family(Kind.COUNTER, PREFIX + name, words, labels, tuple(samples))


def histograms(name: str, words: str, labels: Labels, spreads: Iterable[tuple[Labels, Spread]]) -> Family:
    """How values are spread, by label."""
    return Family(Kind.HISTOGRAM, PREFIX + name, words, labels, spreads=tuple(spreads))
