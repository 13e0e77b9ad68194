"""The examples printed in the vendors' documents, sent as bytes over a bare connection, as curl sends them."""

# ruff: noqa: E501 - the bodies stand as they are printed

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer

from gateway.engine.api.app import make_app
from gateway.engine.provider import EngineProvider
from gateway.engine.settings import ApiSettings
from tests.engine.api.bare import sent

BEARER = "Authorization: Bearer YOUR_API_KEY_HERE"
X_API_KEY = "X-ApiKey: YOUR_API_KEY_HERE"
COMPANY = "COMPANY-GUID-PROVIDED-BY-OUTBOUNDANI"
DONE = {"success": True}

ASSIGNMENT = '{ "prospect_phone": "5559876543", "prospect_zip": "90210", "dialer_campaign": "9001", "real_time": false }'
BATCH = '{ "real_time": false, "leads": [ { "row_id": "lead-1", "prospect_phone": "5559876543", "prospect_zip": "90210", "dialer_campaign": "9001" }, { "row_id": "lead-2", "prospect_phone": "5551234567", "prospect_zip": "10001", "dialer_campaign": "9001" } ]}'
DIAL = '{ "campaign_id": "abc-123", "campaign_name": "Q2 Outbound Push", "agent_name": "Jane Doe", "ani": "5551234567", "disposition_name": "Sale", "prospect_phone": "5559876543", "datetime": "2026-04-10 14:32:15", "call_direction": "Outbound", "zip": "90210", "sys_created_date_original": "2026-04-01", "total_dial_attempts": 3, "skill_name": "Sales Tier 1", "lead_source": "facebook-ads", "dial_id": "550e8400-e29b-41d4-a716-446655440000"}'
NEW_CAMPAIGN = '{ "id": "c123", "name": "Sales 2025", "type": "Outbound" }'
CAMPAIGN_UPDATE = '{ "id": "c123", "name": "Something Else" }'
CAMPAIGN_ID = '{ "id": "c123" }'
NEW_DISPO = '{ "id": "d1", "name": "Sale Closed", "type": "Agent", "contact": true, "success": true}'
DISPO_UPDATE = '{ "id": "d1", "contact": false }'
DISPO_ID = '{ "id": "d1" }'
NEW_ANI = '{ "country_code": "+1", "number": "5611234567", "inbound_group_id": "c123", "is_branded": true, "brand_name": "BrandX"}'
NEW_ANI_WITH_CARRIER = '{ "country_code": "+1", "number": "5611234567", "inbound_group_id": "ing1", "is_branded": true, "brand_name": "BrandX", "carrier_id": "carr1" }'
ANI_UPDATE = '{ "number": "5611234567", "is_branded": false }'
ANI_NUMBER = '{ "number": "5611234567" }'
ANI_NUMBER_TIGHT = '{"number": "5611234567"}'
NEXT = '{ "outbound_campaign": "c123", "prospect_phone": "5617778888", "prospect_zip": "33432", "use_branded": true, "assignment_type": "zip"}'

CAMPAIGN = {"id": "c123", "name": "Something Else", "type": "Outbound"}
DISPO = {"id": "d1", "name": "Sale Closed", "type": "Agent", "contact": False, "success": True}
ANI = {
    "number": "5611234567",
    "country_code": "+1",
    "inbound_group_id": "c123",
    "is_branded": True,
    "brand_name": "BrandX",
}
RESULTS = "/api/595F21A2-84D1-4984-818E-3758A8485CC8.php"
REQUIRED = (
    f"0504bd2b-f9eb-4a72-b497-7c8cac8692a0={COMPANY}"
    "&ec4e634b-aa92-4859-9d16-46aece2b780b=c123"
    "&1eb3164f-2157-43d9-9aa8-ed1e20e97fa7=agent7"
    "&0be372ee-d1bf-42a4-8891-dbc5ee547a7c=5611234567"
    "&ddb195b9-1f3d-4775-a9b7-fcf9d7c46583=call-1"
    "&e8ca4a68-d96e-4be8-8ac1-1114fec52cde=d1"
    "&12929e99-3266-4350-b2c8-592119ffd558=5617778888"
    "&9a1f5867-157f-4620-ae43-b824bc4d81ee=2026-04-10%2014:32:15"
)
COMPLEMENTARY = (
    "&6be80ae8-72b5-4ac6-8871-c54fdce3ebbf=Outbound"
    "&82d8779e-ce8f-4e8c-928f-280a45fe1c02=33432"
    "&6be80ae8-72b5-4ac6-8871-c54fdce3ebbf=61"
    "&514167c4-1011-4cc8-bbed-3708e0a4b772=2026-04-01"
    "&1ac05504-659d-4e8c-ad1d-c4d2da3ab1be=3"
    "&b6fd9680-7f93-44e0-a534-a3b9e717b7c7=Sales"
    "&ea9aec00-4170-47c6-a187-b0c0f71b4400=facebook-ads"
)
KPIS = "&KPI1_Name=[KPI1%20Value]&KPI2_Name=[KPI2%20Value]"


