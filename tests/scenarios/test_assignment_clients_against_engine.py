"""The clients of both vendors' assignment APIs against the engine's own service of them."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gateway.config.settings import Settings
from gateway.model.inventory import Ani, Campaign, CampaignType
from gateway.model.lead import AssignmentType, Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import Answer, ProviderError, RateLimitedError, RefusedError
from gateway.providers.outboundani import OutboundAni
from gateway.providers.outboundiq import OutboundIq
from tests.scenarios.engine_api import CALLS_KEY, KEY, LOCKED_KEY, EngineApi, ServeApi

BOTH = ("outboundiq", "outboundani")
Client = OutboundIq | OutboundAni
MIAMI = Lead(PhoneNumber("+13055550199"), zip="33101", campaign="c1")
IN_AREA, IN_STATE, FAR, FREE = "+13055550100", "+19045550100", "+12125550100", "+18005550100"


def made(vendor: str, api: EngineApi, key: str = KEY, *, e164: bool = False) -> Client:
    settings = Settings()
    if vendor == "outboundiq":
        return OutboundIq(replace(settings.outboundiq, url=api.url, key=key, e164=e164))
    return OutboundAni(replace(settings.outboundani, url=f"{api.url}/dialer", key=key))


async def own(api: EngineApi, *numbers: str, group: str = "c1", branded: bool = False) -> None:
    for number in numbers:
        ani = Ani(PhoneNumber(number), group, is_branded=branded)
        await api.engine.inventory().create(ani, timeout_s=5)


def number_of(answer: Answer | ProviderError) -> str:
    assert isinstance(answer, Answer), answer
    return "" if answer.ani is None else answer.ani.e164


@pytest.fixture
async def api(serve_api: ServeApi) -> EngineApi:
    one = await serve_api(daily_cap=1)
    await one.engine.inventory().create(Campaign("c1", "Sales", CampaignType.OUTBOUND), timeout_s=5)
    return one


@pytest.fixture(params=BOTH)
async def client(api: EngineApi, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    one = made(request.param, api)
    await one.open()
    yield one
    await one.close()


@pytest.fixture
async def outboundani(api: EngineApi) -> AsyncIterator[OutboundAni]:
    one = made("outboundani", api)
    assert isinstance(one, OutboundAni)
    await one.open()
    yield one
    await one.close()


async def test_a_lead_gets_the_local_number_and_then_none(client: Client, api: EngineApi) -> None:
    await own(api, IN_AREA)
    first = await client.assign(MIAMI, timeout_s=5)
    assert (number_of(first), bool(first.request_id)) == (IN_AREA, True)
    second = await client.assign(MIAMI, timeout_s=5)
    assert second.ani is None
    assert "No available ANI found" in second.message


async def test_a_list_is_answered_row_by_row(client: Client, api: EngineApi) -> None:
    numbers = [f"+1305555{number:04}" for number in range(120)]
    await own(api, *numbers)
    leads = [MIAMI._replace(phone=PhoneNumber(f"+1305556{row:04}"), real_time=False) for row in range(150)]
    found = [number_of(answer) for answer in await client.assign_batch(leads, timeout_s=20)]
    assert sorted(found, reverse=True)[:120] == numbers[::-1]
    assert found.count("") == 30


async def test_a_row_the_service_cannot_read_fails_alone(client: Client, api: EngineApi) -> None:
    await own(api, IN_AREA)
    short = MIAMI._replace(phone=PhoneNumber("+999"))
    bad, good = await client.assign_batch([short, MIAMI], timeout_s=5)
    if isinstance(bad, Answer):
        assert bad.ani is None
    assert "prospect_phone: must be a phone number of 10 to 15 digits" in str(getattr(bad, "message", bad))
    assert number_of(good) == IN_AREA


@pytest.mark.parametrize("e164", [False, True])
async def test_numbers_of_both_countries_come_whole(api: EngineApi, *, e164: bool) -> None:
    await own(api, "+442079460018")
    client = made("outboundiq", api, e164=e164)
    await client.open()
    lead = Lead(PhoneNumber("+442079460999"), campaign="c1")
    found = number_of(await client.assign(lead, timeout_s=5))
    [row] = await client.assign_batch([MIAMI], timeout_s=5)
    await client.close()
    assert found == "+442079460018"
    assert number_of(row) == ""


@pytest.mark.parametrize("vendor", BOTH)
async def test_a_lead_without_a_campaign_is_of_the_keys(api: EngineApi, vendor: str) -> None:
    """OutboundANI's own client asks for none: its document demands a campaign."""
    await own(api, FAR, group="c2")
    await own(api, IN_STATE)
    client = made(vendor, api, CALLS_KEY)
    await client.open()
    lead = MIAMI._replace(campaign="")
    if vendor == "outboundiq":
        assert number_of(await client.assign(lead, timeout_s=5)) == IN_STATE
    else:
        with pytest.raises(RefusedError, match="names no campaign"):
            await client.assign(lead, timeout_s=5)
    await client.close()


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (None, IN_AREA),
        (AssignmentType.ZIP, IN_AREA),
        (AssignmentType.AREA_CODE, IN_AREA),
        (AssignmentType.STATE, IN_STATE),
        (AssignmentType.TFN, FREE),
        (AssignmentType.RANDOM, FAR),
        (AssignmentType.HIGHEST_CONTACT_RATE, IN_AREA),
    ],
)
async def test_every_assignment_type_is_asked_for_and_answered(
    outboundani: OutboundAni, api: EngineApi, kind: AssignmentType | None, number: str
) -> None:
    await own(api, number)
    assert number_of(await outboundani.assign(MIAMI._replace(assignment_type=kind), timeout_s=5)) == number


