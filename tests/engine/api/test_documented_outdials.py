"""The examples printed in VoIPBin's outdial tutorial, sent as bytes over a bare connection, as by curl.

Its answers are compared with the printed ones, save for ids and times, which must have the printed form. The
endpoints its server has beyond the tutorial follow in the same form.
"""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from gateway.engine.api.app import make_app
from gateway.engine.provider import EngineProvider
from gateway.engine.settings import ApiSettings
from tests.engine.api.bare import Address, sent

TOKEN = "token=YOUR_AUTH_TOKEN"
NIL = "00000000-0000-0000-0000-000000000000"
CAMPAIGN = "c0ffee00-1d17-474d-a5de-da00d0861c69"
NEVER = "9999-01-01 00:00:00.000000"

NEW_OUTDIAL = """{
        "name": "test outdial",
        "detail": "outdial for test use.",
        "data": "test data"
    }"""
OUTDIAL = """{
    "id": "40bea034-1d17-474d-a5de-da00d0861c69",
    "customer_id": "7a1b2c3d-4e5f-6789-abcd-ef0123456789",
    "campaign_id": "00000000-0000-0000-0000-000000000000",
    "name": "test outdial",
    "detail": "outdial for test use.",
    "data": "test data",
    "tm_create": "2022-04-28 01:41:40.503790",
    "tm_update": "9999-01-01 00:00:00.000000",
    "tm_delete": "9999-01-01 00:00:00.000000"
}"""
NEW_TARGET = """{
        "name": "test destination 0",
        "detail": "test detatination 0 detail",
        "data": "test data",
        "destination_0": {
            "type": "tel",
            "target": "+15559876543"
        }
    }"""
TARGET = """{
    "id": "1b3d7a92-7146-466d-90f5-4bc701ada4c0",
    "outdial_id": "40bea034-1d17-474d-a5de-da00d0861c69",
    "name": "test destination 0",
    "detail": "test detatination 0 detail",
    "data": "test data",
    "status": "idle",
    "destination_0": {
        "type": "tel",
        "target": "+15559876543",
        "target_name": "",
        "name": "",
        "detail": ""
    },
    "destination_1": null,
    "destination_2": null,
    "destination_3": null,
    "destination_4": null,
    "try_count_0": 0,
    "try_count_1": 0,
    "try_count_2": 0,
    "try_count_3": 0,
    "try_count_4": 0,
    "tm_create": "2022-04-30 17:52:16.484341",
    "tm_update": "2022-04-30 17:52:16.484341",
    "tm_delete": "9999-01-01 00:00:00.000000"
}"""
OURS = re.compile(r"(id|customer_id|outdial_id|tm_create|tm_update|next_page_token)")
"""Fields whose value is the service's own."""
FIVE = json.dumps(
    {
        **{f"destination_{place}": {"type": "tel", "target": f"+1555987654{place}"} for place in range(3)},
        "destination_3": {"type": "sip", "target": "sip:ann@example.com", "target_name": "Ann"},
        "destination_4": {"type": "email", "target": "ann@example.com", "name": "a", "detail": "b"},
    }
)


@pytest.fixture
async def address(engine: EngineProvider) -> AsyncIterator[Address]:
    async with TestServer(make_app(engine, ApiSettings(keys=("YOUR_AUTH_TOKEN",)))) as server:
        assert server.port is not None
        yield "127.0.0.1", server.port


async def asked(address: Address, method: str, path: str = "", body: str = "") -> Any:
    """The answer, which is a 200."""
    status, answer = await sent(address, f"{method} /v1.0/outdials{path}?{TOKEN}", "", body)
    assert (status, answer) == (200, answer)
    return answer


def form(text: str) -> str:
    """A text with its digits and hexadecimal letters made alike."""
    return re.sub(r"[0-9a-f]", "x", text)


def same(answer: dict[str, Any], printed: str) -> bool:
    """Whether the fields are the printed ones in their order, with the printed values or their form."""
    wanted = json.loads(printed)
    values = all(
        form(answer[name]) == form(value)
        if OURS.fullmatch(name) and value != NEVER
        else answer[name] == value
        for name, value in wanted.items()
    )
    return list(answer) == list(wanted) and values


