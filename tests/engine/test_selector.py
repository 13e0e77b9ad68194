from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest

from gateway.engine.geo import Geography
from gateway.engine.limits import Limits
from gateway.engine.pools import Pools
from gateway.engine.rules import Rule
from gateway.engine.selector import Choice, Selector, Terms
from gateway.model.inventory import Ani, Campaign, CampaignType
from gateway.model.lead import AssignmentType, Lead
from gateway.model.phone import PhoneNumber
from gateway.stores.usage import Usage

TODAY = date(2026, 3, 2)
CAMPAIGNS = (Campaign("c1", "One", CampaignType.OUTBOUND), Campaign("c2", "Two", CampaignType.OUTBOUND))


def ani(digits: str, group: str = "c1", *, branded: bool = False, paused_until: date | None = None) -> Ani:
    return Ani(PhoneNumber("+" + digits), group, branded, "", paused_until)


def lead(digits: str, zip_code: str = "", kind: AssignmentType | None = None) -> Lead:
    return Lead(PhoneNumber("+" + digits), zip_code, "c1", assignment_type=kind)


@dataclass
class Desk:
    """A selector and its clock."""

    geography: Geography
    now_s: float = 1000.0
    chances: list[float] = field(default_factory=list)

    def stock(self, *anis: Ani, limits: Limits | None = None, usage: tuple[Usage, ...] = ()) -> None:
        terms = Terms(self.geography, Pools(CAMPAIGNS), limits or Limits(), lambda: self.chances.pop(0))
        self.selector = Selector(anis, usage, terms, today=TODAY)

    def choose(self, asked: Lead) -> Choice | None:
        return self.selector.select(asked, self.now_s)

    def shown(self, asked: Lead) -> tuple[str, Rule] | None:
        choice = self.choose(asked)
        return choice and (choice.ani.digits, choice.rule)


@pytest.fixture
def desk(small_geography: Geography) -> Desk:
    return Desk(small_geography)


AUTOMATIC = [
    ("16465550100", Rule.ZIP),
    ("13055550100", Rule.AREA_CODE),
    ("12015550100", Rule.NEAREST),
    ("17165550100", Rule.STATE),
    ("12745550100", Rule.ANY),
    ("18005550100", Rule.TFN),
]


@pytest.mark.parametrize("first", range(len(AUTOMATIC)))
def test_automatic_order_takes_the_best_rule_there_is(desk: Desk, first: int) -> None:
    """A prospect with a Florida phone who lives in Manhattan."""
    desk.stock(*[ani(digits) for digits, _ in AUTOMATIC[first:]])
    assert desk.shown(lead("13055550199", "10001")) == AUTOMATIC[first]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (AssignmentType.ZIP, ("16465550100", Rule.ZIP)),
        (AssignmentType.AREA_CODE, ("13055550100", Rule.AREA_CODE)),
        (AssignmentType.TFN, ("18005550100", Rule.TFN)),
        (AssignmentType.HIGHEST_CONTACT_RATE, ("16465550100", Rule.RATE_STATE)),
    ],
)
def test_assignment_type_says_where_the_search_begins(
    desk: Desk, kind: AssignmentType, expected: tuple[str, Rule]
) -> None:
    desk.stock(*[ani(digits) for digits, _ in AUTOMATIC])
    assert desk.shown(lead("13055550199", "10001", kind)) == expected


def test_state_looks_at_the_whole_state_at_once(desk: Desk) -> None:
    desk.stock(ani("17165550100"), ani("12125550100"))
    asked = lead("12125550199", "10001", AssignmentType.STATE)
    assert [desk.shown(asked) for _ in range(2)] == [
        ("17165550100", Rule.STATE),
        ("12125550100", Rule.STATE),
    ]


def test_area_code_asked_for_goes_by_the_phone_and_not_by_the_zip(desk: Desk) -> None:
    desk.stock(ani("12015550100"), ani("13055550100"))
    asked = lead("17165550199", "10001", AssignmentType.AREA_CODE)
    assert desk.shown(asked) == ("12015550100", Rule.ANY)


