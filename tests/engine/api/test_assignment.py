from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from gateway.engine.api.app import NoApiKeyError, make_app
from gateway.engine.inventory import SAMPLE
from gateway.engine.provider import EngineProvider
from gateway.engine.settings import ApiSettings, EngineSettings

KEY = {"Authorization": "Bearer right"}
SETTINGS = ApiSettings(keys=("other", "right"), max_batch=3, max_body_bytes=2000)


@pytest.fixture
async def client(cache_dir: Path) -> AsyncIterator[ClientSession]:
    settings = EngineSettings(inventory=str(SAMPLE), cache_dir=str(cache_dir), strict_campaigns=True)
    provider = EngineProvider.open(settings)
    async with (
        TestServer(make_app(provider, SETTINGS)) as server,
        ClientSession(server.make_url("/")) as session,
    ):
        yield session
    provider.close()


async def post(client: ClientSession, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    async with client.post(path, json=body, headers=KEY | headers) as answer:
        return answer.status, await answer.json()


async def test_documented_example_gets_a_local_number(client: ClientSession) -> None:
    body = {
        "prospect_phone": "5559876543",
        "prospect_zip": "90210",
        "dialer_campaign": "9001",
        "real_time": False,
        "new_field": {"of": "a later version"},
    }
    status, answer = await post(client, "/assignment", body)
    assert status == 200
    assert answer == {"success": True, "ani": "2135550100", "message": "ANI assigned successfully"}


async def test_e164_is_written_on_request(client: ClientSession) -> None:
    body = {"prospect_phone": "+442079460199", "dialer_campaign": "9001", "e164": True}
    assert (await post(client, "/assignment", body))[1]["ani"] == "+442079460100"
    batch = {"e164": True, "leads": [body | {"row_id": "1"}]}
    assert (await post(client, "/assignment/batch", batch))[1]["results"][0]["outboundani"] == "+442079460100"


async def test_no_number_is_a_body_and_no_status(client: ClientSession) -> None:
    body = {"prospect_phone": "5559876543", "dialer_campaign": "unknown"}
    assert await post(client, "/assignment", body) == (
        200,
        {"success": False, "message": "No available ANI found"},
    )


async def test_batch_succeeds_row_by_row(client: ClientSession) -> None:
    leads = [
        {"row_id": "good", "prospect_phone": "2125550199", "dialer_campaign": "9001", "prospect_zip": None},
        {"row_id": "short", "prospect_phone": "123", "dialer_campaign": "9001"},
        {"row_id": "none", "prospect_phone": "2125550199", "dialer_campaign": "unknown"},
    ]
    status, answer = await post(client, "/assignment/batch", {"leads": leads})
    assert status == 200
    assert answer == {
        "success": True,
        "results": [
            {"row_id": "good", "outboundani": "2125550100", "error": ""},
            {
                "row_id": "short",
                "outboundani": "",
                "error": "prospect_phone: must be a phone number of 10 to 15 digits",
            },
            {"row_id": "none", "outboundani": "", "error": "No available ANI found"},
        ],
    }


async def test_row_of_the_wrong_type_fails_alone(client: ClientSession) -> None:
    leads = [{"row_id": "a", "prospect_phone": 5}, {"row_id": "b", "prospect_phone": "2125550199"}]
    _, answer = await post(client, "/assignment/batch", {"leads": leads})
    assert answer["results"][0]["error"] == "prospect_phone: expected `str`, got `int`"


async def test_explain_has_the_answer_tell_why(client: ClientSession) -> None:
    body = {"prospect_phone": "2125550199", "prospect_zip": "10001", "dialer_campaign": "9001"}
    told = (await post(client, "/assignment", body | {"explain": True}))[1]["explain"]
    assert told["text"] == "chosen by zip among own numbers"
    assert told["steps"] == [{"among": "own", "rule": "zip", "outcome": "chosen"}]
    assert "explain" not in (await post(client, "/assignment", body | {"explain": False}))[1]


async def test_explain_tells_why_there_is_no_number(client: ClientSession) -> None:
    body = {"prospect_phone": "2125550199", "dialer_campaign": "unknown", "explain": True}
    answer = (await post(client, "/assignment", body))[1]
    assert (answer["success"], answer["message"]) == (False, "No available ANI found")
    assert answer["explain"]["text"].startswith("no number")


async def test_every_row_of_a_batch_is_explained(client: ClientSession) -> None:
    leads = [{"row_id": "1", "prospect_phone": "2125550199"}, {"row_id": "2", "prospect_phone": "1"}]
    results = (await post(client, "/assignment/batch", {"explain": True, "leads": leads}))[1]["results"]
    assert results[0]["explain"]["text"].startswith("no number")
    assert "explain" not in results[1]


async def test_long_batch_is_not_explained(cache_dir: Path) -> None:
    """Each explanation takes milliseconds, in which nobody else is answered."""
    provider = EngineProvider.open(EngineSettings(cache_dir=str(cache_dir)))
    leads = [{"row_id": "1", "prospect_phone": "2125550199"}] * 51
    async with (
        TestServer(make_app(provider, ApiSettings(keys=("right",)))) as server,
        ClientSession(server.make_url("/")) as session,
    ):
        answer = await post(session, "/assignment/batch", {"explain": True, "leads": leads})
    provider.close()
    assert answer == (
        400,
        {"success": False, "message": "explain: 51 rows are too many for it; send at most 50"},
    )


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/assignment", {}, "prospect_phone: is required"),
        ("/assignment", {"prospect_phone": 5559876543}, "prospect_phone: expected `str`, got `int`"),
        (
            "/assignment",
            {"prospect_phone": "123"},
            "prospect_phone: must be a phone number of 10 to 15 digits",
        ),
        (
            "/assignment",
            {"prospect_phone": "2125550199", "e164": 1},
            "e164: expected `bool | null`, got `int`",
        ),
        ("/assignment", [], "body: expected `object`, got `array`"),
        ("/assignment/batch", {}, "leads: is required"),
        ("/assignment/batch", {"leads": {}}, "leads: expected `array`, got `object`"),
        ("/assignment/batch", {"leads": [{}]}, "leads[0].row_id: is required"),
        ("/assignment/batch", {"leads": [{"row_id": 7}]}, "leads[0].row_id: expected `str`, got `int`"),
        ("/assignment/batch", {"leads": [7]}, "leads[0]: expected `object`, got `int`"),
        ("/assignment/batch", {"leads": [{}] * 4}, "leads: 4 rows are too many; send at most 3"),
    ],
)
async def test_fault_names_its_field(client: ClientSession, path: str, body: Any, message: str) -> None:
    assert await post(client, path, body) == (400, {"success": False, "message": message})


