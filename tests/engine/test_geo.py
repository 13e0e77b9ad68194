import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.engine.geo import Geography, Point, distance_km, is_toll_free
from gateway.model.phone import PhoneNumber


def test_zip_knows_its_state_place_and_area_codes(geography: Geography) -> None:
    facts = geography.zip("90210")
    assert facts is not None
    assert facts.state == "CA"
    assert "310" in facts.area_codes
    assert distance_km(facts.point, Point(34.09, -118.41)) < 5


@pytest.mark.parametrize("text", ["", "00000", "9021", "902100", "9021A", "٩٠٢١٠"])
def test_text_that_is_no_zip_is_unknown(geography: Geography, text: str) -> None:
    assert geography.zip(text) is None


def test_zip_at_a_border_lists_no_area_code_of_the_other_side(geography: Geography) -> None:
    """North Dakota's border zips name Manitoba's 204 in the source data."""
    facts = geography.zip("58282")
    assert facts is not None
    assert facts.area_codes == ("701",)


@pytest.mark.parametrize(
    ("area", "state"),
    [("212", "NY"), ("203", "CT"), ("905", "ON"), ("204", "MB"), ("787", "PR"), ("274", "WI"), ("202", "DC")],
)
def test_area_code_knows_its_state_or_province(geography: Geography, area: str, state: str) -> None:
    facts = geography.facts(area)
    assert facts is not None
    assert facts.state == state


def test_every_state_has_an_area_code_with_a_place(geography: Geography) -> None:
    codes = [f"{code}" for code in range(200, 1000)]
    found = {facts.state for code in codes if (facts := geography.facts(code)) and facts.point}
    assert len(found) >= 51 + 10


def test_near_is_sorted_by_distance_and_ends_at_the_radius(geography: Geography) -> None:
    centre = Point(40.75, -74.0)
    areas = geography.near(centre, 160, "+1")
    points = [facts.point for area in areas if (facts := geography.facts(area))]
    distances = [distance_km(centre, point) for point in points if point]
    assert areas[0] in {"212", "646", "332", "917"}
    assert distances == sorted(distances)
    assert distances[-1] <= 160
    assert "305" not in areas


@given(st.floats(18, 65), st.floats(-160, -60), st.sampled_from([0.0, 50.0, 160.0, 2_000.0, 20_000.0]))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_near_finds_whom_measuring_every_area_finds(
    geography: Geography, lat: float, lon: float, radius_km: float
) -> None:
    centre = Point(lat, lon)
    codes = [str(code) for code in range(200, 1000)]
    points = {code: facts.point for code in codes if (facts := geography.facts(code)) and facts.point}
    distances = {code: distance_km(centre, point) for code, point in points.items()}
    found = geography.near(centre, radius_km, "+1")
    assert set(found) == {code for code, distance in distances.items() if distance <= radius_km}
    assert [distances[code] for code in found] == pytest.approx(sorted(distances[code] for code in found))


@pytest.mark.parametrize(
    ("number", "area"),
    [
        ("+12125550100", "212"),
        ("+15551234567", "555"),
        ("+18005550100", ""),
        ("+441134960100", "+44 Leeds"),
        ("+442079460100", "+44 London"),
        ("+447700900123", ""),
        ("+4930123456", ""),
    ],
)
def test_number_belongs_to_its_area(geography: Geography, number: str, area: str) -> None:
    assert geography.area(PhoneNumber(number)) == area


@pytest.mark.parametrize(
    ("number", "free"),
    [("+18885550100", True), ("+12125550100", False), ("+448001111111", True), ("+442079460100", False)],
)
def test_toll_free_numbers_are_known(number: str, free: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_toll_free(PhoneNumber(number)) is free


def test_distance_of_new_york_to_los_angeles() -> None:
    assert distance_km(Point(40.71, -74.01), Point(34.05, -118.24)) == pytest.approx(3936, rel=0.01)


@pytest.mark.parametrize(
    ("number", "nation", "nearest"),
    [
        ("+441134960100", "+44 England", ["+44 Leeds", "+44 Wakefield", "+44 Bradford"]),
        ("+441312000100", "+44 Scotland", ["+44 Edinburgh", "+44 Kirkcaldy", "+44 Dunfermline"]),
        ("+442920180100", "+44 Wales", ["+44 Cardiff", "+44 Pontypridd", "+44 Newport"]),
        ("+442890180100", "+44 Northern Ireland", ["+44 Belfast", "+44 Lisburn"]),
    ],
)
def test_british_area_knows_its_nation_and_its_neighbours(
    geography: Geography, number: str, nation: str, nearest: list[str]
) -> None:
    facts = geography.facts(geography.area(PhoneNumber(number)))
    assert facts is not None
    assert facts.point is not None
    assert facts.state == nation
    assert set(nearest) <= set(geography.near(facts.point, 30, "+44"))


def test_near_never_leaves_the_country(geography: Geography) -> None:
    everywhere = 20_000
    american = geography.near(Point(40.75, -74.0), everywhere, "+1")
    british = geography.near(Point(51.5, -0.1), everywhere, "+44")
    assert len(american) > 300
    assert len(british) > 150
    assert not any(area.startswith("+44") for area in american)
    assert all(area.startswith("+44 ") for area in british)


def test_every_british_place_lies_in_the_isles(geography: Geography) -> None:
    points = [
        facts.point
        for area in geography.near(Point(54.0, -2.0), 2_000, "+44")
        if (facts := geography.facts(area)) and facts.point
    ]
    assert all(49 < point.lat < 61 and -8.5 < point.lon < 2 for point in points)
