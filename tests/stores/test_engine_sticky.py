from collections.abc import Iterator

import pytest

from gateway.stores.engine_sticky import StickyRow, StickyStore
from gateway.stores.inventory import MIGRATIONS
from gateway.stores.sqlite import SqliteDatabase

ROWS = [StickyRow(f"+1212555020{number}", "+12125550100", 100.0 + number) for number in range(4)]


@pytest.fixture
def store() -> Iterator[StickyStore]:
    database = SqliteDatabase.open("", MIGRATIONS, group_window_s=0)
    yield StickyStore(database)
    database.close()


def test_rows_come_back_the_oldest_first(store: StickyStore) -> None:
    store.save(reversed(ROWS), 0).result()
    assert store.load(since_s=0, most=10).others == ROWS


def test_last_word_on_a_prospect_holds(store: StickyStore) -> None:
    store.save(ROWS, 0).result()
    later = StickyRow(ROWS[0].prospect, "+12125550101", 200.0)
    store.save([later, StickyRow(ROWS[1].prospect, "", 201.0)], 0).result()
    assert store.load(since_s=0, most=10).others == [ROWS[2], ROWS[3], later]


def test_what_is_too_old_or_too_much_is_deleted(store: StickyStore) -> None:
    store.save(ROWS, 0).result()
    assert store.load(since_s=101.0, most=2).others == ROWS[2:]
    assert store.load(since_s=0, most=10).others == ROWS[2:]


def test_a_save_tells_what_others_saved_since_the_mark(store: StickyStore) -> None:
    mark = store.save(ROWS[:1], 0).result().mark
    others = store.save(ROWS[1:3], mark).result()
    assert others.others == []
    mine = store.save(ROWS[3:], mark).result()
    assert mine.others == ROWS[1:3]
    assert store.save([], mine.mark).result().others == []
