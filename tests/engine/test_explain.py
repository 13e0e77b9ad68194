from datetime import date

import pytest

from gateway.engine.explain import Explanation, Passed, Reason
from gateway.engine.geo import Geography
from gateway.engine.limits import Limits
from gateway.engine.pools import Pools
from gateway.engine.rules import Rule
from gateway.engine.selector import Selector, Terms
from gateway.engine.sticky import Kept, StickyMap
from gateway.model.inventory import Ani, Campaign, CampaignType
from gateway.model.lead import AssignmentType, Lead
from gateway.model.phone import PhoneNumber
from gateway.stores.usage import Usage

TODAY = date(2026, 3, 2)
NOW_S = 10_000.0
LEAD = Lead(PhoneNumber("+12125550199"), "10001", "c1")


@pytest.fixture
def selector(small_geography: Geography) -> Selector:
    """Five numbers in the prospect's area that cannot be used, each for its reason, and one far away."""
    numbers = [PhoneNumber(f"+1212555010{last}") for last in range(5)]
    anis = [
        Ani(numbers[0], "c1"),
        Ani(numbers[1], "c1"),
        Ani(numbers[2], "c1"),
        Ani(numbers[3], "c1", paused_until=date(2026, 4, 1)),
        Ani(numbers[4], "c1", is_branded=True),
        Ani(PhoneNumber("+13055550100"), ""),
    ]
    usage = [
        Usage(numbers[0], TODAY, 5, NOW_S - 500, NOW_S - 500, 1),
        Usage(numbers[1], TODAY, 1, NOW_S - 10, NOW_S - 10, 1),
        Usage(numbers[2], TODAY, 2, NOW_S - 500, NOW_S - 900, 2),
    ]
    limits = Limits(daily_cap=5, cool_down_s=60, hourly_cap=2)
    pools = Pools([Campaign("c1", "One", CampaignType.OUTBOUND)])
    return Selector(anis, usage, Terms(small_geography, pools, limits, lambda: 0.0), today=TODAY)


EACH = (
    (Reason.BRANDING, 1),
    (Reason.PAUSED, 1),
    (Reason.HOURLY_CAP, 1),
    (Reason.RESTING, 1),
    (Reason.DAILY_CAP, 1),
)


def test_every_number_passed_over_has_its_reason(selector: Selector) -> None:
    explanation = selector.explain(LEAD._replace(branded=False), NOW_S)
    assert (explanation.number, explanation.rule) == (PhoneNumber("+13055550100"), Rule.ANY)
    assert explanation.tier == "shared"
    assert explanation.passed[:2] == (
        Passed("own", Rule.ZIP, 5, EACH),
        Passed("own", Rule.AREA_CODE, 5, EACH),
    )
    assert [(entry.tier, entry.rule.value, entry.numbers) for entry in explanation.passed[2:]] == [
        ("own", "nearest", 5),
        ("own", "state", 5),
        ("own", "any", 5),
        ("own", "tfn", 0),
        ("shared", "zip", 0),
        ("shared", "area_code", 0),
        ("shared", "nearest", 0),
        ("shared", "state", 0),
    ]


def test_explaining_counts_nothing(selector: Selector) -> None:
    for _ in range(9):
        selector.explain(LEAD, NOW_S)
    choice = selector.select(LEAD._replace(branded=False), NOW_S)
    assert choice is not None
    assert choice.uses == 1


def test_choice_with_an_explanation_is_counted(selector: Selector) -> None:
    asked = LEAD._replace(pools=("",))
    for uses in (1, 2):
        choice, explanation = selector.select_explained(asked, NOW_S + 60 * uses)
        assert choice is not None
        assert (choice.ani, choice.rule, choice.uses) == (explanation.number, explanation.rule, uses)


def test_nothing_passed_over_is_said_briefly(selector: Selector) -> None:
    explanation = selector.explain(LEAD, NOW_S)
    assert explanation.text == "chosen by zip among own numbers"
    assert explanation.lines() == [("own", "zip", "chosen")]