def test_toll_free_asked_for_is_never_replaced_by_a_local_number(desk: Desk) -> None:
    desk.stock(ani("12125550100"))
    assert desk.choose(lead("12125550199", kind=AssignmentType.TFN)) is None


def test_toll_free_is_no_last_resort_when_told_so(desk: Desk) -> None:
    desk.stock(ani("18005550100"), limits=Limits(toll_free_last=False))
    assert desk.choose(lead("12125550199")) is None
    assert desk.choose(lead("12125550199", kind=AssignmentType.TFN)) is not None


def test_random_draws_evenly_and_never_toll_free(desk: Desk) -> None:
    desk.stock(
        ani("18005550100"), ani("12125550100"), ani("12125550101"), ani("13055550100"), ani("442079460100")
    )
    desk.chances = [0.0, 0.0, 0.99]
    asked = lead("12015550199", kind=AssignmentType.RANDOM)
    drawn = [desk.shown(asked) for _ in range(3)]
    assert {entry[0] for entry in drawn if entry} == {"12125550100", "12125550101", "13055550100"}
    assert {entry[1] for entry in drawn if entry} == {Rule.RANDOM}


def test_random_falls_back_to_the_least_used_when_luck_fails(desk: Desk) -> None:
    desk.stock(ani("12125550100"), ani("12125550101"), limits=Limits(daily_cap=1))
    desk.chances = [0.99] * 20
    asked = lead("12015550199", kind=AssignmentType.RANDOM)
    assert desk.shown(asked) == ("12125550101", Rule.RANDOM)
    assert desk.shown(asked) == ("12125550100", Rule.ANY)
    assert desk.shown(asked) is None


def test_least_used_goes_first_then_the_longest_unused(desk: Desk) -> None:
    desk.stock(ani("12125550100"), ani("12125550101"), ani("12125550102"))
    shown = [desk.choose(lead("12125550199")) for _ in range(6)]
    assert [choice.ani.digits[-1] for choice in shown if choice] == ["0", "1", "2", "0", "1", "2"]
    assert [choice.uses for choice in shown if choice] == [1, 1, 1, 2, 2, 2]


def test_cap_holds_until_the_next_day(desk: Desk) -> None:
    desk.stock(ani("12125550100"), limits=Limits(daily_cap=2))
    asked = lead("12125550199")
    assert [desk.choose(asked) is None for _ in range(3)] == [False, False, True]
    desk.selector.begin_day(TODAY + timedelta(days=1))
    choice = desk.choose(asked)
    assert choice is not None
    assert choice.uses == 1


def test_day_that_is_over_does_not_come_back(desk: Desk) -> None:
    desk.stock(ani("12125550100"), limits=Limits(daily_cap=1))
    desk.choose(lead("12125550199"))
    desk.selector.begin_day(TODAY - timedelta(days=1))
    assert desk.choose(lead("12125550199")) is None


def test_number_rests_for_its_cool_down(desk: Desk) -> None:
    desk.stock(ani("12125550100"), limits=Limits(cool_down_s=60))
    assert desk.choose(lead("12125550199")) is not None
    desk.now_s += 59.9
    assert desk.choose(lead("12125550199")) is None
    desk.now_s += 0.1
    assert desk.choose(lead("12125550199")) is not None


def test_paused_number_returns_on_its_day(desk: Desk) -> None:
    desk.stock(
        ani("12125550100", paused_until=TODAY + timedelta(days=2)), ani("12015550100", paused_until=TODAY)
    )
    asked = lead("12125550199")
    assert desk.shown(asked) == ("12015550100", Rule.NEAREST)
    desk.selector.begin_day(TODAY + timedelta(days=1))
    assert desk.shown(asked) == ("12015550100", Rule.NEAREST)
    desk.selector.begin_day(TODAY + timedelta(days=2))
    assert desk.shown(asked) == ("12125550100", Rule.AREA_CODE)


