"""How many numbers each region needs: a plan out of the dials that went there. Pure.

    business days    Monday to Friday from the first to the last day, both included
    daily average    ceil(dials / business days)
    proposed         ceil(daily average / target); 0 below 20 a business day, where toll-free numbers serve
    difference       proposed - current

The target is how many dials a day one number is to carry: `Target`. What a region is depends on `GroupBy`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum, StrEnum

from gateway.engine.geo import Geography
from gateway.model.phone import PhoneNumber

THRESHOLD = 20
"""Dials a business day below which a region gets no numbers of its own."""
ELSEWHERE = "elsewhere"
"""Region of what has no area: toll-free, mobile in the UK, other countries, a number that is none."""
_SATURDAY = 5
_WEEK_DAYS = 5


class Target(IntEnum):
    """Dials a day for one number: the fewer, the less it looks like spam."""

    BEST = 50
    BETTER = 75
    GOOD = 100


class GroupBy(StrEnum):
    """By what dials are told apart."""

    AREA_CODE = "area_code"
    """The prospect's area."""
    ANI = "ani"
    """The area of the number shown."""
    ZIP = "zip"
    """The areas that serve the prospect's zip; without a known zip the prospect's area."""


@dataclass(frozen=True, slots=True)
class Region:
    """Where numbers are local: one area, or several that serve the same zips."""

    name: str
    """The areas, with `/` between them."""
    state: str
    """"" when unknown."""
    areas: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """What one region has and needs."""

    region: Region
    daily_average: int
    current: int
    proposed: int
    below_threshold: bool

    @property
    def difference(self) -> int:
        """Numbers to add; negative: to give up."""
        return self.proposed - self.current


@dataclass(frozen=True, slots=True)
class Plan:
    """All regions, those with the most dials first."""

    regions: tuple[RegionPlan, ...]
    toll_free: int
    """Toll-free numbers that would carry the dials for which no local number is proposed."""

    @property
    def proposed(self) -> int:
        """Local numbers in all."""
        return sum(region.proposed for region in self.regions)


class Regions:
    """Finds the regions of dials and numbers. Remembers each it was asked for: make one for each plan."""

    def __init__(self, geography: Geography) -> None:
        self._geography = geography
        self._by_prefix: dict[str, Region] = {}
        self._by_zip: dict[str, Region | None] = {}

    def of_prefix(self, prefix: str) -> Region:
        """The region of a number that begins so, with plus."""
        found = self._by_prefix.get(prefix)
        if found is None:
            found = self._by_prefix[prefix] = self._find_prefix(prefix)
        return found

    def of_zip(self, code: str, prefix: str) -> Region:
        """The region of a zip; of the number when the zip is unknown or no area serves it."""
        if code not in self._by_zip:
            self._by_zip[code] = self._find_zip(code)
        return self._by_zip[code] or self.of_prefix(prefix)

    def _find_prefix(self, prefix: str) -> Region:
        area = self._geography.area(PhoneNumber(prefix)) if prefix.startswith("+") else ""
        if not area:
            return Region(ELSEWHERE, "", ())
        facts = self._geography.facts(area)
        # Geography tells a nation of the United Kingdom as it tells the places there: "+44 England".
        return Region(area, facts.state.removeprefix("+44 ") if facts is not None else "", (area,))

    def _find_zip(self, code: str) -> Region | None:
        facts = self._geography.zip(code[:5])
        if facts is None or not facts.area_codes:
            return None
        areas = tuple(sorted(facts.area_codes))
        return Region("/".join(areas), facts.state, areas)


def business_days(first: date, last: date) -> int:
    """Mondays to Fridays from `first` to `last`, both included; 0 when `last` is before."""
    days = (last - first).days + 1
    if days <= 0:
        return 0
    weeks, rest = divmod(days, 7)
    later = (first + timedelta(days=day) for day in range(rest))
    return weeks * _WEEK_DAYS + sum(day.weekday() < _SATURDAY for day in later)


def make_plan(
    dials: Mapping[Region, int], numbers: Mapping[Region, int], *, days: int, target: Target
) -> Plan:
    """The plan for `dials` in `days` business days (1 or more), with the `numbers` there are, by area.

    An area with numbers and without dials is a region too. Where regions share an area, its numbers are
    current in each of them.
    """
    by_area = {area: count for region, count in numbers.items() for area in region.areas}
    covered = {area for region in dials for area in region.areas}
    idle = [region for region in numbers if region.areas and not covered.issuperset(region.areas)]
    regions = [
        _region_plan(region, dials.get(region, 0), by_area, days, target) for region in (*dials, *idle)
    ]
    regions.sort(key=lambda one: (-one.daily_average, one.region.name))
    homeless = sum(one.daily_average for one in regions if one.below_threshold or not one.region.areas)
    return Plan(tuple(regions), ceil_div(homeless, target))


def _region_plan(
    region: Region, dials: int, numbers: Mapping[str, int], days: int, target: Target
) -> RegionPlan:
    average = ceil_div(dials, days)
    is_thin = average < THRESHOLD
    return RegionPlan(
        region,
        daily_average=average,
        current=sum(numbers.get(area, 0) for area in region.areas),
        proposed=0 if is_thin or not region.areas else ceil_div(average, target),
        below_threshold=is_thin,
    )


def ceil_div(value: int, by: int) -> int:
    """`value / by`, rounded up."""
    return -(-value // by)
