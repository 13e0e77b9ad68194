"""The selector against a slow and plain reference, over any inventory and any course of events."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.engine.explain import Explanation, Reason
from gateway.engine.geo import Geography, is_toll_free
from gateway.engine.limits import Limits
from gateway.engine.pools import Pools
from gateway.engine.rules import Rule
from gateway.engine.selector import Choice, Selector, Terms
from gateway.model.inventory import Ani, Campaign, CampaignType
from gateway.model.lead import AssignmentType, Lead
from gateway.model.phone import PhoneNumber
from gateway.stores.usage import Usage

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
ONE_ANI = st.builds(
    Ani,
    PHONES,
    st.sampled_from(["c1", "p1", "c2", "in", "", "other"]),
    st.booleans(),
    st.just(""),
    st.none() | st.integers(-1, 3).map(lambda days: TODAY + timedelta(days=days)),
)
ANIS = st.lists(ONE_ANI, unique_by=lambda ani: ani.number, max_size=25)
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
OTHER_CAMPAIGNS = st.lists(
    st.builds(
        Campaign,
        st.sampled_from(["c1", "c2", "in", "other"]),
        st.just("Name"),
        st.sampled_from(CampaignType),
        st.sampled_from(["", "p1", "in", "other"]),
    ),
    unique_by=lambda campaign: campaign.id,
    max_size=3,
).map(tuple)


@dataclass(frozen=True)
class NextDay:
    """Midnight."""


Event = Lead | Ani | PhoneNumber | float | NextDay | tuple[Campaign, ...] | dict[PhoneNumber, int]
CALLS = LEADS | st.sampled_from([1.0, 24.0, 26.0, 1000.0, 3600.0]) | st.just(NextDay())
# Besides calls: numbers that come or change, numbers that go, other campaigns, other grades.
EVENTS = st.lists(
    LEADS
    | CALLS
    | CALLS
    | ONE_ANI
    | PHONES
    | OTHER_CAMPAIGNS
    | st.dictionaries(PHONES, st.integers(-2, 2), max_size=4),
    max_size=80,
)
LIMITS = st.builds(
    Limits,
    st.integers(0, 4),
    st.sampled_from([0.0, 50.0, 50.0]),
    st.just(160.0),
    st.booleans(),
    st.sampled_from([0, 1, 2]),
)


@dataclass
class Used:
    """What is known of one number's past."""

    day: date
    count: int
    order: int
    last_s: float
    hour_s: float
    hour_uses: int


