from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.dial import Dial
from gateway.model.inventory import Ani, Campaign, CampaignType, Inventory, Kind
from gateway.model.phone import PhoneNumber
from gateway.stores.engine_dials import EngineDialStore
from gateway.stores.engine_statistics import (
    MIGRATION,
    Act,
    DialPlace,
    DispositionTally,
    EngineStatisticsStore,
    Place,
)
from gateway.stores.inventory import MIGRATIONS, InventoryStore, Usage
from gateway.stores.sqlite import SqliteDatabase

NOW = 1_760_000_000.0
TODAY, TOMORROW = date(2025, 10, 9), date(2025, 10, 10)
ONE, TWO, LONDON = "+12125550100", "+12125550101", "+442079460100"


def ani(number: str, **fields: date | str) -> Ani:
    return replace(Ani(PhoneNumber(number), inbound_group_id="9001"), **fields)  # type: ignore[arg-type]


@pytest.fixture
def database() -> Iterator[SqliteDatabase]:
    one = SqliteDatabase.open("", MIGRATIONS, group_window_s=0)
    campaigns = (Campaign("9001", "Sales", CampaignType.OUTBOUND),)
    anis = (ani(ONE, brand_name="Acme"), ani(TWO, inbound_group_id="x"), ani(LONDON, paused_until=TOMORROW))
    InventoryStore(one).save(Inventory(campaigns, (), anis))
    yield one
    one.close()


@pytest.fixture
def store(database: SqliteDatabase) -> EngineStatisticsStore:
    return EngineStatisticsStore(database)


def keep(database: SqliteDatabase, *dials: Dial) -> None:
    EngineDialStore(database).keep(dials, forget_before=0).result(5)


def listed(store: EngineStatisticsStore, digits: str = "", skip: int = 0, most: int = 10) -> list[str]:
    page = store.numbers(digits=digits, skip=skip, most=most).result(5)
    return [one.number.e164 for one in page.numbers]


def test_numbers_come_in_pages_with_what_the_inventory_knows(store: EngineStatisticsStore) -> None:
    page = store.numbers(digits="", skip=0, most=2).result(5)
    assert page.total == 3
    one, two = page.numbers
    assert (one.number.e164, one.campaign_name, one.group, one.brand) == (ONE, "Sales", "9001", "Acme")
    assert (two.number.e164, two.campaign_name, two.group) == (TWO, "", "x")
    assert one.inventoried_at > NOW
    rest = store.numbers(digits="", skip=2, most=2).result(5)
    assert [(number.number.e164, number.paused_until) for number in rest.numbers] == [(LONDON, TOMORROW)]


def test_numbers_are_found_by_digits(store: EngineStatisticsStore) -> None:
    assert listed(store, "2125550101") == [TWO]
    assert listed(store, "555") == [ONE, TWO]
    assert listed(store, "555", skip=1) == [TWO]
    assert listed(store, "999") == []
    assert store.numbers(digits="999", skip=0, most=1).result(5).total == 0


@given(st.integers(1, 12), st.integers(0, 30))
def test_pages_of_any_size_hold_every_number_once(most: int, count: int) -> None:
    database = SqliteDatabase.open("", MIGRATIONS, group_window_s=0)
    numbers = [f"+1212555{number:04}" for number in range(count)]
    InventoryStore(database).save(Inventory(anis=tuple(ani(number) for number in numbers)))
    store = EngineStatisticsStore(database)
    pages = [listed(store, skip=skip, most=most) for skip in range(0, count + most, most)]
    database.close()
    assert [number for page in pages for number in page] == numbers


def test_uses_are_summed_over_days(store: EngineStatisticsStore, database: SqliteDatabase) -> None:
    inventory = InventoryStore(database)
    for day, count in ((TODAY, 2), (TODAY, 5), (TOMORROW, 1), (TOMORROW, 3)):
        inventory.save_usage([Usage(PhoneNumber(ONE), day, count, NOW)]).result(5)
    facts = {one.number.e164: one for one in store.numbers(digits="", skip=0, most=9).result(5).numbers}
    assert (facts[ONE].assigned, facts[TWO].assigned) == (8, 0)


def test_a_number_saved_again_keeps_its_history(
    store: EngineStatisticsStore, database: SqliteDatabase
) -> None:
    database.run(lambda work: work.execute("UPDATE ani_history SET inventoried_at = 5.0, assigned = 7"))
    InventoryStore(database).save(Inventory(anis=(ani(ONE, brand_name="Other"),)))
    one = store.numbers(digits=ONE, skip=0, most=1).result(5).numbers[0]
    assert (one.brand, one.inventoried_at, one.assigned) == ("Other", 5.0, 7)


def test_a_number_taken_out_leaves_nothing(store: EngineStatisticsStore, database: SqliteDatabase) -> None:
    store.note(ONE, Act.PAUSE, at=NOW, carrier="", note="").result(5)
    InventoryStore(database).delete(Kind.ANI, ONE).result(5)
    InventoryStore(database).create(ani(ONE)).result(5)
    one = store.numbers(digits=ONE, skip=0, most=1).result(5).numbers[0]
    assert (one.acts, one.assigned) == ({}, 0)