async def test_an_assignment_type_chooses_among_all_numbers(outboundani: OutboundAni, api: EngineApi) -> None:
    await own(api, IN_AREA, FREE)
    toll_free = MIAMI._replace(assignment_type=AssignmentType.TFN)
    assert number_of(await outboundani.assign(toll_free, timeout_s=5)) == FREE


async def test_groups_and_branding_are_asked_for(outboundani: OutboundAni, api: EngineApi) -> None:
    await own(api, IN_AREA)
    await own(api, FAR, group="other")
    await own(api, IN_STATE, branded=True)
    grouped = MIAMI._replace(pools=("nobody", "other"))
    assert number_of(await outboundani.assign(grouped, timeout_s=5)) == FAR
    assert number_of(await outboundani.assign(MIAMI._replace(branded=True), timeout_s=5)) == IN_STATE
    assert number_of(await outboundani.assign(MIAMI._replace(branded=True), timeout_s=5)) == ""
    assert number_of(await outboundani.assign(MIAMI._replace(branded=False), timeout_s=5)) == IN_AREA


@pytest.mark.parametrize("vendor", BOTH)
@pytest.mark.parametrize(("key", "status"), [("wrong", 401), (LOCKED_KEY, 403)])
async def test_a_key_that_may_not_ask_is_refused(api: EngineApi, vendor: str, key: str, status: int) -> None:
    client = made(vendor, api, key)
    await client.open()
    with pytest.raises(RefusedError, match="the key was refused") as refused:
        await client.assign(MIAMI, timeout_s=5)
    assert refused.value.status == status
    await client.close()


@pytest.mark.parametrize("vendor", BOTH)
async def test_a_rate_limit_names_its_time(serve_api: ServeApi, vendor: str) -> None:
    client = made(vendor, await serve_api(burst=1))
    await client.open()
    await client.assign(MIAMI, timeout_s=5)
    with pytest.raises(RateLimitedError) as limited:
        await client.assign(MIAMI, timeout_s=5)
    assert limited.value.retry_after_s is not None
    assert 90 < limited.value.retry_after_s <= 100
    await client.close()