@pytest.fixture
async def address(engine: EngineProvider) -> AsyncIterator[tuple[str, int]]:
    settings = ApiSettings(keys=("YOUR_API_KEY_HERE",), company_guids=(COMPANY,))
    async with TestServer(make_app(engine, settings)) as server:
        assert server.port is not None
        yield "127.0.0.1", server.port


async def done(address: tuple[str, int], request: str, key: str, body: str) -> None:
    status, answer = await sent(address, request, key, body)
    assert (status, answer["success"], type(answer["message"])) == (200, True, str)


async def test_assignment_is_answered_with_the_documents_number_and_then_with_none(
    address: tuple[str, int],
) -> None:
    await done(address, "POST /custom/campaigns", BEARER, '{"id": "9001", "name": "a", "type": "Outbound"}')
    number = '{"country_code": "+1", "number": "2345678901", "inbound_group_id": "9001"}'
    await done(address, "POST /custom/anis", BEARER, number)
    assert await sent(address, "POST /assignment", BEARER, ASSIGNMENT) == (
        200,
        {"success": True, "ani": "2345678901", "message": "ANI assigned successfully"},
    )
    assert await sent(address, "POST /assignment", BEARER, ASSIGNMENT) == (
        200,
        {"success": False, "message": "No available ANI found"},
    )


async def test_batch_is_answered_row_by_row_as_in_the_document(address: tuple[str, int]) -> None:
    await done(address, "POST /custom/campaigns", BEARER, '{"id": "9001", "name": "a", "type": "Outbound"}')
    number = '{"country_code": "+1", "number": "2345678901", "inbound_group_id": "9001"}'
    await done(address, "POST /custom/anis", BEARER, number)
    assert await sent(address, "POST /assignment/batch", BEARER, BATCH) == (
        200,
        {
            "success": True,
            "results": [
                {"row_id": "lead-1", "outboundani": "2345678901", "error": ""},
                {"row_id": "lead-2", "outboundani": "", "error": "No available ANI found"},
            ],
        },
    )


async def test_dial_is_queued(address: tuple[str, int]) -> None:
    assert await sent(address, "POST /dials", BEARER, DIAL) == (200, {"message": "dial queued"})


async def test_campaigns_of_the_custom_dialer_integration(address: tuple[str, int]) -> None:
    await done(address, "POST /custom/campaigns", BEARER, NEW_CAMPAIGN)
    await done(address, "PUT /custom/campaigns", BEARER, CAMPAIGN_UPDATE)
    shown = await sent(address, "GET /custom/campaigns?id=c123", BEARER)
    assert shown == (200, {"success": True, "campaign": CAMPAIGN})
    await done(address, "DELETE /custom/campaigns", BEARER, CAMPAIGN_ID)
    assert (await sent(address, "GET /custom/campaigns?id=c123", BEARER))[0] == 404


async def test_dispos_of_the_custom_dialer_integration(address: tuple[str, int]) -> None:
    await done(address, "POST /custom/dispos", BEARER, NEW_DISPO)
    await done(address, "PUT /custom/dispos", BEARER, DISPO_UPDATE)
    shown = await sent(address, "GET /custom/dispos?id=d1", BEARER)
    assert shown == (200, {"success": True, "dispo": DISPO})
    await done(address, "DELETE /custom/dispos", BEARER, DISPO_ID)
    assert (await sent(address, "GET /custom/dispos?id=d1", BEARER))[0] == 404


async def test_anis_of_the_custom_dialer_integration(address: tuple[str, int]) -> None:
    await done(address, "POST /custom/anis", BEARER, NEW_ANI)
    shown = await sent(address, "GET /custom/anis?number=5611234567", BEARER)
    assert shown == (200, {"success": True, "ani": ANI})
    await done(address, "PUT /custom/anis", BEARER, ANI_UPDATE)
    shown = await sent(address, "GET /custom/anis?number=5611234567", BEARER)
    assert shown == (200, {"success": True, "ani": ANI | {"is_branded": False}})
    await done(address, "DELETE /custom/anis", BEARER, ANI_NUMBER)
    assert (await sent(address, "GET /custom/anis?number=5611234567", BEARER))[0] == 404


