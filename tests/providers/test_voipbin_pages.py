from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.outdial import OutdialTarget, Stamps
from gateway.providers.base import BadAnswerError
from gateway.providers.voipbin_pages import MOST_ROWS, Listing, Place, Question
from gateway.providers.voipbin_wire import page, target
from gateway.simulator.voipbin_store import VoipBinStore

START = datetime(2026, 11, 20, 12, 0, 0, 999_990, UTC)
MOST_ASKED = 5_000


def filled(stamps: list[int], *, is_current: bool = False) -> VoipBinStore:
    """A store with a target for each of `stamps`, microseconds after `START`."""
    times = iter([START, *(START + timedelta(microseconds=stamp) for stamp in stamps)])
    store = VoipBinStore(lambda: next(times), is_current=is_current)
    outdial_id = store.add_outdial({})["id"]
    for _ in stamps:
        store.add_target(outdial_id, {})
    return store


def asked(store: VoipBinStore) -> Callable[[Question], tuple[list[OutdialTarget], str]]:
    outdial_id = store.outdials()[0]["id"]

    def ask(question: Question) -> tuple[list[OutdialTarget], str]:
        answer = store.page(store.targets(outdial_id), question.size, question.token)
        return page(answer, target)

    return ask


def listed(store: VoipBinStore, page_size: int, place: Place | None = None) -> tuple[list[str], Place]:
    listing: Listing[OutdialTarget] = Listing(page_size, place)
    ask = asked(store)
    found: list[str] = []
    for _ in range(MOST_ASKED):
        question = listing.question
        if question is None:
            return found, listing.place
        found += [row.id for row in listing.take(*ask(question))]
    raise AssertionError("the listing has no end")


def ids(store: VoipBinStore) -> list[str]:
    return [row["id"] for row in store.targets(store.outdials()[0]["id"])]


@given(
    stamps=st.lists(st.integers(0, 12), max_size=80),
    page_size=st.integers(1, 7) | st.just(100),
    is_current=st.booleans(),
)
def test_every_row_is_listed_exactly_once(stamps: list[int], page_size: int, *, is_current: bool) -> None:
    store = filled(stamps, is_current=is_current)
    found, place = listed(store, page_size)
    assert found == ids(store)
    assert not place.may_hide


@given(
    stamps=st.lists(st.integers(0, 6), min_size=1, max_size=40),
    page_size=st.integers(1, 5),
    cut=st.integers(0, 20),
)
def test_a_listing_taken_up_again_goes_on_where_it_was(stamps: list[int], page_size: int, cut: int) -> None:
    store = filled(stamps)
    listing: Listing[OutdialTarget] = Listing(page_size)
    ask, found = asked(store), []
    for _ in range(cut):
        if (question := listing.question) is None:
            break
        found += [row.id for row in listing.take(*ask(question))]
    rest, _ = listed(store, page_size, listing.place)
    assert found + rest == ids(store)


def test_a_row_deleted_at_the_edge_hides_no_other() -> None:
    store = filled([5, 4, 4, 4, 3, 2, 1])
    listing: Listing[OutdialTarget] = Listing(2)
    ask = asked(store)
    first = listing.question
    assert first is not None
    found = [row.id for row in listing.take(*ask(first))]
    all_ids = ids(store)
    row = store.target(store.outdials()[0]["id"], found[-1])
    assert row is not None
    row["tm_delete"] = START
    rest, _ = listed(store, 2, listing.place)
    assert found + rest == all_ids


def test_a_hundred_in_one_microsecond_are_listed_and_told_of() -> None:
    """The service shows no more than these by any question; there may be others."""
    store = filled([9] * (MOST_ROWS + 20) + [8, 7, 7])
    found, place = listed(store, 30)
    assert found == ids(store)[:MOST_ROWS] + ids(store)[-3:]
    assert place.may_hide


def test_ninety_nine_in_one_microsecond_are_all() -> None:
    store = filled([9] * (MOST_ROWS - 1) + [8])
    found, place = listed(store, 10)
    assert found == ids(store)
    assert not place.may_hide


def test_a_token_that_is_no_time_is_used_as_it_came() -> None:
    rows = [OutdialTarget((), id=str(number), stamps=Stamps(START)) for number in range(6)]
    listing: Listing[OutdialTarget] = Listing(2)
    found = []
    while (question := listing.question) is not None:
        start = int(question.token.removeprefix("after ") or 0)
        shown = rows[start : start + 2]
        found += [row.id for row in listing.take(shown, f"after {start + 2}" if shown else "")]
    assert found == [row.id for row in rows]


def test_a_service_that_does_not_page_ends_in_an_error_and_not_in_a_circle() -> None:
    rows = [OutdialTarget((), id="a", stamps=Stamps(START))]
    listing: Listing[OutdialTarget] = Listing(2)
    assert listing.take(rows, "2026-11-20 12:00:00.999990") == rows
    assert listing.take(rows, "2026-11-20 12:00:00.999990") == []
    with pytest.raises(BadAnswerError, match="the same page again"):
        listing.take(rows, "2026-11-20 12:00:00.999990")


def test_no_token_is_the_end() -> None:
    listing: Listing[OutdialTarget] = Listing(2)
    listing.take([OutdialTarget((), id="a")], "")
    assert listing.question is None