def test_own_number_far_away_comes_before_a_shared_one_nearby(desk: Desk) -> None:
    desk.stock(ani("13055550100", "c1"), ani("12125550100", ""), limits=Limits(daily_cap=1))
    asked = lead("12125550199")
    assert [desk.shown(asked) for _ in range(3)] == [
        ("13055550100", Rule.ANY),
        ("12125550100", Rule.AREA_CODE),
        None,
    ]


def test_other_campaigns_numbers_are_left_alone(desk: Desk) -> None:
    desk.stock(ani("12125550100", "c2"))
    assert desk.choose(lead("12125550199")) is None


def test_british_prospect_gets_a_british_number(desk: Desk) -> None:
    desk.stock(ani("12125550100"), ani("442079460100"), ani("441134960100"))
    assert desk.shown(lead("441134960199")) == ("441134960100", Rule.AREA_CODE)
    assert desk.shown(lead("447700900199")) == ("442079460100", Rule.ANY)


def test_prospect_of_another_country_gets_none(desk: Desk) -> None:
    desk.stock(ani("12125550100"), ani("442079460100"))
    assert desk.choose(lead("4930123456")) is None


def test_number_of_no_real_area_code_is_still_used(desk: Desk) -> None:
    desk.stock(ani("15551234567"))
    assert desk.shown(lead("15559876543")) == ("15551234567", Rule.AREA_CODE)
    assert desk.shown(lead("12125550199")) == ("15551234567", Rule.ANY)


def test_usage_of_before_counts_after_a_restart(desk: Desk) -> None:
    numbers = [ani("12125550100"), ani("12125550101")]
    used = (Usage(numbers[0].number, TODAY, 2, 990.0), Usage(numbers[1].number, TODAY, 1, 995.0))
    desk.stock(*numbers, usage=used, limits=Limits(daily_cap=2, cool_down_s=10))
    assert desk.choose(lead("12125550199")) is None
    desk.now_s = 1005.0
    assert desk.shown(lead("12125550199")) == ("12125550101", Rule.AREA_CODE)
    desk.now_s = 2000.0
    assert desk.choose(lead("12125550199")) is None


def test_counter_of_tomorrow_counts_for_today(desk: Desk) -> None:
    """The time zone was changed between two starts."""
    number = ani("12125550100")
    desk.stock(number, usage=(Usage(number.number, TODAY + timedelta(days=1), 3, 990.0),))
    choice = desk.choose(lead("12125550199"))
    assert choice is not None
    assert choice.uses == 4


def test_number_without_any_inventory_is_none(desk: Desk) -> None:
    desk.stock()
    assert desk.choose(lead("12125550199")) is None


def test_hourly_cap_holds_for_the_hour_that_begins_with_the_first_use(desk: Desk) -> None:
    desk.stock(ani("12125550100"), limits=Limits(hourly_cap=2))
    asked = lead("12125550199")
    given = []
    for wait_s in (0.0, 3000.0, 500.0, 99.9, 0.1, 0.0, 0.0):
        desk.now_s += wait_s
        given.append(desk.choose(asked) is not None)
    assert given == [True, True, False, False, True, True, False]


def test_hour_of_before_counts_after_a_restart(desk: Desk) -> None:
    number = ani("12125550100")
    used = Usage(number.number, TODAY, 2, 990.0, 500.0, 2)
    desk.stock(number, usage=(used,), limits=Limits(hourly_cap=2))
    assert desk.choose(lead("12125550199")) is None
    desk.now_s = 4100.0
    choice = desk.choose(lead("12125550199"))
    assert choice is not None
    assert (choice.uses, choice.hour_began_s, choice.hour_uses) == (3, 4100.0, 1)


