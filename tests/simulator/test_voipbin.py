import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from gateway.simulator.upstream_answers import Fault
from gateway.simulator.voipbin import DEFAULT_TOKEN, VoipBinSimulator

OUTDIAL = [
    "id",
    "customer_id",
    "campaign_id",
    "name",
    "detail",
    "data",
    "tm_create",
    "tm_update",
    "tm_delete",
]
TARGET = [
    "id", "outdial_id", "name", "detail", "data", "status",
    "destination_0", "destination_1", "destination_2", "destination_3", "destination_4",
    "try_count_0", "try_count_1", "try_count_2", "try_count_3", "try_count_4",
    "tm_create", "tm_update", "tm_delete",
]  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")
NEVER = "9999-01-01 00:00:00.000000"
NOBODY = "00000000-0000-4000-8000-000000000000"


class Raw:
    """Sends what the tutorial's `curl` sends."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def ask(
        self, method: str, path: str, body: str = "", token: str = DEFAULT_TOKEN
    ) -> tuple[int, Any]:
        glue = "&" if "?" in path else "?"
        url = f"{self.url}{path}{glue}token={token}"
        async with self.session.request(method, url, data=body or None) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def voipbin() -> AsyncIterator[VoipBinSimulator]:
    async with VoipBinSimulator() as one:
        yield one


@pytest.fixture
async def raw(voipbin: VoipBinSimulator) -> AsyncIterator[Raw]:
    async with aiohttp.ClientSession() as session:
        yield Raw(session, voipbin.url)


async def test_the_tutorials_outdial_is_answered_in_its_form(raw: Raw) -> None:
    asked = """{
        "name": "test outdial",
        "detail": "outdial for test use.",
        "data": "test data"
    }"""
    status, made = await raw.ask("POST", "/outdials", asked)
    assert status == 200
    assert list(made) == OUTDIAL
    assert (made["name"], made["detail"], made["data"]) == (
        "test outdial",
        "outdial for test use.",
        "test data",
    )
    assert made["campaign_id"] == "00000000-0000-0000-0000-000000000000"
    assert TIME.fullmatch(made["tm_create"])
    assert (made["tm_update"], made["tm_delete"]) == (NEVER, NEVER)
    assert await raw.ask("GET", f"/outdials/{made['id']}") == (200, made)
    assert await raw.ask("GET", "/outdials") == (
        200,
        {"result": [made], "next_page_token": made["tm_create"]},
    )


async def test_the_tutorials_target_is_answered_in_its_form(raw: Raw) -> None:
    _, outdial = await raw.ask("POST", "/outdials", "{}")
    asked = """{
        "name": "test destination 0",
        "detail": "test detatination 0 detail",
        "data": "test data",
        "destination_0": {
            "type": "tel",
            "target": "+15559876543"
        }
    }"""
    status, made = await raw.ask("POST", f"/outdials/{outdial['id']}/targets", asked)
    assert status == 200
    assert list(made) == TARGET
    assert made["destination_0"] == {
        "type": "tel",
        "target": "+15559876543",
        "target_name": "",
        "name": "",
        "detail": "",
    }
    assert made["destination_1"] is None
    assert (made["status"], made["try_count_0"]) == ("idle", 0)
    assert made["tm_update"] == made["tm_create"]
    listed = {"result": [made], "next_page_token": made["tm_create"]}
    assert await raw.ask("GET", f"/outdials/{outdial['id']}/targets") == (200, listed)


async def test_a_token_comes_with_the_last_page_and_none_with_an_empty_one(raw: Raw) -> None:
    for name in "abc":
        await raw.ask("POST", "/outdials", f'{{"name": "{name}"}}')
    _, first = await raw.ask("GET", "/outdials?page_size=2")
    _, second = await raw.ask("GET", f"/outdials?page_size=2&page_token={first['next_page_token']}")
    _, third = await raw.ask("GET", f"/outdials?page_size=2&page_token={second['next_page_token']}")
    assert [[row["name"] for row in page["result"]] for page in (first, second, third)] == [
        ["c", "b"],
        ["a"],
        [],
    ]
    assert second["next_page_token"] == second["result"][-1]["tm_create"]
    assert third["next_page_token"] == ""


async def test_errors_come_in_an_envelope(raw: Raw, voipbin: VoipBinSimulator) -> None:
    for status, word, answer in (
        (401, "UNAUTHENTICATED", await raw.ask("GET", "/outdials", token="wrong")),
        (404, "NOT_FOUND", await raw.ask("GET", f"/outdials/{NOBODY}")),
        (400, "INVALID_ARGUMENT", await raw.ask("POST", "/outdials", "{")),
    ):
        assert (answer[0], answer[1]["error"]["status"]) == (status, word)
        assert {"status", "reason", "message"} <= answer[1]["error"].keys()
    voipbin.faults.append(Fault.RATE_LIMITED)
    assert (await raw.ask("GET", "/outdials"))[0] == 429


async def test_the_token_is_not_among_the_requests_noted(raw: Raw, voipbin: VoipBinSimulator) -> None:
    await raw.ask("GET", "/outdials?page_size=2")
    assert voipbin.requests == [("GET", "/v1.0/outdials?page_size=2")]


async def test_what_was_deleted_is_gone(raw: Raw) -> None:
    _, outdial = await raw.ask("POST", "/outdials", "{}")
    path = f"/outdials/{outdial['id']}"
    asked = '{"destination_0": {"type": "email", "target": "a@b.example"}}'
    _, target = await raw.ask("POST", f"{path}/targets", asked)
    status, gone = await raw.ask("DELETE", f"{path}/targets/{target['id']}")
    assert (status, gone["tm_delete"] != NEVER) == (200, True)
    assert (await raw.ask("GET", f"{path}/targets/{target['id']}"))[0] == 404
    assert (await raw.ask("GET", f"{path}/targets"))[1]["result"] == []