async def test_outdial_is_created_got_and_listed(address: Address) -> None:
    made = await asked(address, "POST", body=NEW_OUTDIAL)
    assert same(made, OUTDIAL)
    assert await asked(address, "GET", f"/{made['id']}") == made
    assert await asked(address, "GET") == {"result": [made], "next_page_token": made["tm_create"]}


async def test_target_is_created_and_listed(address: Address) -> None:
    outdial = await asked(address, "POST", body=NEW_OUTDIAL)
    path = f"/{outdial['id']}/targets"
    made = await asked(address, "POST", path, NEW_TARGET)
    assert same(made, TARGET)
    assert await asked(address, "GET", path) == {"result": [made], "next_page_token": made["tm_create"]}


async def test_each_part_of_an_outdial_is_changed(address: Address) -> None:
    made = await asked(address, "POST", body=NEW_OUTDIAL)
    path = f"/{made['id']}"
    await asked(address, "PUT", path, '{"name": "n2", "detail": "d2"}')
    await asked(address, "PUT", f"{path}/campaign_id", f'{{"campaign_id": "{CAMPAIGN}"}}')
    changed = await asked(address, "PUT", f"{path}/data", '{"data": "data2"}')
    assert changed == made | {
        "name": "n2", "detail": "d2", "data": "data2", "campaign_id": CAMPAIGN,
        "tm_update": changed["tm_update"],
    }  # fmt: skip
    assert await asked(address, "GET", path) == changed


async def test_outdial_that_is_deleted_is_listed_no_more(address: Address) -> None:
    made = await asked(address, "POST", body=NEW_OUTDIAL)
    deleted = await asked(address, "DELETE", f"/{made['id']}")
    assert deleted["tm_delete"] != NEVER
    assert await asked(address, "GET") == {"result": [], "next_page_token": ""}


async def test_target_has_five_destinations_is_got_and_deleted(address: Address) -> None:
    outdial = await asked(address, "POST", body=NEW_OUTDIAL)
    path = f"/{outdial['id']}/targets"
    made = await asked(address, "POST", path, FIVE)
    empty = {"target_name": "", "name": "", "detail": ""}
    wanted = {name: empty | address for name, address in json.loads(FIVE).items()}
    assert {name: made[name] for name in wanted} == wanted
    assert await asked(address, "GET", f"{path}/{made['id']}") == made
    await asked(address, "DELETE", f"{path}/{made['id']}")
    assert await asked(address, "GET", path) == {"result": [], "next_page_token": ""}


async def test_pages_are_as_long_as_asked_and_end_empty(address: Address) -> None:
    made = [await asked(address, "POST", body=NEW_OUTDIAL) for _ in range(3)]
    token = ""
    seen: list[Any] = []
    for rows in (2, 1, 0):
        query = f"page_size=2&page_token={token.replace(' ', '%20')}"
        status, page = await sent(address, f"GET /v1.0/outdials?{query}&{TOKEN}", "")
        assert (status, len(page["result"])) == (200, rows)
        token, seen = page["next_page_token"], seen + page["result"]
    assert (token, seen) == ("", made[::-1])


@pytest.mark.parametrize(
    "path", ["", f"/{NIL}", f"/{NIL}/campaign_id", f"/{NIL}/data", f"/{NIL}/targets", f"/{NIL}/targets/{NIL}"]
)
async def test_failures_come_in_an_envelope(address: Address, path: str) -> None:
    method = "PUT" if path.endswith(("campaign_id", "data")) else "GET"
    status, answer = await sent(
        address, f"{method} /v1.0/outdials{path}", "", "{}" if method == "PUT" else ""
    )
    assert status == 401
    assert list(answer["error"]) == ["status", "reason", "message"]
    if path and method == "GET":
        status, answer = await sent(address, f"GET /v1.0/outdials{path}?{TOKEN}", "")
        assert (status, answer["error"]["status"]) == (404, "NOT_FOUND")