def test_changed_number_keeps_its_uses_and_its_rest(desk: Desk) -> None:
    desk.stock(ani("12125550100"), limits=Limits(cool_down_s=60))
    asked = lead("12125550199")
    desk.choose(asked)
    desk.selector.put(ani("12125550100", branded=True))
    assert desk.choose(asked) is None
    desk.now_s += 60
    choice = desk.choose(asked)
    assert choice is not None
    assert choice.uses == 2


def test_number_deleted_and_created_again_has_no_new_uses(desk: Desk) -> None:
    number = ani("12125550100")
    desk.stock(number, limits=Limits(daily_cap=1))
    desk.choose(lead("12125550199"))
    desk.selector.discard(number.number)
    desk.selector.put(number)
    assert desk.choose(lead("12125550199")) is None


def test_campaign_deleted_leaves_its_numbers_to_all(desk: Desk) -> None:
    desk.stock(ani("12125550100", "c2"))
    assert desk.choose(lead("12125550199")) is None
    desk.selector.regroup(Pools(CAMPAIGNS[:1]))
    assert desk.shown(lead("12125550199")) == ("12125550100", Rule.AREA_CODE)


def test_first_number_of_a_group_asked_for_before_is_found(desk: Desk) -> None:
    desk.stock()
    asked = lead("12125550199")._replace(pools=("new",))
    assert desk.choose(asked) is None
    desk.selector.put(ani("12125550100", "new"))
    assert desk.shown(asked) == ("12125550100", Rule.AREA_CODE)


def test_random_draws_a_number_that_came_later(desk: Desk) -> None:
    desk.stock(ani("12125550100"))
    asked = lead("12125550199", kind=AssignmentType.RANDOM)
    desk.chances = [0.0, 0.99]
    desk.choose(asked)
    desk.selector.put(ani("13055550100"))
    assert desk.shown(asked) == ("13055550100", Rule.RANDOM)


BEST = AssignmentType.HIGHEST_CONTACT_RATE


def test_best_of_the_state_goes_first_until_its_cap_then_the_best_of_the_country(desk: Desk) -> None:
    numbers = [ani("12125550100"), ani("17165550100"), ani("13055550100"), ani("12015550100")]
    desk.stock(*numbers, limits=Limits(daily_cap=2))
    desk.selector.grade({numbers[0].number: -1, numbers[1].number: 3, numbers[2].number: 8})
    asked = lead("12125550199", kind=BEST)
    shown = [desk.shown(asked) for _ in range(9)]
    assert [entry[0] for entry in shown if entry] == [
        *["17165550100"] * 2,
        *["12125550100"] * 2,
        *["13055550100"] * 2,
        *["12015550100"] * 2,
    ]
    assert [entry[1] for entry in shown if entry] == [Rule.RATE_STATE] * 4 + [Rule.RATE_ANY] * 4
    assert shown[8] is None


def test_equal_rates_share_the_calls(desk: Desk) -> None:
    numbers = [ani("12125550100"), ani("17165550100")]
    desk.stock(*numbers)
    desk.selector.grade({entry.number: 2 for entry in numbers})
    shown = [desk.shown(lead("12125550199", kind=BEST)) for _ in range(4)]
    assert [entry[0] for entry in shown if entry] == ["12125550100", "17165550100"] * 2


def test_best_number_that_rests_is_passed_over(desk: Desk) -> None:
    numbers = [ani("12125550100"), ani("17165550100")]
    desk.stock(*numbers, limits=Limits(cool_down_s=60))
    desk.selector.grade({numbers[0].number: 5})
    asked = lead("12125550199", kind=BEST)
    assert [desk.shown(asked) for _ in range(3)] == [
        ("12125550100", Rule.RATE_STATE),
        ("17165550100", Rule.RATE_STATE),
        None,
    ]


def test_grades_hold_for_british_numbers_too(desk: Desk) -> None:
    numbers = [ani("441134960100"), ani("442079460100"), ani("442920180100")]
    desk.stock(*numbers)
    desk.selector.grade({numbers[1].number: 1, numbers[2].number: 2})
    assert desk.shown(lead("441134960199", kind=BEST)) == ("442079460100", Rule.RATE_STATE)
    assert desk.shown(lead("447700900199", kind=BEST)) == ("442920180100", Rule.RATE_ANY)


