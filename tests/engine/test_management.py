from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gateway.engine.management import EngineInventory
from gateway.model.inventory import Ani, Campaign, CampaignType, Dispo, DispoType, Item, key_of, kind_of
from gateway.model.inventory_change import (
    NEVER_PAUSED,
    AniChange,
    CampaignChange,
    DispoChange,
    changed,
    difference,
)
from gateway.model.phone import PhoneNumber
from gateway.providers.base import AlreadyExistsError, NotFoundError, UnavailableError
from gateway.stores.inventory import MIGRATIONS, InventoryStore
from gateway.stores.sqlite import SqliteDatabase

CAMPAIGN = Campaign("c1", "Sales", CampaignType.OUTBOUND)
DISPO = Dispo("d1", "Sale", DispoType.AGENT, contact=True, success=True)
ANI = Ani(PhoneNumber("+15611234567"), "c1", is_branded=True, brand_name="X", paused_until=date(2030, 1, 1))
ITEMS: list[Item] = [CAMPAIGN, DISPO, ANI]
CHANGES = [
    CampaignChange("c1", inbound_pool_id="p"),
    DispoChange("d1", contact=False),
    AniChange(ANI.number, paused_until=NEVER_PAUSED),
]
CHANGED = [
    replace(CAMPAIGN, inbound_pool_id="p"),
    replace(DISPO, contact=False),
    replace(ANI, paused_until=None),
]


@pytest.fixture
def store() -> Iterator[InventoryStore]:
    database = SqliteDatabase.open("", MIGRATIONS, group_window_s=0)
    yield InventoryStore(database)
    database.close()


@pytest.fixture
def heard() -> list[tuple[Item | None, Item | None]]:
    return []


@pytest.fixture
def inventory(store: InventoryStore, heard: list[tuple[Item | None, Item | None]]) -> EngineInventory:
    return EngineInventory(store, lambda before, after: heard.append((before, after)))


@pytest.mark.parametrize(("item", "change", "after"), list(zip(ITEMS, CHANGES, CHANGED, strict=True)))
async def test_an_item_lives_from_its_creation_to_its_end(
    inventory: EngineInventory, heard: list[Any], item: Item, change: Any, after: Item
) -> None:
    kind, key = kind_of(item), key_of(item)
    await inventory.create(item, timeout_s=1)
    assert await inventory.get(kind, key, timeout_s=1) == item
    await inventory.update(change, timeout_s=1)
    assert list(await inventory.list_all(kind, timeout_s=1)) == [after]
    await inventory.delete(kind, key, timeout_s=1)
    assert await inventory.get(kind, key, timeout_s=1) is None
    assert heard == [(None, item), (item, after), (after, None)]


@pytest.mark.parametrize("item", ITEMS)
async def test_a_second_creation_is_refused_and_changes_nothing(
    inventory: EngineInventory, heard: list[Any], item: Item
) -> None:
    await inventory.create(item, timeout_s=1)
    with pytest.raises(AlreadyExistsError, match="is there already; update it"):
        await inventory.create(item, timeout_s=1)
    assert len(heard) == 1


@pytest.mark.parametrize(("item", "change"), list(zip(ITEMS, CHANGES, strict=True)))
async def test_what_does_not_exist_is_neither_changed_nor_deleted(
    inventory: EngineInventory, heard: list[Any], item: Item, change: Any
) -> None:
    kind, key = kind_of(item), key_of(item)
    with pytest.raises(NotFoundError, match="does not exist"):
        await inventory.update(change, timeout_s=1)
    with pytest.raises(NotFoundError) as caught:
        await inventory.delete(kind, key, timeout_s=1)
    assert heard == []
    assert ANI.number.e164 not in str(caught.value)


async def test_every_write_and_only_a_write_counts_the_version_up(
    inventory: EngineInventory, store: InventoryStore
) -> None:
    versions = [store.version().result()]
    await inventory.create(CAMPAIGN, timeout_s=1)
    versions.append(store.version().result())
    await inventory.get(kind_of(CAMPAIGN), "c1", timeout_s=1)
    await inventory.update(CampaignChange("c1", name="B"), timeout_s=1)
    versions.append(store.version().result())
    await inventory.delete(kind_of(CAMPAIGN), "c1", timeout_s=1)
    versions.append(store.version().result())
    assert [version - versions[0] for version in versions] == [0, 1, 2, 3]


async def test_a_closed_database_is_unavailable() -> None:
    database = SqliteDatabase.open("", MIGRATIONS)
    database.close()
    with pytest.raises(UnavailableError):
        await EngineInventory(InventoryStore(database)).create(CAMPAIGN, timeout_s=1)


@pytest.mark.parametrize(("have", "want"), list(zip(ITEMS, CHANGED, strict=True)))
def test_a_difference_made_gives_what_was_wanted(have: Any, want: Any) -> None:
    for start, end in ((have, want), (want, have)):
        change: Any = difference(start, end)
        assert changed(start, change) == end
    assert difference(have, have) is None
