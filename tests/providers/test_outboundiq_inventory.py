"""Each endpoint of the Custom Dialer Integration document, with its examples, on the wire."""

import json
from collections.abc import AsyncIterator

import pytest

from gateway.model.inventory import Ani, Campaign, CampaignType, Dispo, DispoType, Kind
from gateway.model.inventory_change import AniChange, CampaignChange, DispoChange
from gateway.model.phone import PhoneNumber
from gateway.providers.base import RefusedError
from gateway.providers.outboundiq_account import OutboundIqSettings
from gateway.providers.outboundiq_inventory import OutboundIqInventory
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault

NUMBER = PhoneNumber("+15611234567")
EXAMPLES = """
POST /custom/campaigns { "id": "c123", "name": "Sales 2025", "type": "Outbound" }
PUT /custom/campaigns { "id": "c123", "name": "Something Else" }
GET /custom/campaigns?id=c123
DELETE /custom/campaigns { "id": "c123" }
POST /custom/dispos { "id": "d1", "name": "Sale Closed", "type": "Agent", "contact": true, "success": true}
PUT /custom/dispos { "id": "d1", "contact": false }
GET /custom/dispos?id=d1
DELETE /custom/dispos { "id": "d1" }
POST /custom/anis { "country_code": "+1", "number": "5611234567", "inbound_group_id": "c123", \
"is_branded": true, "brand_name": "BrandX"}
PUT /custom/anis { "number": "5611234567", "is_branded": false }
GET /custom/anis?number=5611234567
DELETE /custom/anis { "number": "5611234567" }
"""


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamSimulator]:
    async with UpstreamSimulator() as one:
        yield one


@pytest.fixture
async def service(upstream: UpstreamSimulator) -> AsyncIterator[OutboundIqInventory]:
    one = OutboundIqInventory(OutboundIqSettings(url=upstream.url, key=upstream.key))
    await one.open()
    yield one
    await one.close()


def request_lines(text: str) -> list[str]:
    """The examples with their bodies written as `orjson` does: without spaces between the fields."""
    lines = []
    for line in text.strip().splitlines():
        method, path, *body = line.split(" ", 2)
        lines.append(
            " ".join([method, path, *(json.dumps(json.loads(one), separators=(",", ":")) for one in body)])
        )
    return lines


async def test_every_documented_example_goes_over_the_wire_as_documented(
    service: OutboundIqInventory, upstream: UpstreamSimulator
) -> None:
    await service.create(Campaign("c123", "Sales 2025", CampaignType.OUTBOUND), timeout_s=5)
    await service.update(CampaignChange("c123", name="Something Else"), timeout_s=5)
    assert await service.get(Kind.CAMPAIGN, "c123", timeout_s=5) == Campaign(
        "c123", "Something Else", CampaignType.OUTBOUND
    )
    await service.delete(Kind.CAMPAIGN, "c123", timeout_s=5)
    await service.create(Dispo("d1", "Sale Closed", DispoType.AGENT, contact=True, success=True), timeout_s=5)
    await service.update(DispoChange("d1", contact=False), timeout_s=5)
    assert await service.get(Kind.DISPO, "d1", timeout_s=5) == Dispo(
        "d1", "Sale Closed", DispoType.AGENT, contact=False, success=True
    )
    await service.delete(Kind.DISPO, "d1", timeout_s=5)
    await service.create(Ani(NUMBER, "c123", is_branded=True, brand_name="BrandX"), timeout_s=5)
    await service.update(AniChange(NUMBER, is_branded=False), timeout_s=5)
    assert await service.get(Kind.ANI, NUMBER.e164, timeout_s=5) == Ani(NUMBER, "c123", brand_name="BrandX")
    await service.delete(Kind.ANI, NUMBER.e164, timeout_s=5)
    sent = [f"{one.method} {one.path} {one.body.decode()}".rstrip() for one in upstream.custom.received]
    assert sent == request_lines(EXAMPLES)


async def test_an_inbound_pool_is_kept_changed_and_taken_away(service: OutboundIqInventory) -> None:
    pooled = Campaign("c1", "Sales", CampaignType.BLENDED, "p1")
    await service.create(pooled, timeout_s=5)
    assert await service.get(Kind.CAMPAIGN, "c1", timeout_s=5) == pooled
    await service.update(CampaignChange("c1", inbound_pool_id=""), timeout_s=5)
    assert await service.get(Kind.CAMPAIGN, "c1", timeout_s=5) == Campaign(
        "c1", "Sales", CampaignType.BLENDED
    )


async def test_an_id_with_signs_of_its_own_is_quoted_in_the_query(
    service: OutboundIqInventory, upstream: UpstreamSimulator
) -> None:
    await service.get(Kind.CAMPAIGN, "a&b=c d/é", timeout_s=5)
    assert upstream.custom.received[0].path == "/custom/campaigns?id=a%26b%3Dc+d%2F%C3%A9"


async def test_a_key_that_is_not_universal_is_named_as_such(
    service: OutboundIqInventory, upstream: UpstreamSimulator
) -> None:
    await upstream.set_fault(Fault.FORBIDDEN)
    with pytest.raises(RefusedError) as raised:
        await service.get(Kind.CAMPAIGN, "c1", timeout_s=5)
    assert str(raised.value) == (
        "the key was refused (403): it is inactive, or not of the universal type; check outboundiq.key"
    )
