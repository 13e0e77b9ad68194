"""Whether a figure that is looked at again and again grows: the slope of Theil and Sen, pure.

The slope is the median of the slopes between all pairs of looks. Up to three looks in ten may be wild without
moving it much, so a burst of records or a retry that waits is not taken for growth, and a leak of a few
bytes a call is. Source: P. K. Sen, J. Am. Stat. Assoc. 63 (1968) 1379.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

_MOST_LOOKS = 600
"""More are thinned evenly: the pairs grow with the square."""
Look = tuple[float, float]
"""A time in seconds and a value."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much a figure may grow in the time that is judged: `least`, or a share of itself if that is more.

    Units are the figure's own.
    """

    least: float
    share: float = 0.0

    def of(self, level: float) -> float:
        """The limit for a figure of this level."""
        return max(self.least, self.share * level)


@dataclass(frozen=True, slots=True)
class Growth:
    """What became of one figure."""

    name: str
    unit: str
    first: float
    """Median of the first third of the looks that are judged."""
    last: float
    """Median of the last third."""
    highest: float
    grown: float
    """The slope times the time."""
    allowed: float
    per_hour: float

    @property
    def grows(self) -> bool:
        """Whether it grew by more than is allowed, by the slope and between first and last third."""
        return self.grown > self.allowed and self.last - self.first > self.allowed / 2


def growth(name: str, unit: str, looks: Sequence[Look], limit: Limit) -> Growth:
    """Judge the looks, at least three; the warm-up is not among them."""
    thin = looks[:: -(-len(looks) // _MOST_LOOKS)]
    values = [value for _, value in looks]
    third = max(1, len(values) // 3)
    per_s = slope(thin)
    return Growth(
        name=name,
        unit=unit,
        first=median(values[:third]),
        last=median(values[-third:]),
        highest=max(values),
        grown=per_s * (looks[-1][0] - looks[0][0]),
        allowed=limit.of(median(values)),
        per_hour=per_s * 3600,
    )


def slope(looks: Sequence[Look]) -> float:
    """The median slope between two looks, per second."""
    pairs = itertools.combinations(looks, 2)
    return median((late[1] - early[1]) / (late[0] - early[0]) for early, late in pairs)
