"""Folds the data of `zipcodes` and `phonenumbers` into the engine's compact table, at first use.

No data of theirs is shipped: the table is made on the user's machine from the installed packages. This is the
only file that imports them, and only `geo_cache` calls it, when no fitting table is on disk.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import zipcodes
from phonenumbers.geodata import GEOCODE_DATA

from gateway.engine.geo import AreaFacts, GeoFacts, Point, ZipFacts
from gateway.engine.geo_uk import uk_areas

# US states with the district and the territories that dial as +1, and Canadian provinces. The geocoder
# writes an area that covers a whole region by the region's name, others as "City, XX".
_US_NAMES = (
    "Alabama=AL Alaska=AK Arizona=AZ Arkansas=AR California=CA Colorado=CO Connecticut=CT Delaware=DE "
    "Florida=FL Georgia=GA Hawaii=HI Idaho=ID Illinois=IL Indiana=IN Iowa=IA Kansas=KS Kentucky=KY "
    "Louisiana=LA Maine=ME Maryland=MD Massachusetts=MA Michigan=MI Minnesota=MN Mississippi=MS Missouri=MO "
    "Montana=MT Nebraska=NE Nevada=NV New_Hampshire=NH New_Jersey=NJ New_Mexico=NM New_York=NY "
    "North_Carolina=NC North_Dakota=ND Ohio=OH Oklahoma=OK Oregon=OR Pennsylvania=PA Rhode_Island=RI "
    "South_Carolina=SC South_Dakota=SD Tennessee=TN Texas=TX Utah=UT Vermont=VT Virginia=VA "
    "Washington_State=WA Washington_D.C.=DC West_Virginia=WV Wisconsin=WI Wyoming=WY"
)
_CANADA_NAMES = (
    "Alberta=AB British_Columbia=BC British_Colombia=BC Manitoba=MB New_Brunswick=NB "
    "Newfoundland_and_Labrador=NL Nova_Scotia/Prince_Edward_Island=NS Ontario=ON Quebec=QC Saskatchewan=SK"
)
# Neither package knows where a Canadian area code lies; its province's largest city stands for it.
_PROVINCES = {
    "AB": Point(51.0, -114.1),
    "BC": Point(49.3, -123.1),
    "MB": Point(49.9, -97.1),
    "NB": Point(46.1, -64.8),
    "NL": Point(47.6, -52.7),
    "NS": Point(44.6, -63.6),
    "NT": Point(62.5, -114.4),
    "NU": Point(63.7, -68.5),
    "ON": Point(43.7, -79.4),
    "PE": Point(46.2, -63.1),
    "QC": Point(45.5, -73.6),
    "SK": Point(52.1, -106.7),
    "YT": Point(60.7, -135.1),
}
_AREA_PREFIX_DIGITS = 4


@dataclass(frozen=True, slots=True)
class _Zip:
    code: str
    state: str
    point: Point
    area_codes: tuple[str, ...]


def fold() -> GeoFacts:
    """All facts, from the installed packages. Takes one to two seconds and about 300 MB for a moment."""
    rows = list(_zips())
    regions = _regions(rows)
    areas = {area: AreaFacts(region, None) for area, region in regions.items()}
    areas |= {area: AreaFacts(regions[area], point) for area, point in _centres(rows, regions).items()}
    for area, facts in areas.items():
        if facts.point is None and facts.state in _PROVINCES:
            areas[area] = AreaFacts(facts.state, _PROVINCES[facts.state])
    # A zip at a border also lists the codes of the other side, Canada's included; its own state's count.
    zips = {
        row.code: ZipFacts(
            row.state, row.point, tuple(area for area in row.area_codes if regions.get(area) == row.state)
        )
        for row in rows
    }
    places = dict(_uk_places())
    return GeoFacts(zips=zips, areas=areas | dict(uk_areas(places)), uk_places=places)


def _zips() -> Iterator[_Zip]:
    for row in zipcodes.list_all():  # type: ignore[no-untyped-call]
        # Military post goes to ships and bases abroad: its state and place say nothing about a phone.
        if row["zip_code_type"] != "MILITARY" and row["lat"] and row["long"]:
            point = Point(float(row["lat"]), float(row["long"]))
            yield _Zip(row["zip_code"], row["state"], point, tuple(row["area_codes"]))


def _regions(rows: Iterable[_Zip]) -> dict[str, str]:
    """State or province of each area code: the geocoder's word, else that of most of its zips."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for area in row.area_codes:
            votes[area][row.state] += 1
    regions = {area: counter.most_common(1)[0][0] for area, counter in votes.items()}
    return regions | _geocoder_regions()


def _geocoder_regions() -> dict[str, str]:
    names = dict(pair.replace("_", " ").split("=") for pair in f"{_US_NAMES} {_CANADA_NAMES}".split())
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for prefix, text in _english("1"):
        region = names.get(text) or text.rpartition(", ")[2]
        if len(region) == len("XX"):
            # The entry of the whole area code outweighs those of its exchanges.
            votes[prefix[1:4]][region] += 1_000_000 if len(prefix) == _AREA_PREFIX_DIGITS else 1
    return {area: counter.most_common(1)[0][0] for area, counter in votes.items()}


def _centres(rows: Iterable[_Zip], regions: Mapping[str, str]) -> dict[str, Point]:
    """Mean position of each area code's zips within its own state."""
    points: dict[str, list[Point]] = defaultdict(list)
    for row in rows:
        for area in row.area_codes:
            if regions[area] == row.state:
                points[area].append(row.point)
    return {
        area: Point(sum(p.lat for p in members) / len(members), sum(p.lon for p in members) / len(members))
        for area, members in points.items()
    }


def _uk_places() -> Iterator[tuple[str, str]]:
    """Digits with country code -> name of the place, as far as the geocoder divides the country."""
    return _english("44")


def _english(country: str) -> Iterator[tuple[str, str]]:
    for prefix, texts in GEOCODE_DATA.items():
        text = texts.get("en", "")
        if text and prefix.startswith(country):
            yield prefix, text
