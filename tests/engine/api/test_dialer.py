"""outboundANI's `/dialer/next`."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from gateway.engine.api.app import make_app
from gateway.engine.provider import EngineProvider
from gateway.engine.settings import ApiSettings, EngineSettings
from gateway.model.inventory import Ani, Campaign, CampaignType
from gateway.model.phone import PhoneNumber

SETTINGS = ApiSettings(keys=("universal-key",))
HEADERS = {"X-ApiKey": "universal-key"}
MIAMI = {"prospect_phone": "3055550199", "outbound_campaign": "c1"}


async def fill(engine: EngineProvider, *numbers: str, group: str = "c1", branded: bool = False) -> None:
    inventory = engine.inventory()
    for number in numbers:
        await inventory.create(Ani(PhoneNumber(number), group, is_branded=branded), timeout_s=1)


@pytest.fixture(autouse=True)
async def campaign(engine: EngineProvider) -> None:
    await engine.inventory().create(Campaign("c1", "Sales", CampaignType.OUTBOUND), timeout_s=1)


async def ask(api: ClientSession, body: Any, headers: dict[str, str] = HEADERS) -> tuple[int, Any]:
    async with api.post("/dialer/next", json=body, headers=headers) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("asked", "number", "told"),
    [
        (None, "+13055550100", "zip"),
        ("zip", "+13055550100", "zip"),
        ("area_code", "+13055550100", "area_code"),
        ("state", "+19045550100", "state"),
        ("tfn", "+18005550100", "tfn"),
        ("random", "+12125550100", "random"),
        ("highest_contact_rate", "+13055550100", "highest_contact_rate"),
        ("area_code", "+17865550100", "area_code"),
        ("zip", "+12125550100", "random"),
        (None, "+18005550100", "tfn"),
    ],
)
async def test_answer_names_the_rule_that_chose(
    api: ClientSession, engine: EngineProvider, asked: str | None, number: str, told: str
) -> None:
    await fill(engine, number)
    status, answer = await ask(api, MIAMI | {"prospect_zip": "33101", "assignment_type": asked})
    assert (status, answer) == (
        200,
        {"prospect_phone": "3055550199", "ani": number.removeprefix("+1"), "assignment_type": told},
    )


async def test_every_assignment_type_is_understood_and_no_other(api: ClientSession) -> None:
    for kind in ("zip", "area_code", "state", "tfn", "random", "highest_contact_rate", None):
        assert (await ask(api, MIAMI | {"assignment_type": kind}))[0] == 404
    status, answer = await ask(api, MIAMI | {"assignment_type": "best"})
    assert status == 400
    assert answer["message"].startswith("assignment_type: invalid enum value 'best'; it is one of zip,")


async def test_number_comes_out_of_the_groups_that_are_named(
    api: ClientSession, engine: EngineProvider
) -> None:
    await fill(engine, "+13055550100")
    await fill(engine, "+12125550100", group="other")
    status, answer = await ask(api, MIAMI | {"inventory_group_ids": ["nobody", "other"]})
    assert (status, answer["ani"]) == (200, "2125550100")


@pytest.mark.parametrize(("wanted", "number"), [(True, "3055550101"), (False, "3055550100")])
async def test_branded_numbers_are_used_only_or_not_at_all(
    api: ClientSession, engine: EngineProvider, *, wanted: bool, number: str
) -> None:
    await fill(engine, "+13055550100")
    await fill(engine, "+13055550101", branded=True)
    assert (await ask(api, MIAMI | {"use_branded": wanted}))[1]["ani"] == number
    assert (await ask(api, MIAMI | {"use_branded": wanted}))[0] == 404
    assert (await ask(api, MIAMI))[0] == 200


async def test_no_number_is_not_found_and_the_message_is_that_of_the_assignment_api(
    api: ClientSession,
) -> None:
    assert await ask(api, MIAMI) == (404, {"success": False, "message": "No available ANI found"})


async def test_explain_has_the_answer_tell_why(api: ClientSession, engine: EngineProvider) -> None:
    await fill(engine, "+12125550100")
    told = (await ask(api, MIAMI | {"explain": True}))[1]["explain"]
    assert told["text"].startswith("chosen by any among own numbers; passed over: ")
    assert told["steps"][-1] == {"among": "own", "rule": "any", "outcome": "chosen"}
    status, answer = await ask(api, MIAMI | {"explain": True})
    assert (status, answer["message"]) == (404, "No available ANI found")
    assert "at the daily cap" in answer["explain"]["text"]


async def test_number_the_prospect_saw_before_is_told_as_what_was_asked(cache_dir: Path) -> None:
    settings = EngineSettings(cache_dir=str(cache_dir), sticky_days=1)
    engine = EngineProvider.open(settings)
    await engine.inventory().create(Ani(PhoneNumber("+13055550100"), "c1"), timeout_s=1)
    async with (
        TestServer(make_app(engine, SETTINGS)) as server,
        ClientSession(server.make_url("/")) as session,
    ):
        told = [
            (await ask(session, MIAMI | {"assignment_type": kind, "prospect_zip": "33101"}))[1]
            for kind in ("area_code", "zip", None)
        ]
    engine.close()
    assert [answer["assignment_type"] for answer in told] == ["area_code", "zip", "random"]


async def test_number_is_written_in_e164_on_request(api: ClientSession, engine: EngineProvider) -> None:
    await fill(engine, "+13055550100")
    assert (await ask(api, MIAMI | {"e164": True}))[1]["ani"] == "+13055550100"


async def test_key_that_may_only_assign_may_ask_and_its_campaign_counts(
    api: ClientSession, engine: EngineProvider
) -> None:
    await engine.inventory().create(Campaign("9001", "Other", CampaignType.OUTBOUND), timeout_s=1)
    await fill(engine, "+13055550101", group="9001")
    await fill(engine, "+13055550100")
    status, answer = await ask(api, MIAMI | {"outbound_campaign": ""}, {"X-ApiKey": "assignment-key"})
    assert (status, answer["ani"]) == (200, "3055550101")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "outbound_campaign: is required"),
        ({"outbound_campaign": "c1"}, "prospect_phone: is required"),
        (MIAMI | {"prospect_phone": "12"}, "prospect_phone: must be a phone number of 10 to 15 digits"),
        (MIAMI | {"inventory_group_ids": "c1"}, "inventory_group_ids: expected `array | null`, got `str`"),
        (MIAMI | {"inventory_group_ids": [1]}, "inventory_group_ids[0]: expected `str`, got `int`"),
        (MIAMI | {"inventory_group_ids": ["c1", " "]}, "inventory_group_ids: is empty; give it a value"),
        (MIAMI | {"use_branded": "true"}, "use_branded: expected `bool | null`, got `str`"),
    ],
)
async def test_fault_names_its_field(api: ClientSession, body: Any, message: str) -> None:
    assert await ask(api, body) == (400, {"success": False, "message": message})
