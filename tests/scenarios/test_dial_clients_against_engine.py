"""The clients of both vendors' dial APIs against the engine's own service of them."""

import time
from dataclasses import replace

import pytest

from gateway.config.settings import Settings
from gateway.model.dial import Dial
from gateway.providers.base import RateLimitedError, RefusedError, UnavailableError
from gateway.providers.outboundani_results import OutboundAniResults, SharedGuid
from gateway.providers.outboundiq_dials import DialFields, OutboundIqDials
from tests.scenarios.engine_api import COMPANY, KEY, LOCKED_KEY, EngineApi, ServeApi

WAYS = ("seed", "current", "auto", "call_type", "call_duration")
"""Of naming the numbers to outboundIQ; of using outboundANI's GUID documented twice."""
Target = OutboundIqDials | OutboundAniResults


@pytest.fixture
async def api(serve_api: ServeApi) -> EngineApi:
    return await serve_api()


@pytest.fixture
def dial() -> Dial:
    """Of now: the engine forgets what is old. Each text it may have is there."""
    return Dial(
        "550e8400-e29b-41d4-a716-446655440000",
        "+12125550100",
        "+12125550199",
        float(int(time.time())),
        campaign_id="c1",
        campaign_name="Q2 Outbound Push",
        agent_name="Jane Doe",
        disposition_name="Sale",
        call_direction="Outbound",
        zip="10001",
        sys_created_date_original="2026-04-01",
        total_dial_attempts="3",
        skill_name="Sales Tier 1",
        lead_source="facebook-ads",
        talk_s=61.0,
    )


async def opened(way: str, api: EngineApi, key: str = KEY, company: str = COMPANY) -> Target:
    settings = Settings()
    target: Target
    if way in set(DialFields):
        account = replace(settings.outboundiq, url=api.url, key=key)
        target = OutboundIqDials(account, replace(settings.dials, fields=DialFields(way)), max_in_flight=1)
    else:
        own = replace(
            settings.outboundani_results,
            url=f"{api.url}/api/595F21A2-84D1-4984-818E-3758A8485CC8.php",
            company_guid=company,
            shared_guid=SharedGuid(way),
            kpis={"KPI1_Name": "skill_name"},
        )
        target = OutboundAniResults(own, max_in_flight=1)
    await target.open()
    return target


def kept(dial: Dial, talk_s: float | None = None) -> list[tuple[object, ...]]:
    return [(dial.dial_id, dial.ani, dial.prospect_phone, dial.campaign_id, dial.disposition_name, talk_s)]


@pytest.mark.parametrize("direction", ["Outbound", "Inbound"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_dial_sent_twice_is_kept_once(api: EngineApi, dial: Dial, way: str, direction: str) -> None:
    dial = replace(dial, call_direction=direction)
    target = await opened(way, api)
    await target.post_dial(dial, timeout_s=5)
    await target.post_dial(dial, timeout_s=5)
    await target.close()
    assert api.dials() == kept(dial, 61.0 if way == "call_duration" else None)


async def test_a_dial_that_came_in_every_way_is_one(api: EngineApi, dial: Dial) -> None:
    for way in WAYS:
        target = await opened(way, api)
        await target.post_dial(dial, timeout_s=5)
        await target.close()
    assert api.dials() == kept(dial, 61.0)


@pytest.mark.parametrize(
    ("way", "why"), [("seed", "ani: must"), ("current", "from_number: must"), ("call_type", r"ani \(")]
)
async def test_a_record_that_cannot_be_kept_is_refused_with_its_field(
    api: EngineApi, dial: Dial, way: str, why: str
) -> None:
    target = await opened(way, api)
    with pytest.raises(RefusedError, match=why):
        await target.post_dial(replace(dial, ani="anonymous"), timeout_s=5)
    await target.close()
    assert api.dials() == []


@pytest.mark.parametrize(
    ("way", "key", "company", "why"),
    [
        ("auto", "wrong", COMPANY, "401"),
        ("auto", LOCKED_KEY, COMPANY, "403"),
        ("auto", COMPANY, COMPANY, "401"),
        ("call_type", KEY, "wrong", "FAIL: company GUID is invalid"),
        ("call_type", KEY, KEY, "FAIL: company GUID is invalid"),
    ],
)
async def test_a_key_that_may_not_report_is_refused(
    api: EngineApi, dial: Dial, *, way: str, key: str, company: str, why: str
) -> None:
    target = await opened(way, api, key, company)
    with pytest.raises(RefusedError, match=why):
        await target.post_dial(dial, timeout_s=5)
    await target.close()
    assert api.dials() == []


@pytest.mark.parametrize("way", ["auto", "call_type"])
async def test_a_rate_limit_is_no_refusal_and_names_its_time(
    serve_api: ServeApi, dial: Dial, way: str
) -> None:
    api = await serve_api(burst=1)
    target = await opened(way, api)
    await target.post_dial(dial, timeout_s=5)
    with pytest.raises(RateLimitedError) as limited:
        await target.post_dial(replace(dial, dial_id="2"), timeout_s=5)
    assert limited.value.retry_after_s is not None
    assert 90 < limited.value.retry_after_s <= 100
    await target.close()
    assert len(api.dials()) == 1


@pytest.mark.parametrize("way", ["auto", "call_type"])
async def test_trouble_of_the_service_is_no_refusal(api: EngineApi, dial: Dial, way: str) -> None:
    target = await opened(way, api)
    api.engine.close()
    with pytest.raises(UnavailableError):
        await target.post_dial(dial, timeout_s=5)
    await target.close()