def test_text_says_it_in_words(selector: Selector) -> None:
    asked = LEAD._replace(branded=True, assignment_type=AssignmentType.STATE, campaign="c9", zip="")
    selector.select(asked, NOW_S)
    assert selector.explain(asked, NOW_S).text == (
        "no number; passed over: all state: 4 of the other branding, 1 resting; "
        "all any: 5 of the other branding, 1 resting; all tfn: none there"
    )


@pytest.mark.parametrize(
    ("lead", "rule", "note"),
    [
        (LEAD._replace(zip=""), Rule.ZIP, "the lead has no zip"),
        (LEAD._replace(zip="99999"), Rule.ZIP, "the zip is unknown"),
        (Lead(PhoneNumber("+447700900123")), Rule.AREA_CODE, "the phone tells no area"),
        (Lead(PhoneNumber("+447700900123")), Rule.STATE, "nothing tells where the prospect is"),
        (Lead(PhoneNumber("+4930123456")), Rule.ANY, "no numbers of the prospect's country are handed out"),
    ],
)
def test_rule_that_looked_nowhere_says_why(selector: Selector, lead: Lead, rule: Rule, note: str) -> None:
    passed = selector.explain(lead._replace(pools=("nobody",)), NOW_S).passed
    assert [entry.outcome for entry in passed if entry.rule is rule] == [note]


def test_draws_that_fell_on_numbers_at_their_cap_are_told(small_geography: Geography) -> None:
    anis = [Ani(PhoneNumber("+12125550100")), Ani(PhoneNumber("+12125550101"))]
    usage = [Usage(anis[1].number, TODAY, 5, 1.0)]
    terms = Terms(small_geography, Pools([]), Limits(daily_cap=5), lambda: 0.99)
    selector = Selector(anis, usage, terms, today=TODAY)
    explanation = selector.explain(LEAD._replace(assignment_type=AssignmentType.RANDOM), NOW_S)
    assert explanation.rule is Rule.ANY
    assert explanation.passed[0].outcome == "1 at the daily cap, 1 not drawn"


@pytest.mark.parametrize(
    ("kept", "outcome"),
    [
        ("+12125550100", "1 at the daily cap"),
        ("+12125550109", "not in the inventory any more"),
        ("+13055550100", "not for this lead"),
    ],
)
def test_number_the_prospect_saw_before_has_its_line(
    small_geography: Geography, kept: str, outcome: str
) -> None:
    rows = [(LEAD.phone.e164, Kept(PhoneNumber(kept), NOW_S))]
    sticky = StickyMap(rows, keep_s=100, size=10, note=lambda *_: None)
    anis = [Ani(PhoneNumber("+12125550100")), Ani(PhoneNumber("+13055550100"), "other")]
    usage = [Usage(anis[0].number, TODAY, 5, 1.0)]
    terms = Terms(small_geography, Pools([]), Limits(daily_cap=5), lambda: 0.0, sticky)
    selector = Selector(anis, usage, terms, today=TODAY)
    first = selector.explain(LEAD._replace(pools=("",)), NOW_S).passed[0]
    assert (first.rule, first.outcome) == (Rule.STICKY, outcome)


def test_number_shown_again_passes_nothing_over(small_geography: Geography) -> None:
    rows = [(LEAD.phone.e164, Kept(PhoneNumber("+13055550100"), NOW_S))]
    sticky = StickyMap(rows, keep_s=100, size=10, note=lambda *_: None)
    anis = [Ani(PhoneNumber("+12125550100")), Ani(PhoneNumber("+13055550100"))]
    selector = Selector(
        anis, (), Terms(small_geography, Pools([]), Limits(), lambda: 0.0, sticky), today=TODAY
    )
    assert selector.explain(LEAD, NOW_S).text == "chosen by sticky"


def test_long_text_is_cut() -> None:
    entry = Passed("own", Rule.ZIP, 0, note="x" * 500)
    text = Explanation(None, None, "", (entry, entry)).text
    assert len(text) == 900
    assert text.endswith("…")
