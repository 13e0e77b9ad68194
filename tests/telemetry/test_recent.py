from dataclasses import dataclass

import pytest

from gateway.model.decision import Decision, Source, Status
from gateway.model.phone import PhoneNumber
from gateway.telemetry.recent import MOST_CALLS, LastCall, RecentCalls

DECISION = Decision(Status.ASSIGNED, Source.ENGINE, PhoneNumber("+13125550199"))
PHONE = PhoneNumber("+12125550101")


@dataclass(slots=True)
class Hand:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def recent(hand: Hand) -> RecentCalls:
    return RecentCalls(clock=hand)


def test_calls_are_shown_masked_and_the_newest_first(recent: RecentCalls, hand: Hand) -> None:
    recent.watch()
    recent.note("1.1", PHONE, DECISION, 0.02)
    hand.now += 1
    recent.note("1.2", None, Decision(Status.INVALID), 0.001)
    newest, before = recent.shown()
    assert newest == LastCall(1_001.0, "", "", "INVALID", "none", "", 0.001, "1.2")
    assert before == LastCall(1_000.0, PHONE.masked, "+1312*****99", "ASSIGNED", "engine", "", 0.02, "1.1")


def test_only_the_last_are_kept(recent: RecentCalls) -> None:
    recent.watch()
    for number in range(MOST_CALLS + 5):
        recent.note(str(number), PHONE, DECISION, 0.02)
    assert [call.uniqueid for call in recent.shown()] == [
        str(number) for number in reversed(range(5, MOST_CALLS + 5))
    ]


def test_nothing_is_kept_once_nobody_looks(recent: RecentCalls, hand: Hand) -> None:
    recent.watch()
    recent.note("1.1", PHONE, DECISION, 0.02)
    hand.now += 10
    assert recent.shown() == ()
    recent.note("1.2", PHONE, DECISION, 0.02)
    assert not recent.is_watched
    recent.watch()
    assert recent.shown() == ()
