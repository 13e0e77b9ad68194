"""Both vendors' inventories, against the simulated ones: what holds for either."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
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
from gateway.model.phone import PhoneNumber
from gateway.providers.base import (
    AlreadyExistsError,
    InventoryService,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    TimedOutError,
    UnavailableError,
)
from gateway.providers.inventory_client import VendorInventory
from gateway.providers.outboundani import OutboundAniSettings
from gateway.providers.outboundani_inventory import OutboundAniInventory
from gateway.providers.outboundiq_account import OutboundIqSettings
from gateway.providers.outboundiq_inventory import OutboundIqInventory
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault
from gateway.simulator.vendor_inventory import Form, VendorShelves
from tests.providers.faults import FAULTS

CAMPAIGN = Campaign("c 1/ä?&", "Sales 2025", CampaignType.OUTBOUND)
DISPO = Dispo("d1", "Sale Closed", DispoType.AGENT, contact=True, success=False)
ANI = Ani(PhoneNumber("+15611234567"), "c123", is_branded=True, brand_name="BrandX")
UK = Ani(PhoneNumber("+442079460018"), "c123")
ITEMS: tuple[Item, ...] = (CAMPAIGN, DISPO, ANI, UK)
CHANGES: tuple[Change, ...] = (
    CampaignChange(CAMPAIGN.id, name="Something Else"),
    DispoChange("d1", contact=False, success=True),
    AniChange(ANI.number, is_branded=False, brand_name=""),
    AniChange(UK.number, inbound_group_id="c9"),
)
BOTH = ("outboundiq", "outboundani")


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamSimulator]:
    async with UpstreamSimulator() as one:
        yield one


def made(name: str, upstream: UpstreamSimulator, key: str | None = None) -> VendorInventory:
    key = upstream.key if key is None else key
    if name == "outboundiq":
        return OutboundIqInventory(OutboundIqSettings(url=upstream.url, key=key))
    return OutboundAniInventory(OutboundAniSettings(url=f"{upstream.url}/dialer", key=key))


@pytest.fixture(params=BOTH)
async def service(
    upstream: UpstreamSimulator, request: pytest.FixtureRequest
) -> AsyncIterator[InventoryService]:
    one = made(request.param, upstream)
    await one.open()
    yield one
    await one.close()


def shelves(service: InventoryService, upstream: UpstreamSimulator) -> VendorShelves:
    return upstream.custom if service.name == "outboundiq" else upstream.dialer


@pytest.mark.parametrize(("item", "change"), list(zip(ITEMS, CHANGES, strict=True)))
async def test_an_item_lives_from_its_creation_to_its_end(
    service: InventoryService, item: Any, change: Any
) -> None:
    kind, key = kind_of(item), key_of(item)
    assert await service.get(kind, key, timeout_s=5) is None
    await service.create(item, timeout_s=5)
    assert await service.get(kind, key, timeout_s=5) == item
    await service.update(change, timeout_s=5)
    assert await service.get(kind, key, timeout_s=5) == changed(item, change)
    await service.delete(kind, key, timeout_s=5)
    assert await service.get(kind, key, timeout_s=5) is None


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("item", ITEMS, ids=key_of)
async def test_an_answer_is_read_in_whatever_form_it_comes(
    service: InventoryService, upstream: UpstreamSimulator, item: Item, form: Form
) -> None:
    shelves(service, upstream).form = form
    await service.create(item, timeout_s=5)
    assert await service.get(kind_of(item), key_of(item), timeout_s=5) == item


@pytest.mark.parametrize("item", ITEMS, ids=key_of)
async def test_what_is_there_already_is_told_from_other_refusals(
    service: InventoryService, item: Item
) -> None:
    await service.create(item, timeout_s=5)
    with pytest.raises(AlreadyExistsError):
        await service.create(item, timeout_s=5)


@pytest.mark.parametrize("change", CHANGES, ids=key_changed)
async def test_what_is_not_there_is_told_from_other_refusals(
    service: InventoryService, change: Change
) -> None:
    with pytest.raises(NotFoundError):
        await service.update(change, timeout_s=5)
    with pytest.raises(NotFoundError):
        await service.delete(Kind.DISPO, "d9", timeout_s=5)


async def work(service: InventoryService, method: str) -> None:
    match method:
        case "create":
            await service.create(ANI, timeout_s=0.2)
        case "get":
            await service.get(Kind.ANI, key_of(ANI), timeout_s=0.2)
        case "update":
            await service.update(CHANGES[2], timeout_s=0.2)
        case _:
            await service.delete(Kind.ANI, key_of(ANI), timeout_s=0.2)


async def met(upstream: UpstreamSimulator, fault: Fault) -> None:
    async with asyncio.timeout(5):
        while not upstream.counters.by_fault[fault]:  # noqa: ASYNC110 - the simulator tells nobody
            await asyncio.sleep(0.005)


METHODS = ("create", "get", "update", "delete")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_faults_are_told_apart_by_type_and_tell_no_secret(
    service: InventoryService,
    upstream: UpstreamSimulator,
    fault: Fault,
    method: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    await upstream.set_fault(fault)
    with pytest.raises(ProviderError) as raised:
        await work(service, method)
    assert type(raised.value) is FAULTS[fault]
    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value) + caplog.text
    assert upstream.key not in shown
    assert ANI.number.national not in shown


async def test_answers_of_another_shape_are_bad_answers_to_reading(
    service: InventoryService, upstream: UpstreamSimulator
) -> None:
    await upstream.set_fault(Fault.WRONG_TYPES)
    for kind, key in ((Kind.CAMPAIGN, "c1"), (Kind.DISPO, "d1"), (Kind.ANI, key_of(ANI))):
        with pytest.raises(ProviderError, match="makes no sense"):
            await service.get(kind, key, timeout_s=1)


@pytest.mark.parametrize("name", BOTH)
async def test_a_wrong_key_names_the_setting(upstream: UpstreamSimulator, name: str) -> None:
    service = made(name, upstream, key="wrong")
    await service.open()
    with pytest.raises(RefusedError, match=rf"\(401\); check {name}\.key") as raised:
        await service.create(CAMPAIGN, timeout_s=1)
    await service.close()
    assert raised.value.status == 401
    assert shelves(service, upstream).items["campaigns"] == {}


@pytest.mark.parametrize("method", METHODS)
async def test_a_change_that_may_have_been_made_is_not_sent_again(
    service: InventoryService, upstream: UpstreamSimulator, method: str
) -> None:
    """The pause before a repeat is at least 0.25 s, so reading has no time for one either."""
    await upstream.set_fault(Fault.SERVER_ERROR)
    with pytest.raises(UnavailableError):
        await work(service, method)
    assert upstream.counters.requests == 1


async def test_reading_is_repeated_until_it_succeeds(
    service: InventoryService, upstream: UpstreamSimulator
) -> None:
    await upstream.set_fault(Fault.SERVER_ERROR)
    reading = asyncio.create_task(service.get(Kind.ANI, key_of(ANI), timeout_s=5))
    await met(upstream, Fault.SERVER_ERROR)
    await upstream.set_fault(Fault.NONE)
    assert await reading is None
    assert upstream.counters.requests == 2


async def test_a_change_on_a_broken_connection_is_not_sent_again(
    service: InventoryService, upstream: UpstreamSimulator
) -> None:
    await service.get(Kind.ANI, key_of(ANI), timeout_s=1)
    await upstream.set_fault(Fault.RESET)
    with pytest.raises(UnavailableError):
        await service.create(ANI, timeout_s=1)
    assert upstream.counters.requests == 2


async def test_a_rate_limit_is_waited_out_by_a_change(
    service: InventoryService, upstream: UpstreamSimulator
) -> None:
    await upstream.set_fault(Fault.RATE_LIMITED_SECONDS)
    creating = asyncio.create_task(service.create(ANI, timeout_s=5))
    await met(upstream, Fault.RATE_LIMITED_SECONDS)
    await upstream.set_fault(Fault.NONE)
    await creating
    assert upstream.counters.requests == 2
    await upstream.set_fault(Fault.RATE_LIMITED_SECONDS)
    with pytest.raises(RateLimitedError):
        await service.create(UK, timeout_s=0.5)


async def test_silence_ends_at_the_deadline(service: InventoryService, upstream: UpstreamSimulator) -> None:
    await upstream.set_fault(Fault.SILENT)
    started = asyncio.get_running_loop().time()
    with pytest.raises(TimedOutError):
        await service.get(Kind.CAMPAIGN, "c1", timeout_s=0.2)
    assert asyncio.get_running_loop().time() - started < 1


async def test_nothing_can_be_listed(service: InventoryService, upstream: UpstreamSimulator) -> None:
    assert not service.can_list
    with pytest.raises(RefusedError, match="cannot list its anis; ask for one by its number"):
        await service.list_all(Kind.ANI, timeout_s=1)
    assert upstream.counters.requests == 0


async def test_what_the_vendor_would_drop_is_refused_before_it_is_sent(
    service: InventoryService, upstream: UpstreamSimulator
) -> None:
    paused = replace(ANI, paused_until=date(2026, 12, 1))
    for told in (paused, replace(ANI, inbound_group_id="")):
        with pytest.raises(RefusedError):
            await service.create(told, timeout_s=1)
    with pytest.raises(RefusedError, match=r"ANI \+1561\*+67: outbound.+ keeps no paused_until"):
        await service.update(AniChange(ANI.number, paused_until=date(2026, 12, 1)), timeout_s=1)
    assert upstream.counters.requests == 0


async def test_what_the_vendor_refuses_is_told_in_its_words(
    service: InventoryService, upstream: UpstreamSimulator
) -> None:
    with pytest.raises(RefusedError, match=r'^campaign "" was refused \(400\): id is required$') as raised:
        await service.update(CampaignChange("", name="Sales"), timeout_s=1)
    assert (raised.value.status, raised.value.request_id) == (400, "simulated")
    assert shelves(service, upstream).items["campaigns"] == {}
