"""Requests as in VoIPBin's outdial tutorial, sent raw, and what its clients rely on beyond it."""

import re
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from gateway.engine.api.app import make_app
from gateway.engine.inventory import SAMPLE, read_inventory
from gateway.engine.provider import EngineProvider
from gateway.engine.settings import ApiKeySettings, ApiSettings, EngineSettings, KeyType
from gateway.model.dial import Dial
from gateway.model.outdial import Outdial

KEY = {"Authorization": "Bearer YOUR_AUTH_TOKEN"}
NIL = "00000000-0000-0000-0000-000000000000"
CAMPAIGN = "c0ffee00-1d17-474d-a5de-da00d0861c69"
NEVER = "9999-01-01 00:00:00.000000"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
STAMP = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}")

OUTDIAL_FIELDS = [
    "id", "customer_id", "campaign_id", "name", "detail", "data", "tm_create", "tm_update", "tm_delete",
]  # fmt: skip
TARGET_FIELDS = [
    "id", "outdial_id", "name", "detail", "data", "status",
    "destination_0", "destination_1", "destination_2", "destination_3", "destination_4",
    "try_count_0", "try_count_1", "try_count_2", "try_count_3", "try_count_4",
    "tm_create", "tm_update", "tm_delete",
]  # fmt: skip
CREATE_OUTDIAL = b"""{
        "name": "test outdial",
        "detail": "outdial for test use.",
        "data": "test data"
    }"""
CREATE_TARGET = b"""{
        "name": "test destination 0",
        "detail": "test detatination 0 detail",
        "data": "test data",
        "destination_0": {
            "type": "tel",
            "target": "+15559876543"
        }
    }"""


@pytest.fixture
async def client(cache_dir: Path) -> AsyncIterator[ClientSession]:
    provider = EngineProvider.open(EngineSettings(cache_dir=str(cache_dir)))
    keys = {"dialler": ApiKeySettings("limited", type=KeyType.ASSIGNMENT)}
    settings = ApiSettings(keys=("YOUR_AUTH_TOKEN",))
    async with (
        TestServer(make_app(provider, settings, keys)) as server,
        ClientSession(server.make_url("/")) as session,
    ):
        yield session
    provider.close()


async def ask(
    client: ClientSession, method: str, path: str, body: Any = None, **query: str
) -> tuple[int, Any]:
    async with client.request(
        method, f"/v1.0/outdials{path}", json=body, params=query, headers=KEY
    ) as answer:
        return answer.status, await answer.json()


async def good(client: ClientSession, method: str, path: str, body: Any = None, **query: str) -> Any:
    status, answer = await ask(client, method, path, body, **query)
    assert (status, answer) == (200, answer)
    return answer


async def raw(client: ClientSession, method: str, path: str, content: bytes = b"") -> tuple[int, Any]:
    """As the tutorial's curl sends it."""
    url = f"/v1.0/outdials{path}?token=YOUR_AUTH_TOKEN"
    headers = {"Content-Type": "application/json"} if content else {}
    async with client.request(method, url, data=content or None, headers=headers) as answer:
        return answer.status, await answer.json()


def fault(status: str, message: str, reason: str = "") -> Mapping[str, Any]:
    return {"error": {"status": status, "reason": reason or status, "message": message}}


def tel(number: str = "+15559876543") -> dict[str, str]:
    return {"type": "tel", "target": number}


async def test_outdial_is_created_as_documented(client: ClientSession) -> None:
    status, answer = await raw(client, "POST", "", CREATE_OUTDIAL)
    assert status == 200
    assert list(answer) == OUTDIAL_FIELDS
    assert answer == answer | {
        "campaign_id": NIL,
        "name": "test outdial",
        "detail": "outdial for test use.",
        "data": "test data",
        "tm_update": NEVER,
        "tm_delete": NEVER,
    }
    assert UUID.fullmatch(answer["id"])
    assert UUID.fullmatch(answer["customer_id"])
    assert STAMP.fullmatch(answer["tm_create"])


async def test_outdial_is_got_and_listed_as_documented(client: ClientSession) -> None:
    _, made = await raw(client, "POST", "", CREATE_OUTDIAL)
    assert await raw(client, "GET", f"/{made['id']}") == (200, made)
    _, listed = await raw(client, "GET", "")
    assert list(listed) == ["result", "next_page_token"]
    assert listed == {"result": [made], "next_page_token": made["tm_create"]}
    assert list(listed["result"][0]) == OUTDIAL_FIELDS


