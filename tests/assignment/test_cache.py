import pytest

from gateway.assignment.cache import AnswerCache, key_of
from gateway.assignment.settings import AssignmentSettings
from gateway.model.decision import Decision, Source, Status
from gateway.model.lead import Lead
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


def test_answer_is_fresh_for_30_s_then_stale_for_an_hour(cache: AnswerCache, hand: Hand) -> None:
    cache.keep(KEY, ANI)
    hand.now += 29.9
    assert cache.fresh(KEY) == Decision(Status.ASSIGNED, Source.CACHE, ANI)
    hand.now += 0.2
    assert cache.fresh(KEY) is None
    assert cache.stale(KEY) == ANI
    hand.now += 3600
    assert cache.stale(KEY) is None


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