BRITISH = [
    ("441134960100", Rule.AREA_CODE),
    ("441274960100", Rule.NEAREST),
    ("442079460100", Rule.STATE),
    ("442920180100", Rule.ANY),
    ("448001111111", Rule.TFN),
]


@pytest.mark.parametrize("first", range(len(BRITISH)))
def test_british_prospect_gets_the_most_local_number_there_is(desk: Desk, first: int) -> None:
    """Of Leeds: then Bradford is near, London of the same nation, Cardiff of the same country."""
    desk.stock(ani("12125550100"), *[ani(digits) for digits, _ in BRITISH[first:]])
    assert desk.shown(lead("441134960199")) == BRITISH[first]


def test_british_place_nobody_knows_gets_any_british_number(desk: Desk) -> None:
    desk.stock(ani("442920180100"), ani("442079460100"))
    assert desk.shown(lead("441963960199")) == ("442920180100", Rule.ANY)


@pytest.mark.parametrize("digits", ["12125550199", "441134960199"])
def test_nearest_stays_in_the_country_however_far_it_reaches(desk: Desk, digits: str) -> None:
    other = "441134960100" if digits.startswith("1") else "12125550100"
    desk.stock(ani(other), limits=Limits(nearest_km=20_000))
    assert desk.choose(lead(digits)) is None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (None, ("441134960100", Rule.AREA_CODE)),
        (AssignmentType.ZIP, ("441134960100", Rule.NEAREST)),
        (AssignmentType.STATE, ("442079460100", Rule.STATE)),
        (AssignmentType.AREA_CODE, ("441134960100", Rule.AREA_CODE)),
        (AssignmentType.TFN, ("448001111111", Rule.TFN)),
        (AssignmentType.RANDOM, ("442079460100", Rule.RANDOM)),
    ],
)
def test_every_type_knows_british_numbers(
    desk: Desk, kind: AssignmentType | None, expected: tuple[str, Rule]
) -> None:
    desk.stock(ani("442079460100"), ani("441134960100"), ani("448001111111"), ani("12125550100"))
    desk.chances = [0.0]
    assert desk.shown(lead("441134960199", "10001", kind)) == expected


def test_branding_and_groups_asked_for_hold_for_every_type(desk: Desk) -> None:
    desk.stock(
        ani("12125550100", "a"), ani("12125550101", "a", branded=True), ani("12125550102", "b", branded=True)
    )
    for kind in (None, *(kind for kind in AssignmentType if kind is not AssignmentType.TFN)):
        desk.chances = [0.0]
        asked = lead("12125550199", "10001", kind)._replace(pools=("a",), branded=True)
        choice = desk.choose(asked)
        assert choice is not None
        assert choice.ani.digits == "12125550101"


@pytest.mark.parametrize("limits", [Limits(cool_down_s=60), Limits(hourly_cap=1)])
def test_number_whose_rest_is_over_is_found_behind_a_thousand_others(desk: Desk, limits: Limits) -> None:
    """Only some return at one call, unless a call needs more."""
    far = [ani(f"1305{number:07d}", "far") for number in range(2_000_000, 2_001_200)]
    desk.stock(*far, ani("12125550100", "near"), limits=limits)
    for asked in (*[lead("13055550199")._replace(pools=("far",))] * 1200, lead("12125550199")):
        desk.choose(asked._replace(pools=asked.pools or ("near",)))
    desk.now_s += 3600
    assert desk.shown(lead("13055550199")._replace(pools=("far",))) == ("13052000000", Rule.AREA_CODE)
    assert desk.shown(lead("12125550199")._replace(pools=("near",))) == ("12125550100", Rule.AREA_CODE)
    assert desk.choose(lead("12125550199")._replace(pools=("near",))) is None