async def test_target_is_created_and_listed_as_documented(client: ClientSession) -> None:
    _, outdial = await raw(client, "POST", "", CREATE_OUTDIAL)
    status, made = await raw(client, "POST", f"/{outdial['id']}/targets", CREATE_TARGET)
    assert status == 200
    assert list(made) == TARGET_FIELDS
    assert UUID.fullmatch(made["id"])
    assert STAMP.fullmatch(made["tm_create"])
    assert made == {
        "id": made["id"],
        "outdial_id": outdial["id"],
        "name": "test destination 0",
        "detail": "test detatination 0 detail",
        "data": "test data",
        "status": "idle",
        "destination_0": {
            "type": "tel",
            "target": "+15559876543",
            "target_name": "",
            "name": "",
            "detail": "",
        },
        **{f"destination_{place}": None for place in range(1, 5)},
        **{f"try_count_{place}": 0 for place in range(5)},
        "tm_create": made["tm_create"],
        "tm_update": made["tm_create"],
        "tm_delete": NEVER,
    }
    assert list(made["destination_0"]) == ["type", "target", "target_name", "name", "detail"]
    listed = await raw(client, "GET", f"/{outdial['id']}/targets")
    assert listed == (200, {"result": [made], "next_page_token": made["tm_create"]})


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?token=YOUR_AUTH_TOKEN", {}),
        ("?accesskey=YOUR_AUTH_TOKEN", {}),
        ("", {"Authorization": "Bearer YOUR_AUTH_TOKEN"}),
    ],
)
async def test_key_is_taken_each_way(client: ClientSession, query: str, headers: dict[str, str]) -> None:
    async with client.get(f"/v1.0/outdials{query}", headers=headers) as answer:
        assert answer.status == 200
        assert await answer.json() == {"result": [], "next_page_token": ""}


@pytest.mark.parametrize(
    ("key", "status", "word", "reason"),
    [
        ("", 401, "UNAUTHENTICATED", "AUTHENTICATION_REQUIRED"),
        ("?token=wrong", 401, "UNAUTHENTICATED", "AUTHENTICATION_REQUIRED"),
        ("?token=limited", 403, "PERMISSION_DENIED", "PERMISSION_DENIED"),
    ],
)
async def test_others_are_told_in_voipbins_words(
    client: ClientSession, key: str, status: int, word: str, reason: str
) -> None:
    async with client.get(f"/v1.0/outdials{key}") as answer:
        assert answer.status == status
        error = (await answer.json())["error"]
        assert (list(error), error["status"], error["reason"]) == (
            ["status", "reason", "message"],
            word,
            reason,
        )


async def test_too_many_requests_are_told_in_voipbins_words(cache_dir: Path) -> None:
    provider = EngineProvider.open(EngineSettings(cache_dir=str(cache_dir)))
    settings = ApiSettings(keys=("YOUR_AUTH_TOKEN",), requests_per_second=0.001, burst=1)
    async with (
        TestServer(make_app(provider, settings)) as server,
        ClientSession(server.make_url("/")) as client,
    ):
        await good(client, "GET", "")
        async with client.get("/v1.0/outdials", headers=KEY) as answer:
            assert (answer.status, int(answer.headers["Retry-After"]) > 0) == (429, True)
            error = (await answer.json())["error"]
    provider.close()
    assert (error["status"], error["reason"]) == ("RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED")


async def test_each_part_of_an_outdial_is_changed_by_itself(client: ClientSession) -> None:
    made = await good(client, "POST", "", {"name": "a", "detail": "b", "data": "c", "campaign_id": None})
    path = f"/{made['id']}"
    await good(client, "PUT", path, {"name": "A"})
    await good(client, "PUT", f"{path}/data", {"data": "C"})
    after = await good(client, "PUT", f"{path}/campaign_id", {"campaign_id": CAMPAIGN.upper()})
    changed = {"name": "A", "data": "C", "campaign_id": CAMPAIGN, "tm_update": after["tm_update"]}
    assert after == made | changed
    assert STAMP.fullmatch(after["tm_update"])
    assert await good(client, "GET", path) == after
    for none in (NIL, "", None):
        await good(client, "PUT", f"{path}/campaign_id", {"campaign_id": CAMPAIGN})
        assert (await good(client, "PUT", f"{path}/campaign_id", {"campaign_id": none}))["campaign_id"] == NIL


async def test_customer_and_unknown_fields_are_ignored(client: ClientSession) -> None:
    first = await good(
        client, "POST", "", {"name": "a", "customer_id": CAMPAIGN, "tm_create": NEVER, "x": {}}
    )
    second = await good(client, "POST", "", {})
    assert first["customer_id"] == second["customer_id"] != CAMPAIGN
    assert (second["name"], second["detail"], second["data"]) == ("", "", "")