@dataclass
class Reference:
    """Says the rules as they are meant, looking at every number every time."""

    rows: list[Ani | None]
    geography: Geography
    limits: Limits
    campaigns: tuple[Campaign, ...] = CAMPAIGNS
    day: date = TODAY
    order: int = 0
    used: dict[PhoneNumber, Used] = field(default_factory=dict)
    grades: dict[PhoneNumber, int] = field(default_factory=dict)

    @property
    def anis(self) -> list[Ani]:
        return [ani for ani in self.rows if ani]

    def put(self, ani: Ani) -> None:
        """In its old row, or the first that is free."""
        for row, other in enumerate(self.rows):
            if other and other.number == ani.number:
                self.rows[row] = ani
                return
        row = self.rows.index(None) if None in self.rows else len(self.rows)
        self.rows[row : row + 1] = [ani]

    def discard(self, number: PhoneNumber) -> None:
        self.rows = [None if ani and ani.number == number else ani for ani in self.rows]

    def begin_day(self) -> None:
        """What left the inventory is forgotten at the end of the day."""
        self.day += timedelta(days=1)
        ours = {ani.number for ani in self.anis}
        self.used = {number: used for number, used in self.used.items() if number in ours}
        self.grades = {number: grade for number, grade in self.grades.items() if number in ours}

    def grade(self, grades: dict[PhoneNumber, int]) -> None:
        ours = {ani.number for ani in self.anis}
        self.grades |= {number: grade for number, grade in grades.items() if number in ours}

    def uses(self, ani: Ani) -> int:
        used = self.used.get(ani.number)
        return used.count if used and used.day == self.day else 0

    def is_usable(self, ani: Ani, now_s: float) -> bool:
        used, limits = self.used.get(ani.number), self.limits
        rests = used is not None and now_s < used.last_s + limits.cool_down_s
        full = used is not None and 0 < limits.hourly_cap <= used.hour_uses and now_s < used.hour_s + 3600
        paused = ani.paused_until is not None and ani.paused_until > self.day
        return not rests and not full and not paused and self.uses(ani) < limits.daily_cap

    def rank(self, ani: Ani) -> tuple[date, int, int, int]:
        used = self.used.get(ani.number)
        row = self.rows.index(ani)
        return (used.day, used.count, used.order, row) if used else (date.min, 0, 0, row)

    def tiers(self, lead: Lead) -> list[list[Ani]]:
        calling = [campaign for campaign in self.campaigns if campaign.type.calls_out]
        claimed = {
            group for campaign in calling for group in (campaign.id, campaign.inbound_pool_id) if group
        }
        closed = {campaign.id for campaign in self.campaigns} - claimed
        if lead.pools:
            return [self.of(set(lead.pools))]
        for campaign in self.campaigns:
            if campaign.id == lead.campaign:
                own = {campaign.id, campaign.inbound_pool_id or campaign.id}
                shared = {ani.inbound_group_id for ani in self.anis} - claimed - closed
                return [self.of(own), self.of(shared)]
        return [[ani for ani in self.anis if ani.inbound_group_id not in closed]]

    def of(self, groups: set[str]) -> list[Ani]:
        return [ani for ani in self.anis if ani.inbound_group_id in groups]

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
        country = lead.phone.country_code
        near = geography.near(facts.point, self.limits.nearest_km, country) if facts and facts.point else ()
        free = (Rule.TFN, lambda ani: is_toll_free(ani.number))
        steps: list[tuple[Rule, Callable[[Ani], bool]]] = []
        if kind == AssignmentType.TFN:
            return [free]
        if kind in {None, AssignmentType.ZIP} and home:
            steps.append((Rule.ZIP, lambda ani: geography.area(ani.number) in home.area_codes))
        if kind in {None, AssignmentType.AREA_CODE} and phone_area:
            steps.append((Rule.AREA_CODE, lambda ani: geography.area(ani.number) == phone_area))
        best = kind == AssignmentType.HIGHEST_CONTACT_RATE
        if not best and kind not in {AssignmentType.STATE, AssignmentType.RANDOM}:
            steps.extend((Rule.NEAREST, self.within(area)) for area in near)
        if kind != AssignmentType.RANDOM and facts:
            rule = Rule.RATE_STATE if best else Rule.STATE
            steps.append((rule, lambda ani: self.state(ani) == facts.state))
        steps.append((Rule.RATE_ANY if best else Rule.ANY, lambda ani: not is_toll_free(ani.number)))
        return [*steps, free] if self.limits.toll_free_last else steps

    def within(self, area: str) -> Callable[[Ani], bool]:
        return lambda ani: self.geography.area(ani.number) == area

    def state(self, ani: Ani) -> str:
        facts = self.geography.facts(self.geography.area(ani.number))
        return facts.state if facts else ""

    def use(self, number: PhoneNumber, now_s: float) -> int:
        self.order += 1
        used = self.used.get(number)
        count = used.count + 1 if used and used.day == self.day else 1
        same_hour = used is not None and now_s - used.hour_s < 3600
        hour_s, hour_uses = (used.hour_s, used.hour_uses + 1) if used and same_hour else (now_s, 1)
        self.used[number] = Used(self.day, count, self.order, now_s, hour_s, hour_uses)
        return count

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
            if rule in {Rule.RATE_STATE, Rule.RATE_ANY}:
                best = max(self.grades.get(ani.number, 0) for ani in allowed)
                allowed = [ani for ani in allowed if self.grades.get(ani.number, 0) == best]
            assert (choice.ani, choice.rule) == (min(allowed, key=self.rank).number, rule)
        assert choice.uses == self.use(choice.ani, now_s) <= self.limits.daily_cap

    def usage(self) -> list[Usage]:
        """As the store would have it, which keeps no hours where nobody asks for them."""
        hours = self.limits.hourly_cap > 0
        return [
            Usage(
                number,
                used.day,
                used.count,
                used.last_s,
                used.hour_s if hours else 0.0,
                used.hour_uses if hours else 0,
            )
            for number, used in sorted(self.used.items(), key=lambda entry: entry[1].order)
        ]


