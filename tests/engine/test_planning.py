import math
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.geo import Geography
from gateway.engine.planning import ELSEWHERE, Region, Regions, Target, business_days, make_plan

NY, NJ, FL = (Region(area, state, (area,)) for area, state in (("212", "NY"), ("201", "NJ"), ("305", "FL")))
NOWHERE = Region(ELSEWHERE, "", ())
DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (date(2026, 11, 16), date(2026, 11, 20), 5),
        (date(2026, 11, 16), date(2026, 11, 22), 5),
        (date(2026, 11, 20), date(2026, 11, 23), 2),
        (date(2026, 11, 21), date(2026, 11, 22), 0),
        (date(2026, 11, 20), date(2026, 11, 20), 1),
        (date(2026, 11, 1), date(2026, 11, 30), 21),
        (date(2026, 11, 20), date(2026, 11, 19), 0),
    ],
)
def test_business_days_are_mondays_to_fridays(first: date, last: date, days: int) -> None:
    assert business_days(first, last) == days


@given(DAYS, st.integers(0, 400))
def test_business_days_are_those_a_calendar_shows(first: date, length: int) -> None:
    shown = [first + timedelta(days=day) for day in range(length + 1)]
    assert business_days(first, shown[-1]) == sum(day.isoweekday() <= 5 for day in shown)


@pytest.mark.parametrize(
    ("dials", "average", "proposed", "is_thin"),
    [
        (5 * 75, 75, 1, False),
        (5 * 75 + 1, 76, 2, False),
        (5 * 150, 150, 2, False),
        (5 * 20, 20, 1, False),
        (5 * 19, 19, 0, True),
        (1, 1, 0, True),
    ],
)
def test_proposed_numbers_carry_the_daily_average(
    dials: int, average: int, proposed: int, *, is_thin: bool
) -> None:
    plan = make_plan({NY: dials}, {NY: 3}, days=5, target=Target.BETTER)
    one = plan.regions[0]
    assert (one.daily_average, one.proposed, one.below_threshold) == (average, proposed, is_thin)
    assert (one.current, one.difference) == (3, proposed - 3)


def test_targets_are_the_documented_ones() -> None:
    assert {target.name: target.value for target in Target} == {"BEST": 50, "BETTER": 75, "GOOD": 100}


def test_regions_with_most_dials_come_first_and_idle_numbers_are_shown() -> None:
    plan = make_plan({NJ: 500, NY: 900}, {FL: 4, NOWHERE: 2}, days=5, target=Target.BEST)
    assert [(one.region.name, one.current, one.proposed) for one in plan.regions] == [
        ("212", 0, 4),
        ("201", 0, 2),
        ("305", 4, 0),
    ]
    assert plan.proposed == 6


def test_what_no_local_number_carries_goes_to_toll_free_ones() -> None:
    plan = make_plan({NY: 5 * 19, NJ: 5 * 15, FL: 5 * 500, NOWHERE: 5 * 30}, {}, days=5, target=Target.BEST)
    assert plan.toll_free == math.ceil((19 + 15 + 30) / 50)
    assert [one.proposed for one in plan.regions] == [10, 0, 0, 0]


@given(
    st.dictionaries(st.sampled_from([NY, NJ, FL, NOWHERE]), st.integers(0, 10**6)),
    st.integers(1, 300),
    st.sampled_from(Target),
)
def test_a_plan_is_never_short_and_wastes_less_than_a_number(
    dials: dict[Region, int], days: int, target: Target
) -> None:
    for one in make_plan(dials, {}, days=days, target=target).regions:
        assert one.daily_average == math.ceil(dials[one.region] / days)
        if one.proposed:
            assert (one.proposed - 1) * target < one.daily_average <= one.proposed * target
        else:
            assert one.below_threshold or one.region == NOWHERE


def test_regions_are_areas_and_zips_are_those_that_serve_them(small_geography: Geography) -> None:
    regions = Regions(small_geography)
    assert regions.of_prefix("+1212") == NY
    assert regions.of_prefix("+4411355501") == Region("+44 Leeds", "England", ("+44 Leeds",))
    assert regions.of_prefix("+1800") == regions.of_prefix("101") == regions.of_prefix("") == NOWHERE
    assert regions.of_zip("10001", "+1305") == Region("212/646", "NY", ("212", "646"))
    assert regions.of_zip("10001-1234", "+1305").name == "212/646"
    assert regions.of_zip("99999", "+1305") == FL
    assert regions.of_zip("", "+1305") == FL


def test_numbers_of_shared_areas_are_current_in_each_region() -> None:
    both = Region("201/212", "NY", ("201", "212"))
    plan = make_plan({both: 500, NY: 500}, {NY: 2, NJ: 1}, days=5, target=Target.GOOD)
    assert {one.region.name: one.current for one in plan.regions} == {"201/212": 3, "212": 2}