async def test_deleted_outdial_is_answered_and_got_but_not_listed(client: ClientSession) -> None:
    made = await good(client, "POST", "", {"name": "a"})
    path = f"/{made['id']}"
    target = await good(client, "POST", f"{path}/targets", {"destination_0": tel()})
    deleted = await good(client, "DELETE", path)
    assert deleted == made | {"tm_update": deleted["tm_delete"], "tm_delete": deleted["tm_delete"]}
    assert STAMP.fullmatch(deleted["tm_delete"])
    assert await good(client, "DELETE", path) == deleted
    assert await good(client, "GET", path) == deleted
    assert (await good(client, "GET", ""))["result"] == []
    assert (await good(client, "GET", f"{path}/targets"))["result"] == []
    found = await good(client, "GET", f"{path}/targets/{target['id']}")
    assert found["tm_delete"] == deleted["tm_delete"]
    for method, rest, body in [
        ("PUT", "", {"name": "b"}),
        ("PUT", "/data", {"data": ""}),
        ("POST", "/targets", {"destination_0": tel()}),
    ]:
        assert (await ask(client, method, path + rest, body))[0] == 404


async def test_deleted_target_is_answered_and_got_but_not_listed(client: ClientSession) -> None:
    outdial = await good(client, "POST", "", {"name": "a"})
    path = f"/{outdial['id']}/targets"
    made = await good(client, "POST", path, {"destination_0": tel()})
    deleted = await good(client, "DELETE", f"{path}/{made['id']}")
    assert deleted == made | {"tm_update": deleted["tm_delete"], "tm_delete": deleted["tm_delete"]}
    assert await good(client, "GET", f"{path}/{made['id']}") == deleted
    assert await good(client, "GET", path) == {"result": [], "next_page_token": ""}


async def test_destinations_keep_their_places_and_fields(client: ClientSession) -> None:
    outdial = await good(client, "POST", "", {"name": "a"})
    mail = {"type": "email", "target": "ann@example.com", "target_name": "Ann", "name": "n", "detail": "d"}
    body = {"destination_1": {"type": "sip", "target": "sip:ann@example.com"}, "destination_4": mail}
    made = await good(
        client, "POST", f"/{outdial['id']}/targets", body | {"destination_0": {}, "destination_2": None}
    )
    assert [made[f"destination_{place}"] for place in (0, 2, 3)] == [None] * 3
    assert made["destination_1"]["target"] == "sip:ann@example.com"
    assert made["destination_4"] == mail


async def test_status_and_try_counts_are_read_only(client: ClientSession) -> None:
    outdial = await good(client, "POST", "", {"name": "a"})
    body = {"destination_0": tel(), "status": "done", "try_count_0": 7, "id": CAMPAIGN}
    made = await good(client, "POST", f"/{outdial['id']}/targets", body)
    assert (made["status"], made["try_count_0"]) == ("idle", 0)
    assert made["id"] != CAMPAIGN


@pytest.mark.parametrize(
    ("destination", "message"),
    [
        (tel("5559876543"), ".target: must be a phone number in E.164 form, with plus and country code"),
        (tel("+1555987654"), ".target: must be a phone number in E.164 form, with plus and country code"),
        (tel("+1 555 987 6543"), ".target: must be a phone number in E.164 form, with plus and country code"),
        ({"type": "tel"}, ".target: must be a phone number in E.164 form, with plus and country code"),
        ({"type": "fax", "target": "x"}, ".type: must be tel, sip or email"),
        ({"target": "+15559876543"}, ".type: must be tel, sip or email"),
        ({"type": "sip", "target": "ann"}, ".target: must be a SIP address such as sip:ann@example.com"),
        ({"type": "email", "target": "@"}, ".target: must be an email address such as ann@example.com"),
        ({"type": 5}, ".type: expected `str | null`, got `int`"),
        (tel() | {"name": "x" * 256}, ".name: expected `str` of length <= 255"),
        ("+15559876543", ": expected `object | null`, got `str`"),
        ({}, ": is required; a target needs at least one destination"),
        (None, ": is required; a target needs at least one destination"),
    ],
)
async def test_faulty_destination_is_named(client: ClientSession, destination: Any, message: str) -> None:
    outdial = await good(client, "POST", "", {"name": "a"})
    status, answer = await ask(client, "POST", f"/{outdial['id']}/targets", {"destination_0": destination})
    assert (status, answer) == (400, fault("INVALID_ARGUMENT", f"destination_0{message}"))


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "", {"name": 5}, "name: expected `str | null`, got `int`"),
        ("POST", "", {"name": "x" * 256}, "name: expected `str` of length <= 255"),
        ("POST", "", {"data": "x" * 10_001}, "data: expected `str` of length <= 10000"),
        ("POST", "", {"campaign_id": "9001"}, "campaign_id: must be a UUID"),
        ("PUT", f"/{NIL}/campaign_id", {}, "campaign_id: is required"),
        ("PUT", f"/{NIL}/data", {}, "data: is required"),
        ("GET", "/17", None, "id: must be a UUID"),
        ("DELETE", "/17", None, "id: must be a UUID"),
        ("GET", "/17/targets", None, "id: must be a UUID"),
        ("DELETE", f"/{NIL}/targets/17", None, "target_id: must be a UUID"),
    ],
)
async def test_fault_names_its_field(
    client: ClientSession, method: str, path: str, body: Any, message: str
) -> None:
    assert await ask(client, method, path, body) == (400, fault("INVALID_ARGUMENT", message))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PUT", "", {"name": "x"}),
        ("DELETE", "", None),
        ("PUT", "/data", {"data": "x"}),
        ("PUT", "/campaign_id", {"campaign_id": NIL}),
        ("GET", "/targets", None),
        ("POST", "/targets", {"destination_0": tel()}),
        ("GET", f"/targets/{NIL}", None),
        ("DELETE", f"/targets/{NIL}", None),
    ],
)
async def test_unknown_id_is_not_found(client: ClientSession, method: str, path: str, body: Any) -> None:
    status, answer = await ask(client, method, f"/{CAMPAIGN}{path}", body)
    assert (status, answer["error"]["status"]) == (404, "NOT_FOUND")


