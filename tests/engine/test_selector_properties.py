"""The selector against a slow and plain reference, over any inventory and any course of events."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.engine.geo import Geography, is_toll_free
from gateway.engine.pools import Pools
from gateway.engine.selector import Choice, Limits, Rule, Selector, Terms
from gateway.model.inventory import Ani, Campaign, CampaignType
from gateway.model.lead import AssignmentType, Lead
from gateway.model.phone import PhoneNumber

TODAY = date(2026, 3, 2)
CAMPAIGNS = (
    Campaign("c1", "One", CampaignType.OUTBOUND, "p1"),
    Campaign("c2", "Two", CampaignType.BLENDED),
    Campaign("in", "In", CampaignType.INBOUND),
)
PREFIXES = ("+1212555", "+1646555", "+1716555", "+1201555", "+1305555", "+1274555", "+1555555", "+1800555")
BRITISH = ("+44113496", "+44207946", "+44770090")
PHONES = st.builds(
    lambda prefix, last: PhoneNumber(f"{prefix}{last:04d}"),
    st.sampled_from(PREFIXES + BRITISH),
    st.integers(0, 12),
)
ANIS = st.lists(
    st.builds(
        Ani,
        PHONES,
        st.sampled_from(["c1", "p1", "c2", "in", "", "other"]),
        st.booleans(),
        st.just(""),
        st.none() | st.integers(-1, 3).map(lambda days: TODAY + timedelta(days=days)),
    ),
    unique_by=lambda ani: ani.number,
    max_size=25,
)
LEADS = st.builds(
    Lead,
    PHONES,
    st.sampled_from(["", "10001", "14201", "07030", "99999"]),
    st.sampled_from(["", "c1", "c2", "new"]),
    st.just(value=True),
    st.sampled_from([(), (), (), ("p1", "other"), ("in",)]),
    st.none() | st.sampled_from(AssignmentType),
    st.none() | st.booleans(),
)
# A lead, or seconds to wait, or the next day.
EVENTS = st.lists(LEADS | st.sampled_from([1.0, 24.0, 26.0]) | st.none(), max_size=80)
LIMITS = st.builds(
    Limits, st.integers(0, 4), st.sampled_from([0.0, 50.0, 50.0]), st.just(160.0), st.booleans()
)


@dataclass
class Reference:
    """Says the rules as they are meant, looking at every number every time."""

    anis: list[Ani]
    geography: Geography
    limits: Limits
    day: date = TODAY
    order: int = 0
    used: dict[PhoneNumber, tuple[date, int, int, float]] = field(default_factory=dict)

    def uses(self, ani: Ani) -> int:
        day, count, _, _ = self.used.get(ani.number, (date.min, 0, 0, 0.0))
        return count if day == self.day else 0

    def is_usable(self, ani: Ani, now_s: float) -> bool:
        rests = ani.number in self.used and now_s < self.used[ani.number][3] + self.limits.cool_down_s
        paused = ani.paused_until is not None and ani.paused_until > self.day
        return not rests and not paused and self.uses(ani) < self.limits.daily_cap

    def rank(self, ani: Ani) -> tuple[date, int, int, int]:
        day, count, order, _ = self.used.get(ani.number, (date.min, 0, 0, 0.0))
        return day, count, order, self.anis.index(ani)

    def tiers(self, lead: Lead) -> list[list[Ani]]:
        own = {"c1": {"c1", "p1"}, "c2": {"c2"}}
        if lead.pools:
            return [[ani for ani in self.anis if ani.inbound_group_id in lead.pools]]
        if lead.campaign not in own:
            return [[ani for ani in self.anis if ani.inbound_group_id != "in"]]
        return [
            [ani for ani in self.anis if ani.inbound_group_id in own[lead.campaign]],
            [ani for ani in self.anis if ani.inbound_group_id in {"", "other"}],
        ]

    def expected(self, lead: Lead, now_s: float) -> tuple[list[Ani], Rule] | None:
        """The numbers the first rule that finds any allows."""
        for tier in self.tiers(lead):
            usable = [
                ani
                for ani in tier
                if self.is_usable(ani, now_s)
                and ani.country_code == lead.phone.country_code
                and lead.branded in {None, ani.is_branded}
            ]
            for rule, allows in self.rules(lead):
                found = [ani for ani in usable if allows(ani)]
                if found:
                    return found, rule
        return None

    def rules(self, lead: Lead) -> list[tuple[Rule, Callable[[Ani], bool]]]:
        kind, geography = lead.assignment_type, self.geography
        phone_area = geography.area(lead.phone)
        home = geography.zip(lead.zip) if lead.phone.is_nanp and kind != AssignmentType.AREA_CODE else None
        facts = home or geography.facts(phone_area)
        near = geography.near(facts.point, self.limits.nearest_km) if facts and facts.point else ()
        free = (Rule.TFN, lambda ani: is_toll_free(ani.number))
        steps: list[tuple[Rule, Callable[[Ani], bool]]] = []
        if kind == AssignmentType.TFN:
            return [free]
        if kind in {None, AssignmentType.HIGHEST_CONTACT_RATE, AssignmentType.ZIP} and home:
            steps.append((Rule.ZIP, lambda ani: geography.area(ani.number) in home.area_codes))
        if kind in {None, AssignmentType.HIGHEST_CONTACT_RATE, AssignmentType.AREA_CODE} and phone_area:
            steps.append((Rule.AREA_CODE, lambda ani: geography.area(ani.number) == phone_area))
        if kind not in {AssignmentType.STATE, AssignmentType.RANDOM}:
            steps.extend((Rule.NEAREST, self.within(area)) for area in near)
        if kind != AssignmentType.RANDOM and facts:
            steps.append((Rule.STATE, lambda ani: self.state(ani) == facts.state))
        steps.append((Rule.ANY, lambda ani: not is_toll_free(ani.number)))
        return [*steps, free] if self.limits.toll_free_last else steps

    def within(self, area: str) -> Callable[[Ani], bool]:
        return lambda ani: self.geography.area(ani.number) == area

    def state(self, ani: Ani) -> str:
        facts = self.geography.facts(self.geography.area(ani.number))
        return facts.state if facts else ""

    def use(self, number: PhoneNumber, now_s: float) -> None:
        ani = next(ani for ani in self.anis if ani.number == number)
        self.order += 1
        self.used[number] = (self.day, self.uses(ani) + 1, self.order, now_s)

    def check(self, lead: Lead, choice: Choice | None, now_s: float) -> None:
        expected = self.expected(lead, now_s)
        if choice is None or expected is None:
            assert choice is None
            assert expected is None
            return
        allowed, rule = expected
        if choice.rule is Rule.RANDOM:
            assert rule is Rule.ANY
            assert choice.ani in {ani.number for ani in allowed}
        else:
            assert (choice.ani, choice.rule) == (min(allowed, key=self.rank).number, rule)
        self.use(choice.ani, now_s)
        assert choice.uses == self.used[choice.ani][1] <= self.limits.daily_cap


@given(ANIS, EVENTS, LIMITS, st.integers())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_selector_agrees_with_the_plain_reference(
    small_geography: Geography, anis: list[Ani], events: list[Lead | float | None], limits: Limits, seed: int
) -> None:
    terms = Terms(small_geography, Pools(CAMPAIGNS), limits, Random(seed).random)  # noqa: S311 - repeatable dice
    selector = Selector(anis, (), terms, today=TODAY)
    reference = Reference(anis, small_geography, limits)
    now_s = 1000.0
    for event in events:
        if event is None:
            reference.day += timedelta(days=1)
            selector.begin_day(reference.day)
        elif isinstance(event, float):
            now_s += event
        else:
            reference.check(event, selector.select(event, now_s), now_s)


@pytest.mark.parametrize("per_area", [10, 1000])
def test_work_does_not_grow_with_the_numbers_in_one_place(small_geography: Geography, per_area: int) -> None:
    """Counted in comparisons of keys, which no other load on the machine disturbs."""
    anis = [Ani(PhoneNumber(f"+1212{number:07d}"), "c1") for number in range(2_000_000, 2_000_000 + per_area)]
    terms = Terms(small_geography, Pools(CAMPAIGNS), Limits(), Random(1).random)  # noqa: S311 - repeatable dice
    selector = Selector(anis, (), terms, today=TODAY)
    compared = 0

    class CountingKey(int):
        def __lt__(self, other: int) -> bool:
            nonlocal compared
            compared += 1
            return int.__lt__(self, other)

    heap = selector._leaves[0].heap
    heap[:] = [CountingKey(key) for key in heap]
    for _ in range(5):
        assert selector.select(Lead(PhoneNumber("+12125550199"), campaign="c1"), 1.0) is not None
    # Two comparisons a level of the heap, five times, and a few on the way up.
    assert compared <= 5 * (2 * per_area.bit_length() + 10)
