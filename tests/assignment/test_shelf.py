import pytest

from gateway.assignment.shelf import Shelf
from gateway.model.phone import PhoneNumber

ANI = PhoneNumber("+12345678901")
OTHER = PhoneNumber("+12345678902")


class Hand:
    """A clock set by hand."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


def test_a_number_is_there_until_its_time_is_over(hand: Hand) -> None:
    shelf = Shelf(size=10, keep_s=60.0, time=hand)
    shelf.put(("a", "c"), ANI)
    hand.now += 59.9
    assert shelf.get(("a", "c")) == ANI
    assert shelf.get(("a", "")) is None
    hand.now += 0.2
    assert shelf.get(("a", "c")) is None


def test_a_number_put_again_is_the_youngest(hand: Hand) -> None:
    shelf = Shelf(size=2, keep_s=60.0, time=hand)
    for key in ("a", "b", "a", "c"):
        shelf.put((key, ""), ANI if key == "a" else OTHER)
    assert [shelf.get((key, "")) for key in "abc"] == [ANI, None, OTHER]


def test_a_list_that_grew_old_together_is_dropped_two_at_a_time(hand: Hand) -> None:
    """Calls wait while a write cleans up."""
    shelf = Shelf(size=1_000, keep_s=60.0, time=hand)
    for number in range(1_000):
        shelf.put((str(number), ""), ANI)
    hand.now += 61
    shelf.put(("new", ""), ANI)
    assert len(shelf) == 999
    for number in range(1_100):
        shelf.put((f"more {number}", ""), ANI)
    assert len(shelf) == 1_000
    assert shelf.get(("more 1099", "")) == ANI


def test_without_time_to_keep_nothing_is_kept(hand: Hand) -> None:
    shelf = Shelf(size=10, keep_s=0.0, time=hand)
    shelf.put(("a", ""), ANI)
    assert len(shelf) == 0


def test_rows_of_one_shelf_live_on_in_another_for_the_time_they_have_left(hand: Hand) -> None:
    shelf, other = (Shelf(size=10, keep_s=60.0, time=hand) for _ in range(2))
    shelf.put(("a", "c"), ANI)
    hand.now += 20
    shelf.put(("b", "c"), OTHER)
    hand.now += 20
    for key, number, left_s in shelf.rows():
        other.put(key, PhoneNumber(number), left_s)
    hand.now += 19
    assert [other.get((key, "c")) for key in "ab"] == [ANI, OTHER]
    hand.now += 2
    assert [other.get((key, "c")) for key in "ab"] == [None, OTHER]
    assert list(shelf.rows()) == [(("b", "c"), OTHER.e164, 19.0)]