@pytest.mark.parametrize("content", [b"", b"{", b'{"prospect_phone": "\xff"}', b"nul"])
async def test_body_that_is_no_json_is_told(client: ClientSession, content: bytes) -> None:
    async with client.post("/assignment", data=content, headers=KEY) as answer:
        assert answer.status == 400
        assert (await answer.json())["message"].startswith("body: is not valid JSON")


async def test_body_too_large_is_told(client: ClientSession) -> None:
    async with client.post("/assignment", data=b"x" * 2001, headers=KEY) as answer:
        assert answer.status == 413
        assert await answer.json() == {"success": False, "message": "body: larger than 2000 bytes"}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "API key is missing"),
        ("Bearer ", "API key is missing"),
        ("Basic right", "API key is missing"),
        ("Bearer wrong", "API key is invalid"),
        ("Bearer righ", "API key is invalid"),
        ("Bearer rïght", "API key is invalid"),
    ],
)
@pytest.mark.parametrize("path", ["/assignment", "/assignment/batch"])
async def test_nobody_asks_without_a_key(client: ClientSession, path: str, header: str, message: str) -> None:
    headers = {"Authorization": header} if header else {}
    async with client.post(path, data=b"{", headers=headers) as answer:
        assert answer.status == 401
        body = await answer.json()
        assert body["success"] is False
        assert body["message"].startswith(message)


async def test_every_key_may_ask_and_the_scheme_has_no_case(client: ClientSession) -> None:
    body = {"prospect_phone": "2125550199", "dialer_campaign": "9001"}
    for header in ("Bearer other", "bearer right"):
        assert (await post(client, "/assignment", body, Authorization=header))[0] == 200


async def test_every_answer_has_its_own_request_id(client: ClientSession) -> None:
    ids = []
    for path in ("/healthz", "/assignment", "/nowhere", "/nowhere"):
        async with client.get(path) as answer:
            ids.append(answer.headers["x-request-id"])
    assert len(set(ids)) == 4


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/assignment", 405)])
async def test_wrong_address_is_told_in_json(client: ClientSession, path: str, status: int) -> None:
    async with client.get(path, headers=KEY) as answer:
        assert answer.status == status
        assert (await answer.json())["success"] is False


async def test_health_needs_no_key(client: ClientSession) -> None:
    async with client.get("/healthz") as answer:
        assert answer.status == 200
        assert (await answer.json())["anis"] >= 600


async def test_fault_of_our_own_is_logged_and_told_without_details(
    cache_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A clock that fails stands for any fault inside."""
    times = iter([1e9])
    provider = EngineProvider.open(EngineSettings(cache_dir=str(cache_dir)), clock=lambda: next(times))
    async with (
        TestServer(make_app(provider, SETTINGS)) as server,
        ClientSession(server.make_url("/")) as session,
    ):
        status, answer = await post(session, "/assignment", {"prospect_phone": "2125550199"})
    provider.close()
    assert status == 500
    assert answer["message"].startswith("internal error")
    assert "StopIteration" in caplog.text


def test_service_without_a_key_refuses_to_start(cache_dir: Path) -> None:
    provider = EngineProvider.open(EngineSettings(cache_dir=str(cache_dir)))
    for keys in ((), ("",)):
        with pytest.raises(NoApiKeyError, match="set at least one key"):
            make_app(provider, replace(SETTINGS, keys=keys))
    provider.close()