def test_the_last_act_of_each_kind_is_remembered(store: EngineStatisticsStore) -> None:
    for at in (NOW, NOW + 1):
        store.note(ONE, Act.PAUSE, at=at, carrier="acme", note="rest").result(5)
    store.note(ONE, Act.ACTIVATE, at=NOW + 2, carrier="", note="").result(5)
    one = store.numbers(digits=ONE, skip=0, most=1).result(5).numbers[0]
    assert one.acts == {Act.PAUSE: NOW + 1, Act.ACTIVATE: NOW + 2}


def test_an_act_with_a_cool_down_is_done_once(store: EngineStatisticsStore) -> None:
    def remediate(number: str, at: float) -> bool | None:
        return store.note_unless_since(
            number, Act.REMEDIATE, at=at, since=at - 30, carrier="", note=""
        ).result(5)

    assert [remediate(ONE, NOW + later) for later in (0, 29, 30, 59)] == [True, False, True, False]
    assert remediate("+19995550100", NOW) is None


def test_dials_are_tallied_by_number_and_disposition(
    store: EngineStatisticsStore, database: SqliteDatabase
) -> None:
    def dial(dial_id: str, number: str, disposition: str, at: float) -> Dial:
        return Dial(dial_id, number, "+15559876543", at, disposition_name=disposition)

    keep(
        database,
        dial("1", ONE, "sale", NOW),
        dial("2", ONE, "sale", NOW - 100),
        dial("3", ONE, "busy", NOW - 200),
        dial("4", TWO, "sale", NOW),
        dial("5", "+19995550100", "sale", NOW),
    )
    found = store.tallies([ONE, TWO], recent_since=NOW - 100).result(5)
    assert sorted(found, key=repr) == sorted(
        [
            DispositionTally(ONE, "sale", dials=2, recent=2, last_at=NOW),
            DispositionTally(ONE, "busy", dials=1, recent=0, last_at=NOW - 200),
            DispositionTally(TWO, "sale", dials=1, recent=1, last_at=NOW),
        ],
        key=repr,
    )


def test_numbers_are_counted_by_prefix_without_the_paused_ones(store: EngineStatisticsStore) -> None:
    everything = {"+1212": 2, "+4420794601": 1}
    assert store.number_prefixes(paused_on=None).result(5) == everything
    assert store.number_prefixes(paused_on=TODAY).result(5) == {"+1212": 2}
    assert store.number_prefixes(paused_on=TOMORROW).result(5) == everything


def places(
    store: EngineStatisticsStore, most: int, *, by_ani: bool = False, by_zip: bool = False
) -> Counter[tuple[str, str, str, str]]:
    """All dials before NOW + 50, slice by slice."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    after: Place | None = (NOW, "")
    while after is not None:
        part = store.dial_places(
            after=after, before=NOW + 50, most=most, by_ani=by_ani, by_zip=by_zip
        ).result(5)
        assert sum(place.dials for place in part.places) <= most
        for place in part.places:
            found[place.prefix, place.zip, place.campaign_id, place.disposition] += place.dials
        after = part.last
    return found


@given(
    st.lists(st.tuples(st.integers(-2, 60), st.sampled_from(["", "10001"])), max_size=25), st.integers(1, 9)
)
def test_slices_of_any_size_hold_every_dial_of_the_time_once(rows: list[tuple[int, str]], most: int) -> None:
    """Several dials of one moment may fall into different slices."""
    database = SqliteDatabase.open("", MIGRATIONS, group_window_s=0)
    dials = [
        Dial(str(number), ONE, "+13055550199", NOW + second // 3 * 3, "c1", disposition_name="sale", zip=code)
        for number, (second, code) in enumerate(rows)
    ]
    keep(database, *dials)
    found = places(EngineStatisticsStore(database), most, by_zip=True)
    database.close()
    expected = Counter(("+1305", dial.zip, "c1", "sale") for dial in dials if NOW <= dial.at < NOW + 50)
    assert found == expected


def test_places_are_those_of_the_prospect_or_of_the_number_shown(
    store: EngineStatisticsStore, database: SqliteDatabase
) -> None:
    keep(database, Dial("1", ONE, LONDON, NOW, zip="10001"), Dial("2", ONE, "+13055550199", NOW))
    assert set(places(store, 10)) == {("+4420794601", "", "", ""), ("+1305", "", "", "")}
    assert set(places(store, 10, by_ani=True)) == {("+1212", "", "", "")}
    part = store.dial_places(after=(NOW, ""), before=NOW + 1, most=9, by_ani=True, by_zip=False).result(5)
    assert part.places == [DialPlace("+1212", "", "", "", dials=2, without_zip=1)]


def test_a_file_of_an_earlier_version_has_its_numbers_history_begin_now(tmp_path: Path) -> None:
    file = str(tmp_path / "engine.db")
    old = SqliteDatabase.open(file, MIGRATIONS[: MIGRATIONS.index(MIGRATION)])
    InventoryStore(old).save(Inventory(anis=(ani(ONE),)))
    InventoryStore(old).save_usage([Usage(PhoneNumber(ONE), TODAY, 4, NOW)]).result(5)
    old.close()
    lifted = SqliteDatabase.open(file, MIGRATIONS)
    one = EngineStatisticsStore(lifted).numbers(digits="", skip=0, most=1).result(5).numbers[0]
    lifted.close()
    assert one.assigned == 4
    assert one.inventoried_at > NOW
