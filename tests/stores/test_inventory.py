from collections.abc import Iterator
from datetime import date

import pytest

from gateway.model.inventory import Ani, Campaign, CampaignType, Dispo, DispoType, Inventory
from gateway.model.phone import PhoneNumber
from gateway.stores.inventory import MIGRATIONS, InventoryStore
from gateway.stores.sqlite import SqliteDatabase

ANI = Ani(PhoneNumber("+15611234567"), "c1", is_branded=True, brand_name="X", paused_until=date(2026, 5, 1))
INVENTORY = Inventory(
    campaigns=(Campaign("c1", "Sales", CampaignType.BLENDED, "pool"),),
    dispos=(Dispo("d1", "Sale", DispoType.AGENT, contact=True, success=False),),
    anis=(Ani(PhoneNumber("+442079460100")), ANI),
)


@pytest.fixture
def store() -> Iterator[InventoryStore]:
    database = SqliteDatabase.open("", MIGRATIONS)
    yield InventoryStore(database)
    database.close()


def test_inventory_comes_back_as_it_was_saved(store: InventoryStore) -> None:
    store.save(INVENTORY)
    found = store.load()
    assert (found.campaigns, found.dispos) == (INVENTORY.campaigns, INVENTORY.dispos)
    assert set(found.anis) == set(INVENTORY.anis)


def test_saving_again_replaces_and_removes_nothing(store: InventoryStore) -> None:
    store.save(INVENTORY)
    store.save(Inventory(anis=(Ani(ANI.number, "c2"),)))
    assert {ani.number.e164: ani.inbound_group_id for ani in store.load().anis} == {
        "+442079460100": "",
        "+15611234567": "c2",
    }