async def test_body_that_is_no_json_is_told(client: ClientSession) -> None:
    status, answer = await raw(client, "POST", "", b"{")
    assert (status, answer["error"]["reason"]) == (400, "INVALID_ARGUMENT")
    assert answer["error"]["message"].startswith("body: is not valid JSON")


async def test_pages_follow_each_other_newest_first_to_an_empty_one(client: ClientSession) -> None:
    made = [(await good(client, "POST", "", {"name": str(number)}))["id"] for number in range(5)]
    met, token = [], ""
    for expected in (2, 2, 1, 0):
        page = await good(client, "GET", "", page_size="2", page_token=token)
        met += [row["id"] for row in page["result"]]
        assert len(page["result"]) == expected
        assert page["next_page_token"] == (page["result"][-1]["tm_create"] if expected else "")
        token = page["next_page_token"]
    assert met == made[::-1]


@pytest.mark.parametrize(("asked", "given"), [("1", 1), ("100", 100), ("0", 100), ("-5", 100), ("101", 100)])
async def test_page_size_out_of_range_is_the_default(client: ClientSession, asked: str, given: int) -> None:
    outdial = await good(client, "POST", "", {"name": "a"})
    path = f"/{outdial['id']}/targets"
    for _ in range(101):
        await good(client, "POST", path, {"destination_0": tel()})
    assert len((await good(client, "GET", path, page_size=asked))["result"]) == given


async def test_page_token_is_taken_in_each_of_voipbins_forms(client: ClientSession) -> None:
    made = await good(client, "POST", "", {"name": "a"})
    later = await good(client, "POST", "", {"name": "b"})
    stamp = later["tm_create"]
    for token in (stamp, stamp.replace(" ", "T") + "Z", NEVER):
        page = await good(client, "GET", "", page_token=token)
        assert page["result"][-1] == made


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"page_size": "many"}, "page_size: expected `int | null`, got `str`"),
        ({"page_token": "7"}, "page_token: is none; send the next_page_token of the page before"),
        (
            {"page_token": "0001-01-01T00:00:00+14:00"},
            "page_token: is none; send the next_page_token of the page before",
        ),
    ],
)
async def test_faulty_query_is_told(client: ClientSession, query: dict[str, str], message: str) -> None:
    assert await ask(client, "GET", "", **query) == (400, fault("INVALID_ARGUMENT", message))


async def test_reported_dial_shows_in_the_target(cache_dir: Path) -> None:
    """As the tutorial lists one: done after one try."""
    settings = EngineSettings(cache_dir=str(cache_dir), inventory=str(SAMPLE))
    provider = EngineProvider.open(settings)
    outdial = provider.outdials().create(Outdial("list")).result(5)
    reached = next(dispo.name for dispo in read_inventory(SAMPLE).dispos if dispo.contact)
    async with (
        TestServer(make_app(provider, ApiSettings(keys=("YOUR_AUTH_TOKEN",)))) as server,
        ClientSession(server.make_url("/")) as client,
    ):
        path = f"/{outdial.id}/targets"
        made = await good(client, "POST", path, {"destination_0": tel()})
        dial = Dial("1", "+15552223333", "+15559876543", time.time(), disposition_name=reached)
        await provider.dial_target().post_dial(dial, timeout_s=5)
        found = await good(client, "GET", f"{path}/{made['id']}")
    provider.close()
    assert found == made | {"status": "done", "try_count_0": 1, "tm_update": found["tm_update"]}
    assert found["tm_update"] >= made["tm_update"]
