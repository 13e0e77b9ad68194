from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model.dial import Dial
from gateway.model.inventory import Dispo, DispoType, Inventory
from gateway.stores.engine_dials import PLACES, ContactCount, EngineDialStore
from gateway.stores.inventory import MIGRATIONS, InventoryStore
from gateway.stores.sqlite import SqliteDatabase

NOW = 1_760_000_000.0
ONE, TWO = "+15552223333", "+15552224444"
SALE = Dispo("sale", "Sale closed", DispoType.AGENT, contact=True, success=True)
BUSY = Dispo("busy", "Busy", DispoType.SYSTEM, contact=False, success=False)


@pytest.fixture
def database() -> Iterator[SqliteDatabase]:
    one = SqliteDatabase.open("", MIGRATIONS)
    InventoryStore(one).save(Inventory(dispos=(SALE, BUSY)))
    yield one
    one.close()


@pytest.fixture
def store(database: SqliteDatabase) -> EngineDialStore:
    return EngineDialStore(database)


def keep(store: EngineDialStore, *dials: Dial, forget_before: float = 0.0) -> None:
    store.keep(dials, forget_before=forget_before).result(5)


def dial(dial_id: str, ani: str = ONE, disposition: str = "sale", at: float = NOW) -> Dial:
    return Dial(dial_id, ani, "+15559876543", at, disposition_name=disposition)


def test_contacts_are_counted_for_each_number_by_id_and_by_name(store: EngineDialStore) -> None:
    keep(store, dial("1"), dial("2", disposition="Sale closed"), dial("3", disposition="busy"))
    keep(store, dial("4", TWO, "Busy"))
    assert store.contact_counts(since=0) == [ContactCount(ONE, 3, 2), ContactCount(TWO, 1, 0)]


def test_unknown_dispositions_say_nothing(store: EngineDialStore) -> None:
    keep(store, dial("1"), dial("2", disposition="whatever"), dial("3", TWO, ""))
    assert store.contact_counts(since=0) == [ContactCount(ONE, 1, 1)]


def test_a_repeat_counts_once_and_the_last_word_holds(store: EngineDialStore) -> None:
    keep(store, dial("1"), dial("1"))
    keep(store, dial("1", disposition="busy"))
    assert store.contact_counts(since=0) == [ContactCount(ONE, 1, 0)]


def test_older_dials_are_left_out(store: EngineDialStore) -> None:
    keep(store, dial("1", at=NOW - 100), dial("2"))
    assert store.contact_counts(since=NOW - 50) == [ContactCount(ONE, 1, 1)]


def test_the_prospects_zip_is_kept(store: EngineDialStore, database: SqliteDatabase) -> None:
    keep(store, replace(dial("1"), zip="10001"), dial("2"))
    rows = database.run(lambda transaction: transaction.execute("SELECT dial_id, zip FROM dials"))
    assert rows == [("1", "10001"), ("2", "")]


def test_dials_of_an_earlier_version_stay(tmp_path: Path) -> None:
    """A file made before zips were kept is lifted, its dials without one."""
    file = str(tmp_path / "engine.db")
    earlier = MIGRATIONS[: MIGRATIONS.index(PLACES)]
    old = SqliteDatabase.open(file, earlier)
    old.run(lambda work: work.execute("INSERT INTO dials VALUES ('1', 2.0, '+1', '+1', '', 'sale', NULL)"))
    old.close()
    lifted = SqliteDatabase.open(file, MIGRATIONS)
    assert lifted.run(lambda work: work.execute("SELECT dial_id, zip FROM dials")) == [("1", "")]
    lifted.close()


def test_a_mended_flag_counts_for_the_past(store: EngineDialStore, database: SqliteDatabase) -> None:
    keep(store, dial("1", disposition="busy"))
    InventoryStore(database).save(Inventory(dispos=(replace(BUSY, contact=True),)))
    assert store.contact_counts(since=0) == [ContactCount(ONE, 1, 1)]


def test_old_dials_are_forgotten_two_at_a_time(store: EngineDialStore) -> None:
    keep(store, *(dial(str(number), at=NOW - 100) for number in range(5)))
    for left in (3, 1, 0):
        keep(store, dial(f"new{left}"), forget_before=NOW - 50)
        assert store.contact_counts(since=0)[0].dials - store.contact_counts(since=NOW)[0].dials == left


def test_many_numbers_are_all_counted(store: EngineDialStore) -> None:
    """More than are read at a time, some of them with old dials only."""
    numbers = [f"+1212555{number:04d}" for number in range(130)]
    keep(store, *(dial(ani, ani, at=NOW - 100 * (place % 3 == 0)) for place, ani in enumerate(numbers)))
    expected = [ContactCount(ani, 1, 1) for place, ani in enumerate(numbers) if place % 3]
    assert store.contact_counts(since=NOW - 50) == expected
    assert [count.ani for count in store.contact_counts(since=0)] == numbers
