from collections.abc import Iterator

import pytest

from gateway.engine.dial_events import DialEvents
from gateway.engine.management import EngineInventory
from gateway.model.dial import Dial
from gateway.model.inventory import Dispo, DispoType, Inventory
from gateway.stores.inventory import MIGRATIONS, InventoryStore
from gateway.stores.sqlite import SqliteDatabase

SALE = Dispo("sale", "Sale closed", DispoType.AGENT, contact=True, success=True)
DIAL = Dial("d1", "+15552223333", "+15559876543", 1_775_831_535.0, disposition_name="sale")


@pytest.fixture
def database() -> Iterator[SqliteDatabase]:
    one = SqliteDatabase.open("", MIGRATIONS, group_window_s=0)
    InventoryStore(one).save(Inventory(dispos=(SALE,)))
    yield one
    one.close()


async def test_a_changed_inventory_holds_from_the_next_renewal_on(database: SqliteDatabase) -> None:
    events = DialEvents(EngineInventory(InventoryStore(database)))
    assert events.event(DIAL, "").disposition_id == ""
    await events.renew()
    assert events.event(DIAL, "").disposition_id == "sale"


async def test_an_inventory_that_cannot_be_read_leaves_what_was_known(
    database: SqliteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    events = DialEvents(EngineInventory(InventoryStore(database)))
    await events.renew()
    database.close()
    await events.renew()
    assert events.event(DIAL, "").success
    assert "with the dispositions known before" in caplog.text


@pytest.mark.parametrize(
    ("text", "count"), [("2", 2), (" 3 ", 3), ("", 0), ("-1", 0), ("²", 0), ("9" * 30, 0)]
)
def test_attempts_that_are_no_number_are_none(database: SqliteDatabase, text: str, count: int) -> None:
    events = DialEvents(EngineInventory(InventoryStore(database)))
    dial = Dial("d1", "+15552223333", "+15559876543", 0.0, total_dial_attempts=text)
    assert events.event(dial, "").total_dial_attempts == count
