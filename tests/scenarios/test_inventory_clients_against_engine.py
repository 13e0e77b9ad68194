"""The clients of both vendors' management APIs against the engine's own service of them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.model.inventory import Ani, Campaign, CampaignType, Dispo, DispoType, Item, Kind, key_of, kind_of
from gateway.model.inventory_change import (
    AniChange,
    CampaignChange,
    Change,
    DispoChange,
    changed,
    key_changed,
)
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import AlreadyExistsError, NotFoundError, RateLimitedError, RefusedError
from gateway.providers.inventory_client import VendorInventory
from gateway.providers.outboundani import OutboundAniSettings
from gateway.providers.outboundani_inventory import OutboundAniInventory
from gateway.providers.outboundiq_account import OutboundIqSettings
from gateway.providers.outboundiq_inventory import OutboundIqInventory
from tests.scenarios.engine_api import CALLS_KEY, KEY, LOCKED_KEY, EngineApi, ServeApi

BOTH = ("outboundiq", "outboundani")
CAMPAIGN = Campaign("c 1/ä?&", "Sales 2025", CampaignType.OUTBOUND)
DISPO = Dispo("d1", "Sale Closed", DispoType.AGENT, contact=True, success=False)
ANI = Ani(PhoneNumber("+15611234567"), "c123", is_branded=True, brand_name="BrandX")
UK = Ani(PhoneNumber("+442079460018"), "c123")
ITEMS: tuple[Item, ...] = (CAMPAIGN, DISPO, ANI, UK)
CHANGES: tuple[tuple[Item, Change], ...] = (
    (CAMPAIGN, CampaignChange(CAMPAIGN.id, name="Something Else")),
    (CAMPAIGN, CampaignChange(CAMPAIGN.id, type=CampaignType.BLENDED)),
    (DISPO, DispoChange("d1", name="Sold")),
    (DISPO, DispoChange("d1", type=DispoType.SYSTEM)),
    (DISPO, DispoChange("d1", contact=False)),
    (DISPO, DispoChange("d1", success=True)),
    (ANI, AniChange(ANI.number, inbound_group_id="c9")),
    (ANI, AniChange(ANI.number, is_branded=False)),
    (ANI, AniChange(ANI.number, brand_name="")),
    (UK, AniChange(UK.number, inbound_group_id="c9", is_branded=True, brand_name="BrandX")),
)


def made(vendor: str, api: EngineApi, key: str = KEY, carrier_id: str = "") -> VendorInventory:
    if vendor == "outboundiq":
        return OutboundIqInventory(OutboundIqSettings(url=api.url, key=key))
    return OutboundAniInventory(OutboundAniSettings(url=f"{api.url}/dialer", key=key, carrier_id=carrier_id))


@pytest.fixture
async def api(serve_api: ServeApi) -> EngineApi:
    return await serve_api()


@pytest.fixture(params=BOTH)
async def service(api: EngineApi, request: pytest.FixtureRequest) -> AsyncIterator[VendorInventory]:
    one = made(request.param, api)
    await one.open()
    yield one
    await one.close()


@pytest.mark.parametrize("item", ITEMS, ids=key_of)
async def test_an_item_is_created_read_and_deleted(service: VendorInventory, item: Item) -> None:
    kind, key = kind_of(item), key_of(item)
    assert await service.get(kind, key, timeout_s=5) is None
    await service.create(item, timeout_s=5)
    assert await service.get(kind, key, timeout_s=5) == item
    await service.delete(kind, key, timeout_s=5)
    assert await service.get(kind, key, timeout_s=5) is None


@pytest.mark.parametrize(("item", "change"), CHANGES, ids=str)
async def test_a_change_of_one_field_leaves_the_others(
    service: VendorInventory, item: Any, change: Any
) -> None:
    await service.create(item, timeout_s=5)
    await service.update(change, timeout_s=5)
    found = await service.get(kind_of(item), key_of(item), timeout_s=5)
    assert found == changed(item, change)
    assert found != item


@pytest.mark.parametrize("item", ITEMS, ids=key_of)
async def test_what_is_there_already_is_told_and_stays(service: VendorInventory, item: Item) -> None:
    await service.create(item, timeout_s=5)
    other = replace(item, inbound_group_id="c9") if isinstance(item, Ani) else replace(item, name="Other")
    with pytest.raises(AlreadyExistsError, match="is there already"):
        await service.create(other, timeout_s=5)
    assert await service.get(kind_of(item), key_of(item), timeout_s=5) == item


@pytest.mark.parametrize(("item", "change"), CHANGES, ids=str)
async def test_what_is_not_there_is_not_found_and_not_created(
    service: VendorInventory, item: Item, change: Change
) -> None:
    with pytest.raises(NotFoundError):
        await service.update(change, timeout_s=5)
    with pytest.raises(NotFoundError):
        await service.delete(kind_of(item), key_changed(change), timeout_s=5)
    assert await service.get(kind_of(item), key_of(item), timeout_s=5) is None


async def test_an_inbound_pool_is_set_changed_and_taken_away(api: EngineApi) -> None:
    service = made("outboundiq", api)
    await service.open()
    pooled = replace(CAMPAIGN, inbound_pool_id="p1")
    await service.create(pooled, timeout_s=5)
    assert await service.get(Kind.CAMPAIGN, CAMPAIGN.id, timeout_s=5) == pooled
    for pool in ("p2", ""):
        await service.update(CampaignChange(CAMPAIGN.id, inbound_pool_id=pool), timeout_s=5)
        found = await service.get(Kind.CAMPAIGN, CAMPAIGN.id, timeout_s=5)
        assert found == replace(CAMPAIGN, inbound_pool_id=pool)
    await service.close()


async def test_what_one_vendors_client_makes_the_others_sees(api: EngineApi) -> None:
    """One inventory, two languages; a carrier is accepted and not kept."""
    ani, iq = made("outboundani", api, carrier_id="carr1"), made("outboundiq", api)
    await ani.open()
    await iq.open()
    for item in ITEMS:
        await ani.create(item, timeout_s=5)
        assert await iq.get(kind_of(item), key_of(item), timeout_s=5) == item
    await ani.close()
    await iq.close()


async def test_a_number_is_handed_out_from_its_creation_to_its_end(
    service: VendorInventory, api: EngineApi
) -> None:
    lead = Lead(PhoneNumber("+15615550199"), campaign="c123")
    await service.create(Campaign("c123", "Sales", CampaignType.OUTBOUND), timeout_s=5)
    await service.create(ANI, timeout_s=5)
    assert api.engine.assign_now(lead).ani == ANI.number
    await service.delete(Kind.ANI, ANI.number.e164, timeout_s=5)
    assert api.engine.assign_now(lead).ani is None


async def test_a_british_number_is_changed_where_the_same_digits_are_american_too(
    service: VendorInventory,
) -> None:
    american = Ani(PhoneNumber("+12079460018"), "c123")
    for item in (american, UK):
        await service.create(item, timeout_s=5)
    await service.update(AniChange(UK.number, inbound_group_id="c9"), timeout_s=5)
    assert await service.get(Kind.ANI, american.number.e164, timeout_s=5) == american


@pytest.mark.parametrize("vendor", BOTH)
@pytest.mark.parametrize(
    ("key", "status", "why"),
    [
        ("wrong", 401, r"^the key was refused \(401\); check \w+\.key$"),
        (CALLS_KEY, 403, r"not of the universal type|may not manage"),
        (LOCKED_KEY, 403, "inactive|may not manage"),
    ],
)
async def test_a_key_that_may_not_manage_is_refused(
    api: EngineApi, vendor: str, key: str, status: int, why: str
) -> None:
    service = made(vendor, api, key)
    await service.open()
    for item, change in CHANGES:
        kind, name = kind_of(item), key_of(item)
        for attempt in (
            service.create(item, timeout_s=5),
            service.get(kind, name, timeout_s=5),
            service.update(change, timeout_s=5),
            service.delete(kind, name, timeout_s=5),
        ):
            with pytest.raises(RefusedError, match=why) as refused:
                await attempt
            assert refused.value.status == status
    await service.close()


@pytest.mark.parametrize("vendor", BOTH)
async def test_a_rate_limit_names_its_time(serve_api: ServeApi, vendor: str) -> None:
    service = made(vendor, await serve_api(burst=1))
    await service.open()
    await service.create(DISPO, timeout_s=5)
    with pytest.raises(RateLimitedError) as limited:
        await service.get(Kind.DISPO, "d1", timeout_s=5)
    assert limited.value.retry_after_s is not None
    assert 90 < limited.value.retry_after_s <= 100
    await service.close()


async def test_what_the_service_refuses_is_told_in_its_words(service: VendorInventory) -> None:
    with pytest.raises(RefusedError, match="name: is empty; give it a value"):
        await service.create(replace(DISPO, name=" "), timeout_s=5)
