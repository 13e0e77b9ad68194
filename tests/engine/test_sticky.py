from datetime import date, timedelta

import pytest

from gateway.engine.geo import Geography
from gateway.engine.limits import Limits
from gateway.engine.pools import Pools
from gateway.engine.rules import Rule
from gateway.engine.selector import Selector, Terms
from gateway.engine.sticky import Kept, StickyMap
from gateway.model.inventory import Ani, Campaign, CampaignType
from gateway.model.lead import AssignmentType, Lead
from gateway.model.phone import PhoneNumber

TODAY = date(2026, 3, 2)
ONE, TWO = PhoneNumber("+12125550100"), PhoneNumber("+12125550101")
FREE = PhoneNumber("+18005550100")
PROSPECT = Lead(PhoneNumber("+12125550199"), campaign="c1")
STICKY = Rule.STICKY


class World:
    """A selector that remembers prospects."""

    def __init__(self, geography: Geography, *, size: int = 10) -> None:
        self.noted: list[tuple[str, Kept | None]] = []
        self.map = StickyMap([], keep_s=100.0, size=size, note=self.note)
        pools = Pools(
            [Campaign("c1", "One", CampaignType.OUTBOUND), Campaign("c2", "Two", CampaignType.OUTBOUND)]
        )
        terms = Terms(geography, pools, Limits(daily_cap=3), lambda: 0.0, self.map)
        anis = [Ani(ONE, "c1"), Ani(TWO, "c1"), Ani(FREE, "c1")]
        self.selector = Selector(anis, (), terms, today=TODAY)

    def note(self, prospect: str, kept: Kept | None, _now_s: float) -> None:
        self.noted.append((prospect, kept))

    def shown(self, lead: Lead = PROSPECT, now_s: float = 1000.0) -> tuple[PhoneNumber, Rule] | None:
        choice = self.selector.select(lead, now_s)
        return choice and (choice.ani, choice.rule)


@pytest.fixture
def world(small_geography: Geography) -> World:
    return World(small_geography)


def test_prospect_sees_the_same_number_again(world: World) -> None:
    assert world.shown() == (ONE, Rule.AREA_CODE)
    assert world.shown(PROSPECT._replace(phone=PhoneNumber("+12125550198"))) == (TWO, Rule.AREA_CODE)
    assert [world.shown() for _ in range(2)] == [(ONE, STICKY)] * 2


def test_number_at_its_cap_is_replaced_and_the_new_one_is_kept(world: World) -> None:
    for _ in range(3):
        world.shown()
    assert world.shown() == (TWO, Rule.AREA_CODE)
    world.selector.begin_day(TODAY + timedelta(days=1))
    assert world.shown() == (TWO, STICKY)


def test_prospect_is_forgotten_after_its_time_which_each_call_renews(world: World) -> None:
    world.shown(now_s=1000.0)
    assert world.shown(now_s=1099.0) == (ONE, STICKY)
    assert world.shown(now_s=1198.0) == (ONE, STICKY)
    world.selector.begin_day(TODAY + timedelta(days=1))
    assert world.shown(now_s=1298.0) == (TWO, Rule.AREA_CODE)


@pytest.mark.parametrize(
    "change",
    [
        Ani(ONE, "c2"),
        Ani(ONE, "c1", paused_until=TODAY + timedelta(days=1)),
    ],
)
def test_number_that_may_not_be_shown_any_more_is_not(world: World, change: Ani) -> None:
    world.shown()
    world.selector.put(change)
    assert world.shown() == (TWO, Rule.AREA_CODE)


def test_number_that_is_not_ours_any_more_is_not_shown(world: World) -> None:
    world.shown()
    world.selector.discard(ONE)
    assert world.shown() == (TWO, Rule.AREA_CODE)


@pytest.mark.parametrize(
    "asked",
    [
        PROSPECT._replace(branded=True),
        PROSPECT._replace(pools=("other",)),
        PROSPECT._replace(assignment_type=AssignmentType.TFN),
    ],
)
def test_lead_that_does_not_permit_the_number_does_not_get_it(world: World, asked: Lead) -> None:
    world.shown()
    shown = world.shown(asked)
    assert shown is None or shown[0] == FREE


def test_toll_free_number_of_last_resort_does_not_stick(world: World) -> None:
    """It was shown for want of a better one."""
    world.selector.discard(ONE)
    world.selector.discard(TWO)
    assert world.shown() == (FREE, Rule.TFN)
    world.selector.put(Ani(TWO, "c1"))
    assert world.shown() == (TWO, Rule.AREA_CODE)


def test_toll_free_number_asked_for_sticks(world: World) -> None:
    asked = PROSPECT._replace(assignment_type=AssignmentType.TFN)
    assert [world.shown(asked) for _ in range(2)] == [(FREE, Rule.TFN), (FREE, STICKY)]


def test_who_was_not_called_the_longest_goes_first_when_full(small_geography: Geography) -> None:
    world = World(small_geography, size=2)
    leads = [PROSPECT._replace(phone=PhoneNumber(f"+1212555020{number}")) for number in range(3)]
    for place in (0, 1, 0, 2):
        world.shown(leads[place])
    assert len(world.map) == 2
    assert world.map.number(leads[1].phone, 1000.0) is None
    assert world.map.number(leads[0].phone, 1000.0) == ONE
    assert (leads[1].phone.e164, None) in world.noted
