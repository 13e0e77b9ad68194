"""The client of VoIPBin's outdials against the engine's own service of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.model.dial import Dial
from gateway.model.inventory import Dispo, DispoType
from gateway.model.outdial import Address, AddressType, Outdial, OutdialTarget, TargetStatus
from gateway.providers.base import NotFoundError, ProviderError, RateLimitedError, RefusedError
from gateway.providers.voipbin import VoipBin
from gateway.providers.voipbin_pages import Place
from gateway.providers.voipbin_requests import VoipBinAuth, VoipBinSettings
from tests.scenarios.engine_api import CALLS_KEY, KEY, LOCKED_KEY, EngineApi, ServeApi

CAMPAIGN = "c0ffee00-1d17-474d-a5de-da00d0861c69"
NOBODY = "00000000-0000-4000-8000-000000000000"
PHONE = Address(AddressType.TEL, "+15559876543")


@pytest.fixture
async def api(serve_api: ServeApi) -> EngineApi:
    return await serve_api()


async def opened(api: EngineApi, token: str = KEY, **more: Any) -> VoipBin:
    asked = {"rate_per_s": 1_000, "deadline_s": 10} | more
    one = VoipBin(VoipBinSettings(url=f"{api.url}/v1.0", token=token, **asked))
    await one.open()
    return one


@pytest.fixture
async def voipbin(api: EngineApi) -> AsyncIterator[VoipBin]:
    one = await opened(api)
    yield one
    await one.close()


async def test_an_outdial_is_created_read_changed_and_deleted(voipbin: VoipBin) -> None:
    made = await voipbin.create_outdial(Outdial("test outdial", "outdial for test use.", "test data"))
    assert (made.name, made.detail, made.data) == ("test outdial", "outdial for test use.", "test data")
    assert (made.campaign_id, made.stamps.updated, made.stamps.deleted) == ("", None, None)
    assert made.customer_id
    assert await voipbin.outdial(made.id) == made
    await voipbin.update_outdial(made.id, name="n2", detail="d2")
    await voipbin.set_data(made.id, "data2")
    await voipbin.set_campaign(made.id, CAMPAIGN)
    changed = await voipbin.outdial(made.id)
    assert (changed.name, changed.detail, changed.data) == ("n2", "d2", "data2")
    assert changed.campaign_id == CAMPAIGN
    assert changed.stamps.updated is not None
    await voipbin.set_campaign(made.id, "")
    assert (await voipbin.outdial(made.id)).campaign_id == ""
    await voipbin.delete_outdial(made.id)
    assert [one async for one in voipbin.outdials()] == []


async def test_an_outdial_is_created_with_its_campaign(voipbin: VoipBin) -> None:
    made = await voipbin.create_outdial(Outdial("n", campaign_id=CAMPAIGN))
    assert made.campaign_id == CAMPAIGN


async def test_a_target_keeps_five_destinations_in_their_places(voipbin: VoipBin) -> None:
    outdial = await voipbin.create_outdial(Outdial("o"))
    sip = Address(AddressType.SIP, "sip:ann@example.com", "Ann", "desk", "ground floor")
    email = Address(AddressType.EMAIL, "ann@example.com", "Ann")
    places = (PHONE, None, sip, email, replace(PHONE, target="+442079460018"))
    made = await voipbin.create_target(outdial.id, OutdialTarget(places, "n", "d", "x"))
    assert made.destinations == places
    assert (made.name, made.detail, made.data, made.status) == ("n", "d", "x", TargetStatus.IDLE)
    assert (made.tries, made.outdial_id) == ((0,) * 5, outdial.id)
    assert await voipbin.target(outdial.id, made.id) == made
    assert [one async for one in voipbin.targets(outdial.id)] == [made]
    await voipbin.delete_target(outdial.id, made.id)
    assert [one async for one in voipbin.targets(outdial.id)] == []


async def test_a_deleted_outdial_takes_no_more_targets(voipbin: VoipBin) -> None:
    outdial = await voipbin.create_outdial(Outdial("o"))
    await voipbin.delete_outdial(outdial.id)
    with pytest.raises(NotFoundError):
        await voipbin.create_target(outdial.id, OutdialTarget((PHONE,)))


async def test_reported_dials_show_in_status_and_try_counts(voipbin: VoipBin, api: EngineApi) -> None:
    await api.engine.inventory().create(
        Dispo("d1", "Sale", DispoType.AGENT, contact=True, success=True), timeout_s=5
    )
    outdial = await voipbin.create_outdial(Outdial("o"))
    made = await voipbin.create_target(outdial.id, OutdialTarget((PHONE,)))
    for dial_id, disposition in (("1", "Busy"), ("2", "Sale")):
        dial = Dial(dial_id, "+12125550100", PHONE.target, time.time(), disposition_name=disposition)
        await api.engine.dial_target().post_dial(dial, timeout_s=5)
    found = await voipbin.target(outdial.id, made.id)
    assert (found.status, found.tries) == (TargetStatus.DONE, (2, 0, 0, 0, 0))


@pytest.mark.parametrize("page_size", [1, 7, 100])
async def test_every_row_is_listed_once_over_pages(api: EngineApi, page_size: int) -> None:
    """Made at once, so that many share their time with the edge of a page."""
    client = await opened(api, page_size=page_size)
    outdials = [await client.create_outdial(Outdial(str(number))) for number in range(9)]
    kept = [api.engine.outdials().create_target(target_of(outdials[0].id, row)) for row in range(40)]
    targets = [await asyncio.wrap_future(each) for each in kept]
    assert [one.id async for one in client.outdials()] == [one.id for one in reversed(outdials)]
    listed = [one.id async for one in client.targets(outdials[0].id)]
    await client.close()
    assert sorted(listed) == sorted(one.id for one in targets if one is not None)


def target_of(outdial_id: str, row: int) -> OutdialTarget:
    return OutdialTarget((replace(PHONE, target=f"+1555987{row:04}"),), name=str(row), outdial_id=outdial_id)


async def test_a_listing_goes_on_from_a_page_of_before(api: EngineApi) -> None:
    client = await opened(api, page_size=4)
    outdial = await client.create_outdial(Outdial("o"))
    made = [await client.create_target(outdial.id, target_of(outdial.id, row)) for row in range(10)]
    pages = client.target_pages(outdial.id)
    first, place = await anext(pages)
    await pages.aclose()  # type: ignore[attr-defined] # it is a generator
    rest = [row async for rows, _ in client.target_pages(outdial.id, place) for row in rows]
    assert isinstance(place, Place)
    await client.close()
    assert [row.id for row in (*first, *rest)] == [one.id for one in reversed(made)]


@pytest.mark.parametrize("auth", VoipBinAuth)
async def test_the_token_is_taken_each_way(api: EngineApi, auth: VoipBinAuth) -> None:
    client = await opened(api, auth=auth)
    made = await client.create_outdial(Outdial("o"))
    assert [one async for one in client.outdials()] == [made]
    await client.close()


def every_request(client: VoipBin, outdial_id: str, target_id: str) -> list[Callable[[], Awaitable[object]]]:
    async def listed(rows: AsyncIterator[object]) -> object:
        return [row async for row in rows]

    return [
        lambda: client.outdial(outdial_id),
        lambda: client.update_outdial(outdial_id, name="n", detail="d"),
        lambda: client.set_data(outdial_id, "d"),
        lambda: client.set_campaign(outdial_id, ""),
        lambda: client.delete_outdial(outdial_id),
        lambda: listed(client.targets(outdial_id)),
        lambda: client.create_target(outdial_id, OutdialTarget((PHONE,))),
        lambda: client.target(outdial_id, target_id),
        lambda: client.delete_target(outdial_id, target_id),
    ]


async def test_what_is_not_there_is_not_found(voipbin: VoipBin) -> None:
    for ask in every_request(voipbin, NOBODY, NOBODY):
        with pytest.raises(
            NotFoundError, match=r"answer 404: NOT_FOUND: the (outdial|target) does not exist"
        ):
            await ask()


@pytest.mark.parametrize(
    ("token", "status", "word"),
    [
        ("wrong", 401, "AUTHENTICATION_REQUIRED"),
        (CALLS_KEY, 403, "PERMISSION_DENIED"),
        (LOCKED_KEY, 403, "PERMISSION_DENIED"),
    ],
)
async def test_a_key_that_may_not_is_refused(api: EngineApi, token: str, status: int, word: str) -> None:
    client = await opened(api, token)
    asked = every_request(client, NOBODY, NOBODY)
    for ask in (lambda: client.create_outdial(Outdial("o")), lambda: anext(client.outdials()), *asked):
        with pytest.raises(RefusedError, match=word) as refused:
            await ask()
        assert refused.value.status == status
    await client.close()


async def test_a_rate_limit_names_its_time(serve_api: ServeApi) -> None:
    client = await opened(await serve_api(burst=1))
    await client.create_outdial(Outdial("o"))
    with pytest.raises(RateLimitedError) as limited:
        await client.create_outdial(Outdial("o"))
    assert limited.value.retry_after_s is not None
    assert 90 < limited.value.retry_after_s <= 100
    await client.close()


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (OutdialTarget(()), "destination_0: is required"),
        (
            OutdialTarget((PHONE, replace(PHONE, target="5559876543"))),
            "destination_1.target: must be a phone",
        ),
        (OutdialTarget((Address(AddressType.EMAIL, "nobody"),)), "destination_0.target: must be an email"),
    ],
)
async def test_what_cannot_be_a_target_is_refused_with_its_field(
    voipbin: VoipBin, target: OutdialTarget, why: str
) -> None:
    outdial = await voipbin.create_outdial(Outdial("o"))
    with pytest.raises(ProviderError, match=why):
        await voipbin.create_target(outdial.id, target)