async def test_campaigns_of_the_ai_dialer_integration(address: tuple[str, int]) -> None:
    await done(address, "POST /dialer/campaigns", X_API_KEY, NEW_CAMPAIGN)
    await done(address, "PUT /dialer/campaigns", X_API_KEY, CAMPAIGN_UPDATE)
    shown = await sent(address, "GET /dialer/campaigns", X_API_KEY, CAMPAIGN_ID)
    assert shown == (200, {"success": True, "campaign": CAMPAIGN})
    await done(address, "DELETE /dialer/campaigns", X_API_KEY, CAMPAIGN_ID)
    assert (await sent(address, "GET /dialer/campaigns", X_API_KEY, CAMPAIGN_ID))[0] == 404


async def test_dispos_of_the_ai_dialer_integration(address: tuple[str, int]) -> None:
    await done(address, "POST /dialer/dispos", X_API_KEY, NEW_DISPO)
    await done(address, "PUT /dialer/dispos", X_API_KEY, DISPO_UPDATE)
    shown = await sent(address, "GET /dialer/dispos", X_API_KEY, DISPO_ID)
    assert shown == (200, {"success": True, "dispo": DISPO})
    await done(address, "DELETE /dialer/dispos", X_API_KEY, DISPO_ID)
    assert (await sent(address, "GET /dialer/dispos", X_API_KEY, DISPO_ID))[0] == 404


async def test_anis_of_the_ai_dialer_integration(address: tuple[str, int]) -> None:
    await done(address, "POST /dialer/anis", X_API_KEY, NEW_ANI_WITH_CARRIER)
    await done(address, "PUT /dialer/anis", X_API_KEY, ANI_UPDATE)
    shown = await sent(address, "GET /dialer/anis", X_API_KEY, ANI_NUMBER_TIGHT)
    ani = ANI | {"inbound_group_id": "ing1", "is_branded": False}
    assert shown == (200, {"success": True, "ani": ani})
    await done(address, "DELETE /dialer/anis", X_API_KEY, ANI_NUMBER_TIGHT)
    assert (await sent(address, "GET /dialer/anis", X_API_KEY, ANI_NUMBER_TIGHT))[0] == 404


async def test_next_ani_is_the_one_created_before(address: tuple[str, int]) -> None:
    await done(address, "POST /dialer/campaigns", X_API_KEY, NEW_CAMPAIGN)
    await done(address, "POST /dialer/anis", X_API_KEY, NEW_ANI_WITH_CARRIER)
    assert await sent(address, "POST /dialer/next", X_API_KEY, NEXT) == (
        200,
        {"prospect_phone": "5617778888", "ani": "5611234567", "assignment_type": "zip"},
    )
    assert await sent(address, "POST /dialer/next", X_API_KEY, NEXT) == (
        404,
        {"success": False, "message": "No available ANI found"},
    )


@pytest.mark.parametrize(
    "query",
    [
        REQUIRED,
        REQUIRED + COMPLEMENTARY + KPIS,
        REQUIRED.replace("780b=c123", "780bc123"),
        REQUIRED.replace("780b=c123", "780b[c123]"),
    ],
    ids=["required", "all", "campaign as printed", "campaign in brackets"],
)
async def test_dial_result_is_taken(address: tuple[str, int], query: str) -> None:
    assert await sent(address, f"POST {RESULTS}?{query}", "") == (200, {"result": "SUCCESS"})


async def test_dial_result_of_an_unknown_company_fails_with_a_reason(address: tuple[str, int]) -> None:
    query = REQUIRED.replace(COMPANY, "YOUR_API_KEY_HERE")
    status, answer = await sent(address, f"POST {RESULTS}?{query}", "")
    assert (status, answer) == (401, {"result": "FAIL", "reason": "company GUID is invalid"})


async def test_key_that_is_missing_or_invalid_is_answered_401(address: tuple[str, int]) -> None:
    for path in ("/assignment", "/assignment/batch", "/dials", "/custom/campaigns", "/dialer/next"):
        for key in ("", BEARER + "X", X_API_KEY + "X"):
            status, answer = await sent(address, f"POST {path}", key, "{}")
            assert (status, answer["success"]) == (401, False)
