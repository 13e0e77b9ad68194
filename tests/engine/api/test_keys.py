"""Who may ask what, how often, and how."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from gateway.engine.api.answers import Door, with_request_id
from gateway.engine.api.app import all_endpoints, make_app
from gateway.engine.api.endpoint import Endpoint
from gateway.engine.api.keys import ApiKey, Keyring, RateLimit, Style
from gateway.engine.api.server import ApiServer
from gateway.engine.provider import EngineProvider
from gateway.engine.settings import ApiSettings
from gateway.model.inventory import Ani, Campaign, CampaignType
from gateway.model.phone import PhoneNumber

LEAD = {"prospect_phone": "2125550199"}


def shown(style: Style, key: str) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and query that show `key`."""
    place, name = style.value
    if place == "query":
        return {}, {name: key}
    return {name: f"Bearer {key}" if style is Style.BEARER else key}, {}


def endpoints(engine: EngineProvider) -> list[Endpoint]:
    return list(all_endpoints(engine, ApiSettings()))


async def status_of(api: ClientSession, endpoint: Endpoint, key: str) -> int:
    headers, query = shown(endpoint.surface.styles[0], key)
    path = endpoint.path.replace("{", "").replace("}", "")
    async with api.request(endpoint.method, path, headers=headers, params=query) as answer:
        assert answer.content_type == "application/json"
        return answer.status


async def test_no_endpoint_is_open_without_a_key(api: ClientSession, engine: EngineProvider) -> None:
    for endpoint in endpoints(engine):
        for key in ("", "wrong", "universal-ke", "universal-key "[:-2]):
            assert await status_of(api, endpoint, key) == 401, endpoint


async def test_inactive_key_opens_nothing(api: ClientSession, engine: EngineProvider) -> None:
    for endpoint in endpoints(engine):
        if Style.COMPANY not in endpoint.surface.styles:
            assert await status_of(api, endpoint, "inactive-key") == 403, endpoint


async def test_only_universal_keys_manage(api: ClientSession, engine: EngineProvider) -> None:
    for endpoint in endpoints(engine):
        if Style.COMPANY not in endpoint.surface.styles:
            is_refused = await status_of(api, endpoint, "assignment-key") == 403
            assert is_refused is endpoint.universal, endpoint
    paths = {endpoint.path for endpoint in endpoints(engine) if not endpoint.universal}
    assert {"/assignment", "/assignment/batch", "/dials", "/dialer/next"} <= paths


async def test_request_that_names_no_campaign_is_of_the_keys(
    api: ClientSession, engine: EngineProvider
) -> None:
    inventory = engine.inventory()
    for campaign, number in (("9001", "+12125550100"), ("9002", "+12125550101")):
        await inventory.create(Campaign(campaign, "a", CampaignType.OUTBOUND), timeout_s=1)
        await inventory.create(Ani(PhoneNumber(number), campaign), timeout_s=1)
    headers = {"Authorization": "Bearer assignment-key"}
    for named, number in (({"dialer_campaign": "9002"}, "2125550101"), ({}, "2125550100")):
        async with api.post("/assignment", json=LEAD | named, headers=headers) as answer:
            assert (await answer.json())["ani"] == number


@pytest.fixture
async def limited(engine: EngineProvider) -> AsyncIterator[ClientSession]:
    """Two requests at once, and then one in a thousand seconds."""
    settings = ApiSettings(keys=("one", "two"), requests_per_second=0.001, burst=2)
    async with (
        TestServer(make_app(engine, settings)) as server,
        ClientSession(server.make_url("/")) as session,
    ):
        yield session


async def test_rate_is_each_keys_own_and_says_when_to_come_again(limited: ClientSession) -> None:
    answers: list[tuple[int, Any]] = []
    for key in ("one", "one", "one", "two"):
        async with limited.post("/assignment", json=LEAD, headers={"Authorization": f"Bearer {key}"}) as one:
            answers.append((one.status, one.headers.get("Retry-After")))
    assert [status for status, _ in answers] == [200, 200, 429, 200]
    assert 990 <= int(answers[2][1]) <= 1_000


