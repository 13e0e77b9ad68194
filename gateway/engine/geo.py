"""Where a number or a zip lies: the engine's run-time geography.

An *area* is the key under which numbers of one place are kept: a NANP area code (`212`), or `+44 ` and the
place's name for a UK number (`+44 Leeds`). Distances are between points of the earth taken as a ball.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.model.phone import PhoneNumber

NANP_TOLL_FREE = frozenset({"800", "833", "844", "855", "866", "877", "888"})
UK_TOLL_FREE = ("+44800", "+44808", "+44500")
# The shortest and longest prefixes the UK geocoder uses, country code included.
_UK_PREFIX_DIGITS = range(10, 3, -1)
_EARTH_KM = 6371.0
_KM_PER_DEGREE = 111.2
# From the middle of a square of a degree to its corner, at the equator, and a little more.
_SQUARE_KM = 80.0
_ZIP_DIGITS = 5
_BallPoint = tuple[float, float, float]
"""A point of a ball of radius 1."""
_Square = tuple[int, int, float, str]
"""Degrees north and east of its corner, the reach in km, and whose areas count."""


class Point(NamedTuple):
    """Degrees, north and east positive."""

    lat: float
    lon: float


class AreaFacts(NamedTuple):
    """An area's state, province or nation (`+44 Wales`), and its middle (`None` when unknown)."""

    state: str
    point: Point | None


class ZipFacts(NamedTuple):
    """A zip's state, its middle, and the area codes of its state that serve it."""

    state: str
    point: Point
    area_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GeoFacts:
    """What geography is made of."""

    zips: Mapping[str, ZipFacts]
    areas: Mapping[str, AreaFacts]
    uk_places: Mapping[str, str]
    """Digits with country code -> place name; the longest prefix counts."""


@dataclass(frozen=True, slots=True)
class ZipColumns:
    """42,000 zips as columns: half a megabyte, and loaded without making an object for each.

    `row_of` has one entry for each of the 100,000 possible zips: 0 for none, else its row + 1.
    """

    row_of: Sequence[int]
    lat: Sequence[float]
    lon: Sequence[float]
    state: Sequence[int]
    area_set: Sequence[int]
    states: list[str]
    area_sets: list[tuple[str, ...]]

    def find(self, code: str) -> ZipFacts | None:
        """The zip's facts; `None` for text that is no known zip."""
        if len(code) != _ZIP_DIGITS or not (code.isascii() and code.isdecimal()):
            return None
        row = self.row_of[int(code)] - 1
        if row < 0:
            return None
        point = Point(self.lat[row], self.lon[row])
        return ZipFacts(self.states[self.state[row]], point, self.area_sets[self.area_set[row]])


class Geography:
    """Answers where things lie.

    Remembers each zip asked for (8 MB when all were) and the areas around each square of a degree (2 MB).
    """

    def __init__(
        self, zips: ZipColumns, areas: Mapping[str, AreaFacts], uk_places: Mapping[str, str]
    ) -> None:
        self._zips = zips
        self._areas = areas
        self._uk_places = uk_places
        self._points = [(area, facts.point) for area, facts in areas.items() if facts.point is not None]
        self._squares: dict[_Square, list[tuple[str, _BallPoint]]] = {}
        self._seen: dict[str, ZipFacts] = {}

    def zip(self, code: str) -> ZipFacts | None:
        """Facts of a 5-digit zip, `None` when unknown."""
        facts = self._seen.get(code)
        if facts is None:
            facts = self._zips.find(code)
            if facts is not None:
                self._seen[code] = facts
        return facts

    def facts(self, area: str) -> AreaFacts | None:
        """State and middle of an area, `None` when unknown (as of the UK's smaller places)."""
        return self._areas.get(area)

    def area(self, number: PhoneNumber) -> str:
        """The number's area; "" when it has none (toll-free, mobile in the UK, other countries)."""
        e164 = number.e164
        if e164.startswith("+1"):
            code = e164[2:5]
            return "" if code in NANP_TOLL_FREE else code
        if e164.startswith("+44"):
            return self._uk_area(e164[1:])
        return ""

    def near(self, point: Point, radius_km: float, country: str) -> tuple[str, ...]:
        """Areas of `country` (`+1`, `+44`) whose middle is within `radius_km` of `point`, nearest first.

        Takes 5 µs, and 50 µs for the first point of each square of a degree.
        """
        square = (math.floor(point.lat), math.floor(point.lon), radius_km, country)
        candidates = self._squares.get(square)
        if candidates is None:
            candidates = self._squares[square] = self._around(square)
        x, y, z = _on_ball(point)
        # The cosine of the angle between two points: the nearer they are, the greater.
        least = math.cos(min(radius_km / _EARTH_KM, math.pi))
        within = [
            (-cosine, area)
            for area, (ax, ay, az) in candidates
            if (cosine := x * ax + y * ay + z * az) >= least
        ]
        within.sort()
        return tuple(area for _, area in within)

    def _around(self, square: _Square) -> list[tuple[str, _BallPoint]]:
        """The areas within reach of any point of a square of a degree."""
        south, west, radius_km, country = square
        middle = Point(south + 0.5, west + 0.5)
        reach_km = radius_km + _SQUARE_KM
        return [
            (area, _on_ball(point))
            for area, point in self._points
            # A cheap test first: most of the 400 areas lie too far north or south.
            if abs(point.lat - middle.lat) * _KM_PER_DEGREE <= reach_km
            and area.startswith("+44") is (country == "+44")
            and distance_km(middle, point) <= reach_km
        ]

    def _uk_area(self, digits: str) -> str:
        places = self._uk_places
        for length in _UK_PREFIX_DIGITS:
            name = places.get(digits[:length])
            if name is not None:
                return "+44 " + name
        return ""


def is_toll_free(number: PhoneNumber) -> bool:
    """Whether calling the number costs its caller nothing."""
    e164 = number.e164
    return e164[2:5] in NANP_TOLL_FREE if e164.startswith("+1") else e164.startswith(UK_TOLL_FREE)


def _on_ball(point: Point) -> _BallPoint:
    lat, lon = math.radians(point.lat), math.radians(point.lon)
    across = math.cos(lat)
    return across * math.cos(lon), across * math.sin(lon), math.sin(lat)


def distance_km(a: Point, b: Point) -> float:
    """Great-circle distance (haversine), good to half a percent."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    across = math.sin((lat_b - lat_a) / 2) ** 2
    along = math.cos(lat_a) * math.cos(lat_b) * math.sin(math.radians(b.lon - a.lon) / 2) ** 2
    return 2 * _EARTH_KM * math.asin(min(1.0, math.sqrt(across + along)))
