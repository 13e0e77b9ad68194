from pathlib import Path

import pytest

from gateway.engine.geo import AreaFacts, GeoFacts, Geography, Point, ZipFacts
from gateway.engine.geo_cache import open_geography
from gateway.engine.geo_table import from_bytes, to_bytes

FACTS = GeoFacts(
    zips={
        "10001": ZipFacts("NY", Point(40.75, -74.0), ("212", "646")),
        "14201": ZipFacts("NY", Point(42.89, -78.88), ("716",)),
        "07030": ZipFacts("NJ", Point(40.74, -74.03), ("201",)),
    },
    areas={
        "212": AreaFacts("NY", Point(40.76, -73.97)),
        "646": AreaFacts("NY", Point(40.75, -73.98)),
        "716": AreaFacts("NY", Point(42.77, -78.85)),
        "201": AreaFacts("NJ", Point(40.9, -74.05)),
        "305": AreaFacts("FL", Point(25.5, -80.4)),
        "274": AreaFacts("WI", None),
        "+44 Leeds": AreaFacts("+44 England", Point(53.8, -1.5)),
        "+44 London": AreaFacts("+44 England", Point(51.5, -0.1)),
        "+44 Bradford": AreaFacts("+44 England", Point(53.8, -1.8)),
        "+44 Cardiff": AreaFacts("+44 Wales", Point(51.5, -3.2)),
    },
    uk_places={
        "44113": "Leeds",
        "4420": "London",
        "441274": "Bradford",
        "4429": "Cardiff",
        "441963": "Wincanton",
    },
)


@pytest.fixture
def small_geography() -> Geography:
    """Six area codes, three zips and two towns: enough for every rule."""
    return from_bytes(to_bytes(FACTS, "small"), "small")


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("geo")


@pytest.fixture(scope="session")
def geography(cache_dir: Path) -> Geography:
    """The real one, folded from the installed packages once a run."""
    return open_geography(str(cache_dir))
