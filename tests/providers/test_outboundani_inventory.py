"""Each inventory endpoint of the AI Dialer Integration document, with its examples, on the wire."""

import json
from collections.abc import AsyncIterator

import pytest

from gateway.model.inventory import Ani, Campaign, CampaignType, Dispo, DispoType, Kind
from gateway.model.inventory_change import AniChange, CampaignChange, DispoChange
from gateway.model.phone import PhoneNumber
from gateway.providers.base import RefusedError
from gateway.providers.outboundani import OutboundAniSettings
from gateway.providers.outboundani_inventory import OutboundAniInventory
from gateway.simulator.upstream import UpstreamSimulator

NUMBER = PhoneNumber("+15611234567")
EXAMPLES = """
POST /dialer/campaigns { "id": "c123", "name": "Sales 2025", "type": "Outbound" }
PUT /dialer/campaigns { "id": "c123", "name": "Something Else" }
GET /dialer/campaigns { "id": "c123" }
DELETE /dialer/campaigns { "id": "c123" }
POST /dialer/dispos { "id": "d1", "name": "Sale Closed", "type": "Agent", "contact": true, "success": true }
PUT /dialer/dispos { "id": "d1", "contact": false }
GET /dialer/dispos { "id": "d1" }
DELETE /dialer/dispos { "id": "d1" }
POST /dialer/anis { "country_code": "+1", "number": "5611234567", "inbound_group_id": "ing1", \
"is_branded": true, "brand_name": "BrandX", "carrier_id": "carr1" }
PUT /dialer/anis { "number": "5611234567", "is_branded": false }
GET /dialer/anis {"number": "5611234567"}
DELETE /dialer/anis {"number": "5611234567"}
"""


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamSimulator]:
    async with UpstreamSimulator() as one:
        yield one


async def opened(upstream: UpstreamSimulator, carrier_id: str = "") -> OutboundAniInventory:
    settings = OutboundAniSettings(url=f"{upstream.url}/dialer", key=upstream.key, carrier_id=carrier_id)
    one = OutboundAniInventory(settings)
    await one.open()
    return one


def request_lines(text: str) -> list[tuple[str, str, list[tuple[str, object]]]]:
    lines = (line.split(" ", 2) for line in text.strip().splitlines())
    return [(method, path, list(json.loads(body).items())) for method, path, body in lines]


async def test_every_documented_example_goes_over_the_wire_as_documented(upstream: UpstreamSimulator) -> None:
    service = await opened(upstream, carrier_id="carr1")
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
    await service.create(Ani(NUMBER, "ing1", is_branded=True, brand_name="BrandX"), timeout_s=5)
    await service.update(AniChange(NUMBER, is_branded=False), timeout_s=5)
    assert await service.get(Kind.ANI, NUMBER.e164, timeout_s=5) == Ani(NUMBER, "ing1", brand_name="BrandX")
    await service.delete(Kind.ANI, NUMBER.e164, timeout_s=5)
    await service.close()
    sent = [(one.method, one.path, list(json.loads(one.body).items())) for one in upstream.dialer.received]
    assert sent == request_lines(EXAMPLES)


async def test_a_carrier_is_named_only_when_the_settings_have_one(upstream: UpstreamSimulator) -> None:
    service = await opened(upstream)
    await service.create(Ani(NUMBER, "ing1"), timeout_s=5)
    await service.close()
    assert b"carrier_id" not in upstream.dialer.received[0].body


async def test_an_inbound_pool_is_refused_before_anything_is_sent(upstream: UpstreamSimulator) -> None:
    service = await opened(upstream)
    pooled = Campaign("c1", "Sales", CampaignType.BLENDED, "p1")
    with pytest.raises(
        RefusedError, match='campaign "c1": outboundANI keeps no inbound_pool_id; leave it out'
    ):
        await service.create(pooled, timeout_s=5)
    with pytest.raises(RefusedError, match="inbound_pool_id"):
        await service.update(CampaignChange("c1", inbound_pool_id=""), timeout_s=5)
    await service.close()
    assert not upstream.dialer.received