def check_explanation(explanation: Explanation, lead: Lead, choice: Choice | None) -> None:
    """What it says is what is chosen, and every number passed over has its reason."""
    if lead.assignment_type is not AssignmentType.RANDOM:
        assert (explanation.number, explanation.rule) == (
            (choice.ani, choice.rule) if choice else (None, None)
        )
        assert all(
            reason is not Reason.NOT_DRAWN for entry in explanation.passed for reason, _ in entry.reasons
        )
    assert all(entry.numbers == sum(count for _, count in entry.reasons) for entry in explanation.passed)
    assert len(explanation.text) <= 900


@dataclass
class Both:
    """The selector and the reference, told the same."""

    selector: Selector
    reference: Reference
    now_s: float = 1000.0

    def tell(self, event: Event) -> None:
        selector, reference = self.selector, self.reference
        match event:
            case Lead():
                explanation = selector.explain(event, self.now_s)
                choice = selector.select(event, self.now_s)
                check_explanation(explanation, event, choice)
                reference.check(event, choice, self.now_s)
            case Ani():
                selector.put(event)
                reference.put(event)
            case PhoneNumber():
                selector.discard(event)
                reference.discard(event)
            case float():
                self.now_s += event
            case NextDay():
                reference.begin_day()
                selector.begin_day(reference.day)
            case dict():
                selector.grade(event)
                reference.grade(event)
            case _:
                selector.regroup(Pools(event))
                reference.campaigns = event


ANY_CASE = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def both(geography: Geography, anis: list[Ani], limits: Limits, seed: int) -> Both:
    terms = Terms(geography, Pools(CAMPAIGNS), limits, Random(seed).random)  # noqa: S311 - repeatable dice
    return Both(Selector(anis, (), terms, today=TODAY), Reference([*anis], geography, limits))


@given(ANIS, EVENTS, LIMITS, st.integers())
@ANY_CASE
def test_selector_agrees_with_the_plain_reference(
    small_geography: Geography, anis: list[Ani], events: list[Event], limits: Limits, seed: int
) -> None:
    """Whatever is asked, and whatever changes between the calls."""
    told = both(small_geography, anis, limits, seed)
    for event in events:
        told.tell(event)


@given(ANIS, EVENTS, LIMITS, st.lists(LEADS, max_size=20))
@ANY_CASE
def test_changed_selector_chooses_as_one_freshly_built(
    small_geography: Geography, anis: list[Ani], events: list[Event], limits: Limits, leads: list[Lead]
) -> None:
    told = both(small_geography, anis, limits, 1)
    for event in events:
        told.tell(event)
    reference = told.reference
    terms = Terms(small_geography, Pools(reference.campaigns), limits, lambda: 0.5)
    fresh = Selector(told.selector.anis(), reference.usage(), terms, today=reference.day)
    fresh.grade(reference.grades)
    assert list(fresh.anis()) == reference.anis
    for lead in leads:
        # Which of equal numbers a draw falls on depends on how the numbers came.
        if lead.assignment_type is not AssignmentType.RANDOM:
            choices = [one.select(lead, told.now_s) for one in (fresh, told.selector)]
            assert choices[0] == choices[1]


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

    heap = next(iter(selector._forest.leaves()))[1].heap
    heap[:] = [CountingKey(key) for key in heap]
    for _ in range(5):
        assert selector.select(Lead(PhoneNumber("+12125550199"), campaign="c1"), 1.0) is not None
    # Two comparisons a level of the heap, five times, and a few on the way up.
    assert compared <= 5 * (2 * per_area.bit_length() + 10)
