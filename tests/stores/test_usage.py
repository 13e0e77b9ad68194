from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.phone import PhoneNumber
from gateway.stores.inventory import MIGRATIONS
from gateway.stores.sqlite import SqliteDatabase
from gateway.stores.usage import Usage, UsageStore, added

ONE, TWO = PhoneNumber("+12125550100"), PhoneNumber("+12125550101")
DAY = date(2026, 3, 2)
TOMORROW = DAY + timedelta(days=1)


@pytest.fixture
def store() -> Iterator[UsageStore]:
    database = SqliteDatabase.open("", MIGRATIONS, group_window_s=0)
    yield UsageStore(database)
    database.close()


def test_uses_of_one_day_add_up_and_a_new_day_begins_anew(store: UsageStore) -> None:
    for use in (Usage(ONE, DAY, 70, 1.5), Usage(ONE, DAY, 2, 2.5)):
        store.add([use], 0).result()
    assert store.load().others == [Usage(ONE, DAY, 72, 2.5)]
    store.add([Usage(ONE, TOMORROW, 1, 3.5)], 0).result()
    assert store.load().others == [Usage(ONE, TOMORROW, 1, 3.5)]


def test_uses_that_come_late_do_not_bring_yesterday_back(store: UsageStore) -> None:
    store.add([Usage(ONE, TOMORROW, 3, 90_000.0)], 0).result()
    store.add([Usage(ONE, DAY, 5, 80_000.0)], 0).result()
    assert store.load().others == [Usage(ONE, TOMORROW, 3, 90_000.0)]


def test_two_hours_that_overlap_are_the_earlier_one() -> None:
    ours, theirs = Usage(ONE, DAY, 2, 1_000.0, 900.0, 2), Usage(ONE, DAY, 3, 2_000.0, 1_500.0, 3)
    assert added(ours, theirs) == added(theirs, ours) == Usage(ONE, DAY, 5, 2_000.0, 900.0, 5)
    later = Usage(ONE, DAY, 1, 4_600.0, 4_600.0, 1)
    assert added(ours, later) == Usage(ONE, DAY, 3, 4_600.0, 4_600.0, 1)


def test_what_others_used_is_told_with_our_uses_in_it(store: UsageStore) -> None:
    mine = store.add([Usage(ONE, DAY, 1, 1.0)], 0).result()
    store.add([Usage(ONE, DAY, 2, 2.0), Usage(TWO, DAY, 4, 2.0)], mine.mark).result()
    mine = store.add([Usage(ONE, DAY, 1, 3.0)], mine.mark).result()
    assert sorted(mine.others, key=str) == [Usage(ONE, DAY, 4, 3.0), Usage(TWO, DAY, 4, 2.0)]
    assert store.add([], mine.mark).result().others == []


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.sampled_from([ONE, TWO])), max_size=30))
def test_no_use_of_any_process_is_lost_and_each_learns_of_all(uses: list[tuple[int, PhoneNumber]]) -> None:
    database = SqliteDatabase.open("", MIGRATIONS, group_window_s=0)
    store = UsageStore(database)
    marks = [0, 0, 0]
    known: list[dict[str, int]] = [{}, {}, {}]
    for now_s, (who, number) in enumerate(uses):
        news = store.add([Usage(number, DAY, 1, float(now_s))], marks[who]).result()
        marks[who] = news.mark
        known[who][number.e164] = known[who].get(number.e164, 0) + 1
        known[who] |= {row.number.e164: row.count for row in news.others}
    truth = {number.e164: sum(used == number for _, used in uses) for number in (ONE, TWO)}
    assert {row.number.e164: row.count for row in store.load().others} == {
        k: v for k, v in truth.items() if v
    }
    if uses:
        assert all(known[uses[-1][0]].get(number, 0) == count for number, count in truth.items())
    database.close()
