from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.outdial import Address, AddressType, Outdial, OutdialTarget, TargetStatus
from gateway.stores.inventory import MIGRATIONS
from gateway.stores.outdial_rows import OutdialChange
from gateway.stores.outdial_target_rows import PAGE
from gateway.stores.outdials import OutdialStore
from gateway.stores.sqlite import SqliteDatabase

START_S = 1_651_110_100.0
PHONE = Address(AddressType.TEL, "+15559876543")
MAIL = Address(AddressType.EMAIL, "ann@example.com", "Ann", "work", "mornings")


@dataclass
class Clock:
    """Stands still unless it is set."""

    now_s: float = START_S

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def database() -> Iterator[SqliteDatabase]:
    one = SqliteDatabase.open("", MIGRATIONS, group_window_s=0)
    yield one
    one.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database: SqliteDatabase, clock: Clock) -> OutdialStore:
    return OutdialStore(database, clock=clock)


def created(store: OutdialStore, name: str = "list") -> Outdial:
    return store.create(Outdial(name)).result(5)


def target(store: OutdialStore, outdial: Outdial, *destinations: Address | None) -> OutdialTarget:
    made = store.create_target(OutdialTarget(destinations or (PHONE,), outdial_id=outdial.id)).result(5)
    assert made is not None
    return made


def names(store: OutdialStore, before: datetime | None = None, limit: int = 100) -> list[str]:
    return [one.name for one in store.page(before=before, limit=limit).result(5)]


def rows(database: SqliteDatabase, table: str) -> int:
    return len(database.run(lambda transaction: transaction.execute(f"SELECT 1 FROM {table}")))  # noqa: S608 - a constant


def test_outdial_comes_back_as_it_was_created(store: OutdialStore) -> None:
    made = store.create(Outdial("n", "d", "x", "c0ffee00-0000-4000-8000-000000000000")).result(5)
    assert (made.name, made.detail, made.data) == ("n", "d", "x")
    assert made.campaign_id == "c0ffee00-0000-4000-8000-000000000000"
    assert made.stamps.created == datetime.fromtimestamp(START_S, UTC)
    assert (made.stamps.updated, made.stamps.deleted) == (None, None)
    assert store.get(made.id).result(5) == made


def test_target_comes_back_with_each_destination_in_its_place(store: OutdialStore) -> None:
    outdial = created(store)
    made = target(store, outdial, None, PHONE, None, MAIL)
    assert made.destinations == (None, PHONE, None, MAIL, None)
    assert (made.status, made.tries) == (TargetStatus.IDLE, (0, 0, 0, 0, 0))
    assert made.stamps.updated == made.stamps.created
    assert store.get_target(outdial.id, made.id).result(5) == made
    assert store.page_targets(outdial.id, before=None, limit=10).result(5) == [made]


def test_customer_is_the_same_for_the_life_of_a_database(tmp_path: Path) -> None:
    customers = []
    for name in ("a.db", "a.db", "b.db"):
        database = SqliteDatabase.open(str(tmp_path / name), MIGRATIONS, group_window_s=0)
        customers.append(created(OutdialStore(database)).customer_id)
        database.close()
    assert customers[0] == customers[1] != customers[2]


def test_change_leaves_what_it_does_not_name(store: OutdialStore, clock: Clock) -> None:
    made = store.create(Outdial("n", "d", "x")).result(5)
    clock.now_s += 1
    after = store.update(made.id, OutdialChange(name="m", data="")).result(5)
    assert after is not None
    assert (after.name, after.detail, after.data, after.campaign_id) == ("m", "d", "", "")
    assert after.stamps.updated == datetime.fromtimestamp(clock.now_s, UTC)


@pytest.mark.parametrize("tick_s", [0.0, -3600.0])
def test_stamps_grow_though_the_clock_stands_or_goes_back(
    store: OutdialStore, clock: Clock, tick_s: float
) -> None:
    outdial = created(store)
    found = []
    for _ in range(3):
        clock.now_s += tick_s
        found.append((created(store).stamps.created, target(store, outdial).stamps.created))
    for table in zip(*found, strict=True):
        assert list(table) == sorted(set(table))


def test_nothing_is_changed_before_it_was_created(store: OutdialStore, clock: Clock) -> None:
    made, one = created(store), target(store, created(store))
    clock.now_s -= 3600
    after = store.update(made.id, OutdialChange(name="m")).result(5)
    gone = store.delete_target(one.outdial_id, one.id).result(5)
    assert after is not None
    assert gone is not None
    assert after.stamps.updated == made.stamps.created
    assert gone.stamps.deleted == one.stamps.created


def test_deleted_outdial_is_kept_but_not_listed_and_not_changed(store: OutdialStore) -> None:
    keep, gone = created(store, "keep"), created(store, "gone")
    deleted = store.delete(gone.id).result(5)
    assert deleted is not None
    assert deleted.stamps.deleted == deleted.stamps.updated is not None
    assert store.get(gone.id).result(5) == deleted
    assert store.delete(gone.id).result(5) == deleted
    assert store.update(gone.id, OutdialChange(name="m")).result(5) is None
    assert names(store) == [keep.name]


