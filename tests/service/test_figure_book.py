from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from gateway.service import figure_book
from gateway.service.figure_book import FigureBook
from gateway.telemetry.figures import CallFigures


@dataclass(slots=True)
class Hand:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_newest_figures_of_a_worker_count() -> None:
    hand = Hand()
    book = FigureBook(time=hand)
    book.told(1, 10.0, CallFigures(not_owned=1))
    book.told(1, 10.0, CallFigures(not_owned=3, open=2))
    hand.now = 0.5
    (worker,) = book.workers()
    assert (worker.slot, worker.age_s, worker.figures.open) == (1, 0.5, 2)
    assert book.total().not_owned == 3


def test_a_successor_adds_to_what_its_predecessor_counted() -> None:
    """The new one is there before the old one leaves."""
    book = FigureBook(time=Hand())
    book.told(1, 10.0, CallFigures(not_owned=3, open=2))
    book.told(1, 20.0, CallFigures(not_owned=1, open=1))
    book.left(1, 10.0)
    assert (book.total().not_owned, book.total().open) == (4, 1)
    assert len(book.workers()) == 1


def test_a_worker_that_connects_anew_is_not_counted_twice() -> None:
    book = FigureBook(time=Hand())
    book.told(1, 10.0, CallFigures(not_owned=3))
    book.left(1, 10.0)
    assert book.workers() == ()
    book.told(1, 10.0, CallFigures(not_owned=4))
    assert (book.total().not_owned, len(book.workers())) == (4, 1)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["more", "replaced", "away"])), max_size=120))
def test_no_sum_ever_goes_back(steps: list[tuple[int, str]]) -> None:
    """Whoever counts, leaves, connects anew or is replaced: all that was told is in the sum, once."""
    book, said, born = FigureBook(time=Hand()), dict[tuple[int, float], int](), dict.fromkeys(range(4), 0.0)
    for slot, what in steps:
        who = (slot, born[slot])
        if what == "more":
            said[who] = said.get(who, 0) + 1
            book.told(*who, CallFigures(not_owned=said[who]))
        else:
            book.left(*who)
            born[slot] += what == "replaced"
        assert book.total().not_owned == sum(said.values())


def test_ended_workers_are_added_up_and_forgotten() -> None:
    book = FigureBook(time=Hand())
    for born in range(200):
        book.told(1, float(born), CallFigures(not_owned=1))
        book.left(1, float(born))
    assert book.total().not_owned == 200
    assert len(book._entries) == figure_book._MOST_ENDED
