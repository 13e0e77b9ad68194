import pytest

from gateway.assignment.cache import AnswerCache, key_of
from gateway.assignment.settings import AssignmentSettings
from gateway.model.decision import Decision, Source, Status
from gateway.model.lead import AssignmentType, Lead
from gateway.model.phone import PhoneNumber

ANI = PhoneNumber("+12345678901")
KEY = key_of(Lead(PhoneNumber("+15559876543"), campaign="9001"))


class Hand:
    """A clock set by hand."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def cache(hand: Hand) -> AnswerCache:
    return AnswerCache(AssignmentSettings(cache_size=100), hand)


def test_a_cache_that_keeps_nothing_takes_an_answer_all_the_same(hand: Hand) -> None:
    cache = AnswerCache(AssignmentSettings(cache_ttl_s=0, stale_ttl_s=0), hand)
    for _ in range(3):
        cache.keep(KEY, ANI)
        assert (cache.fresh(KEY), cache.stale(KEY), len(cache)) == (None, None, 0)


def test_answer_is_fresh_for_30_s_then_stale_for_an_hour(cache: AnswerCache, hand: Hand) -> None:
    cache.keep(KEY, ANI)
    hand.now += 29.9
    assert cache.fresh(KEY) == Decision(Status.ASSIGNED, Source.CACHE, ANI)
    hand.now += 0.2
    assert cache.fresh(KEY) is None
    assert cache.stale(KEY) == ANI
    hand.now += 3600
    assert cache.stale(KEY) is None


def test_there_is_something_stale_until_the_newest_answer_is_an_hour_old(
    cache: AnswerCache, hand: Hand
) -> None:
    assert not cache.has_stale()
    cache.keep(KEY, ANI)
    hand.now += 3599
    assert cache.has_stale()
    hand.now += 1
    assert not cache.has_stale()


def test_no_number_is_remembered_for_5_s(cache: AnswerCache, hand: Hand) -> None:
    cache.keep_none(KEY)
    hand.now += 4.9
    assert cache.is_none(KEY)
    hand.now += 0.2
    assert not cache.is_none(KEY)


def test_the_oldest_answers_make_room(cache: AnswerCache) -> None:
    keys = [key_of(Lead(PhoneNumber(f"+1555{number:07d}"))) for number in range(150)]
    for key in keys:
        cache.keep(key, ANI)
    assert len(cache) == 100
    assert cache.fresh(keys[0]) is None
    assert cache.fresh(keys[-1]) is not None


def test_leads_differ_by_what_changes_the_answer_only() -> None:
    phone = PhoneNumber("+15559876543")
    assert key_of(Lead(phone)) == key_of(Lead(phone, real_time=False))
    others = [Lead(phone, zip="90210"), Lead(phone, campaign="1"), Lead(phone, pools=("a",))]
    assert len({key_of(lead) for lead in [Lead(phone), Lead(phone, branded=True), *others]}) == 5


PHONE = PhoneNumber("+15559876543")
PREWARMED = PhoneNumber("+12345678902")
ASSIGNED_BEFORE = Decision(Status.ASSIGNED, Source.CACHE, PREWARMED)


def test_a_prewarmed_number_answers_with_any_zip_for_12_h(cache: AnswerCache, hand: Hand) -> None:
    cache.prewarm(PHONE, "9001", PREWARMED)
    assert cache.fresh(key_of(Lead(PHONE, "90210", "9001"))) == ASSIGNED_BEFORE
    hand.now += 12 * 3600 - 1
    assert cache.fresh(key_of(Lead(PHONE, "", "9001"))) == ASSIGNED_BEFORE
    hand.now += 31
    assert cache.fresh(key_of(Lead(PHONE, "", "9001"))) is None


@pytest.mark.parametrize(
    "lead",
    [
        Lead(PHONE),
        Lead(PHONE, campaign="9001", pools=("a",)),
        Lead(PHONE, campaign="9001", branded=False),
        Lead(PHONE, campaign="9001", assignment_type=AssignmentType.TFN),
    ],
)
def test_a_prewarmed_number_answers_no_other_wish(cache: AnswerCache, lead: Lead) -> None:
    cache.prewarm(PHONE, "9001", PREWARMED)
    assert cache.fresh(key_of(lead)) is None


def test_a_fresh_answer_goes_before_a_prewarmed_one(cache: AnswerCache, hand: Hand) -> None:
    cache.keep(KEY, ANI)
    cache.prewarm(PHONE, "9001", PREWARMED)
    hand.now += 29.9
    assert cache.fresh(KEY) == Decision(Status.ASSIGNED, Source.CACHE, ANI)
    hand.now += 0.2
    assert cache.fresh(KEY) == ASSIGNED_BEFORE


def test_what_is_fresh_until_a_time_is_the_same_answer_until_then(cache: AnswerCache, hand: Hand) -> None:
    """Finished answers are kept by it: a number prewarmed anew must not show on one way of a call only."""
    cache.prewarm(PHONE, "9001", PREWARMED)
    cache.fresh(KEY)
    cache.prewarm(PHONE, "9001", ANI)
    hand.now = cache.fresh_until(KEY) - 0.1
    assert cache.fresh(KEY) == ASSIGNED_BEFORE
    hand.now += 0.2
    assert cache.fresh(KEY) == Decision(Status.ASSIGNED, Source.CACHE, ANI)


def test_a_prospect_keeps_its_number_when_sticky(hand: Hand) -> None:
    cache = AnswerCache(AssignmentSettings(sticky_days=2), hand)
    cache.keep(KEY, ANI)
    for _ in range(3):
        hand.now += 86_400
        assert cache.fresh(KEY) == Decision(Status.ASSIGNED, Source.STICKY, ANI)
        assert cache.fresh(KEY) == Decision(Status.ASSIGNED, Source.CACHE, ANI)
    hand.now += 2 * 86_400
    assert cache.fresh(KEY) is None


def test_a_prewarmed_number_goes_before_a_sticky_one(hand: Hand) -> None:
    cache = AnswerCache(AssignmentSettings(sticky_days=2), hand)
    cache.keep(KEY, ANI)
    cache.prewarm(PHONE, "9001", PREWARMED)
    hand.now += 31
    assert cache.fresh(KEY) == ASSIGNED_BEFORE