def test_targets_are_deleted_with_their_outdial(store: OutdialStore, clock: Clock) -> None:
    outdial = created(store)
    one = target(store, outdial)
    clock.now_s += 1
    deleted = store.delete(outdial.id).result(5)
    found = store.get_target(outdial.id, one.id).result(5)
    assert deleted is not None
    assert found == replace(one, stamps=replace(deleted.stamps, created=one.stamps.created))
    assert store.page_targets(outdial.id, before=None, limit=10).result(5) == []
    assert store.delete_target(outdial.id, one.id).result(5) == found
    assert store.create_target(OutdialTarget((PHONE,), outdial_id=outdial.id)).result(5) is None


def test_deleted_target_is_kept_but_not_listed(store: OutdialStore) -> None:
    outdial = created(store)
    keep, gone = target(store, outdial), target(store, outdial)
    deleted = store.delete_target(outdial.id, gone.id).result(5)
    assert deleted is not None
    assert deleted.stamps.deleted is not None
    assert store.get_target(outdial.id, gone.id).result(5) == deleted
    assert store.page_targets(outdial.id, before=None, limit=10).result(5) == [keep]


def test_target_is_found_in_its_own_outdial_only(store: OutdialStore) -> None:
    mine, other = created(store), created(store)
    one = target(store, mine)
    assert store.get_target(other.id, one.id).result(5) is None
    assert store.delete_target(other.id, one.id).result(5) is None
    assert store.page_targets(other.id, before=None, limit=10).result(5) == []


def test_unknown_ids_are_told_by_none(store: OutdialStore) -> None:
    assert store.get("x").result(5) is None
    assert store.update("x", OutdialChange(name="m")).result(5) is None
    assert store.delete("x").result(5) is None
    assert store.page_targets("x", before=None, limit=1).result(5) is None
    assert store.create_target(OutdialTarget((PHONE,), outdial_id="x")).result(5) is None
    assert store.get_target("x", "y").result(5) is None


def test_what_was_deleted_is_forgotten_after_90_days(
    store: OutdialStore, database: SqliteDatabase, clock: Clock
) -> None:
    keep, gone = created(store, "keep"), created(store, "gone")
    for outdial in (keep, gone):
        target(store, outdial, PHONE, MAIL)
    store.delete_target(keep.id, target(store, keep).id).result(5)
    store.delete(gone.id).result(5)
    clock.now_s += timedelta(days=90).total_seconds() - 1
    created(store)
    assert (rows(database, "outdials"), rows(database, "outdial_targets")) == (3, 3)
    clock.now_s += 2
    created(store)
    assert (rows(database, "outdials"), rows(database, "outdial_targets")) == (3, 1)
    assert rows(database, "outdial_destinations") == 2
    assert store.get(gone.id).result(5) is None


@given(st.data())
def test_walk_meets_every_lasting_row_exactly_once(data: st.DataObject) -> None:
    """Rows come and go between the pages, and the clock jumps: only those that come and go may be missed."""
    clock = Clock()
    database = SqliteDatabase.open("", MIGRATIONS, group_window_s=0)
    store = OutdialStore(database, clock=clock)
    try:
        outdial = created(store)
        lasting = [target(store, outdial).id for _ in range(data.draw(st.integers(0, 12)))]
        met: list[str] = []
        before = None
        while found := _page(store, outdial, before, data.draw(st.integers(1, 5))):
            met += [one.id for one in found]
            before = found[-1].stamps.created
            clock.now_s += data.draw(st.sampled_from([-1e6, 0.0, 1e-6, 5.0]))
            for _ in range(data.draw(st.integers(0, 2))):
                target(store, outdial)
            gone = data.draw(st.sampled_from(["", *lasting]))
            if gone:
                lasting.remove(gone)
                store.delete_target(outdial.id, gone).result(5)
        assert len(met) == len(set(met))
        assert set(lasting) <= set(met)
    finally:
        database.close()


def _page(store: OutdialStore, outdial: Outdial, before: datetime | None, limit: int) -> list[OutdialTarget]:
    found = store.page_targets(outdial.id, before=before, limit=limit).result(5)
    assert found is not None
    return found


def test_page_is_read_by_an_index(database: SqliteDatabase) -> None:
    """By SQLite's own plan: the last page of a long list takes as long as the first one of a short list."""
    plan = database.run(
        lambda transaction: transaction.execute(f"EXPLAIN QUERY PLAN {PAGE}", ("x", 0, 100)),
    )
    steps = [step for *_, step in plan]
    listed = "SEARCH outdial_targets USING INDEX outdial_targets_listed (outdial=? AND created<?)"
    assert listed in steps