async def test_unknown_keys_do_not_use_up_anybodys_rate(limited: ClientSession) -> None:
    for key in ("three", "three", "three", "one"):
        async with limited.post("/assignment", json=LEAD, headers={"Authorization": f"Bearer {key}"}) as one:
            assert one.status == (200 if key == "one" else 401)


def test_bucket_fills_with_time_up_to_the_burst() -> None:
    now = 0.0
    limit = RateLimit(2.0, 3, clock=lambda: now)
    key = ApiKey("k")
    assert [limit.wait_s(key) for _ in range(4)] == [0, 0, 0, 1]
    now = 0.5
    assert [limit.wait_s(key) for _ in range(2)] == [0, 1]
    now = 1_000.0
    assert [limit.wait_s(key) for _ in range(4)] == [0, 0, 0, 1]


async def test_options_needs_no_key_and_names_the_methods(api: ClientSession) -> None:
    async with api.options("/custom/anis") as answer:
        assert (answer.status, answer.headers["Allow"]) == (204, "DELETE, GET, HEAD, POST, PUT")


async def test_head_is_answered_as_get_without_the_body(api: ClientSession) -> None:
    headers = {"Authorization": "Bearer universal-key"}
    async with api.head("/custom/anis?number=2125550100", headers=headers) as answer:
        assert (answer.status, await answer.read()) == (404, b"")
    async with api.head("/custom/anis?number=2125550100") as answer:
        assert answer.status == 401


async def test_other_method_is_told_with_those_that_will_do(api: ClientSession) -> None:
    async with api.patch("/custom/anis") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "DELETE, GET, HEAD, POST, PUT")
        message = "PATCH /custom/anis: method not allowed; use DELETE, GET, HEAD, POST, PUT"
        assert await answer.json() == {"success": False, "message": message}


async def test_description_names_every_endpoint_and_needs_no_key(
    api: ClientSession, engine: EngineProvider
) -> None:
    async with api.get("/openapi.json") as answer:
        paths = (await answer.json())["paths"]
    for endpoint in endpoints(engine):
        assert endpoint.method.lower() in paths[endpoint.path], endpoint


async def test_body_that_does_not_arrive_is_not_waited_for(engine: EngineProvider) -> None:
    """A real wait, of a twentieth of a second: the body is what never comes."""
    door = Door(Keyring([("k", ApiKey("k"))]), RateLimit(0, 1), body_s=0.05)
    app = web.Application(middlewares=[with_request_id])
    assign = next(one for one in endpoints(engine) if one.path == "/assignment")
    app.router.add_post(assign.path, door.handler(assign))
    async with TestServer(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = "POST /assignment HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer k\r\nContent-Length: 9\r\n\r\n{"
        writer.write(head.encode())
        answer = await asyncio.wait_for(reader.readuntil(b"}"), 5)
        writer.close()
    assert b" 408 " in answer.partition(b"\r\n")[0]
    assert b'"body: not complete within 0.05 s; send it faster, or less of it"' in answer


async def test_what_is_no_http_is_logged_without_its_bytes(
    engine: EngineProvider, caplog: pytest.LogCaptureFixture
) -> None:
    """An address may hold a key: `?token=…`."""
    server = ApiServer(engine, ApiSettings(listen="127.0.0.1:0", keys=("k",)), {})
    await server.start()
    with caplog.at_level(logging.DEBUG):
        for request in (
            b"GET /dials?token=secret-in-an-address\x00 HTTP/1.1\r\n\r\n",
            b"GET /dials?token=secret-in-an-address" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection(*server.addresses[0])
            writer.write(request)
            assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
            writer.close()
    await server.stop()
    assert "Error handling request" in caplog.text
    assert "secret-in-an-address" not in caplog.text
