"""The simulated inventories keep to the documents, whoever asks them."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from gateway.simulator.outboundani import next_ani
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault, ani_for
from gateway.simulator.vendor_inventory import VendorShelves

ANI = {
    "country_code": "+1",
    "number": "(561) 123-4567",
    "inbound_group_id": "c123",
    "is_branded": True,
    "brand_name": "BrandX",
    "carrier_id": "carr1",
}


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamSimulator]:
    async with UpstreamSimulator() as one:
        yield one


async def said(upstream: UpstreamSimulator, method: str, path: str, **request: Any) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, upstream.url + path, **request) as reply,
    ):
        return reply.status, await reply.json()


async def test_the_documented_answer_to_get_ani_is_given_and_the_carrier_is_not_kept(
    upstream: UpstreamSimulator,
) -> None:
    headers = {"Authorization": f"Bearer {upstream.key}"}
    assert (await said(upstream, "POST", "/custom/anis", json=ANI, headers=headers))[0] == 200
    assert await said(upstream, "GET", "/custom/anis?number=5611234567", headers=headers) == (
        200,
        {
            "success": True,
            "ani": {
                "number": "5611234567",
                "country_code": "+1",
                "inbound_group_id": "c123",
                "is_branded": True,
                "brand_name": "BrandX",
            },
        },
    )


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/custom/campaigns", {}),
        ("/custom/campaigns", {"X-ApiKey": "simulated-key"}),
        ("/dialer/campaigns", {"Authorization": "Bearer simulated-key"}),
        ("/dialer/next", {"X-ApiKey": "wrong"}),
    ],
)
async def test_each_vendor_knows_the_key_in_its_own_header_only(
    upstream: UpstreamSimulator, path: str, headers: dict[str, str]
) -> None:
    campaign = {"id": "c1", "name": "Sales", "type": "Outbound"}
    assert (await said(upstream, "POST", path, json=campaign, headers=headers))[0] == 401
    assert upstream.custom.items["campaigns"] == upstream.dialer.items["campaigns"] == {}


@pytest.mark.parametrize(
    ("method", "kind", "asked", "status", "word"),
    [
        ("POST", "campaigns", {"id": "c1", "name": "Sales"}, 400, "type is required"),
        ("POST", "campaigns", {"id": "c1", "name": "Sales", "type": "Up"}, 400, "type must be one of"),
        ("POST", "dispos", {"id": "d1", "contact": "yes"}, 400, "contact must be a bool"),
        ("POST", "anis", {**ANI, "number": "15611234567"}, 400, "without its country code"),
        ("POST", "anis", {**ANI, "country_code": "+49"}, 400, "country_code must be one of"),
        ("PUT", "campaigns", {"id": "c9", "name": "x"}, 404, "campaign not found"),
        ("GET", "dispos", {"id": "d9"}, 404, "dispo not found"),
        ("DELETE", "anis", {"number": "5611234567"}, 404, "ani not found"),
        ("GET", "campaigns", {}, 400, "id is required"),
        ("PATCH", "campaigns", {"id": "c1"}, 404, "not found"),
    ],
)
def test_what_is_not_allowed_is_refused(
    method: str, kind: str, asked: dict[str, Any], status: int, word: str
) -> None:
    answer = VendorShelves(has_pools=True, keeps_carrier=False).answer(method, kind, asked, Fault.NONE)
    assert answer.status == status
    assert word in answer.body.decode()


NEXT = {"outbound_campaign": "c123", "prospect_phone": "5617778888"}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"assignment_type": None}, 200),
        ({"inventory_group_ids": ["a", "b"], "use_branded": False, "prospect_zip": "33432"}, 200),
        ({"outbound_campaign": None}, 400),
        ({"prospect_phone": "+15617778888"}, 400),
        ({"inventory_group_ids": "a"}, 400),
        ({"prospect_zip": 33432}, 400),
        ({"use_branded": "yes"}, 400),
        ({"assignment_type": "nearest"}, 400),
    ],
)
def test_next_takes_what_its_schema_allows(change: dict[str, Any], status: int) -> None:
    answer = next_ani({**NEXT, **change}, Fault.NONE)
    assert answer.status == status
    assert (ani_for("5617778888").encode() in answer.body) is (status == 200)
