import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.geo import AreaFacts, GeoFacts, Point, ZipFacts
from gateway.engine.geo_table import GeoTableError, from_bytes, to_bytes

FACTS = GeoFacts(
    zips={
        "00501": ZipFacts("NY", Point(40.5, -73.0), ("631",)),
        "99950": ZipFacts("AK", Point(55.5, -131.0), ()),
    },
    areas={"631": AreaFacts("NY", Point(40.8, -73.0)), "907": AreaFacts("AK", None)},
    uk_places={"4420": "London"},
)


def test_what_was_written_is_read_back() -> None:
    geography = from_bytes(to_bytes(FACTS, "key"), "key")
    assert {code: geography.zip(code) for code in FACTS.zips} == FACTS.zips
    assert {area: geography.facts(area) for area in FACTS.areas} == FACTS.areas


def test_table_of_other_versions_is_refused() -> None:
    with pytest.raises(GeoTableError):
        from_bytes(to_bytes(FACTS, "old"), "new")


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_any_changed_byte_is_noticed(position: int, difference: int) -> None:
    content = bytearray(to_bytes(FACTS, "key"))
    content[position % len(content)] ^= difference
    with pytest.raises(GeoTableError):
        from_bytes(bytes(content), "key")


@given(st.integers(min_value=0))
def test_half_a_table_is_noticed(length: int) -> None:
    content = to_bytes(FACTS, "key")
    with pytest.raises(GeoTableError):
        from_bytes(content[: length % len(content)], "key")
