from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.providers.base import UnavailableError
from gateway.providers.http import HttpClient, retry_after_s

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30.0),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after_s(value, NOW) == seconds


@pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:99999", "http://127.0.0.1:port"])
async def test_an_address_that_is_none_is_an_error_of_ours(url: str) -> None:
    client = HttpClient(url, {}, max_connections=1, keepalive_s=0.0)
    await client.open()
    with pytest.raises(UnavailableError, match="check the url setting") as raised:
        await client.post("/dials", b"", timeout_s=1, max_reply_bytes=100)
    assert raised.value.never_sent
    await client.close()


async def test_a_request_may_carry_headers_of_its_own() -> None:
    seen: list[tuple[str, str]] = []

    async def show(request: web.Request) -> web.Response:
        seen.append((request.headers["x-always"], request.headers.get("x-once", "")))
        return web.Response()

    app = web.Application()
    app.router.add_post("/", show)
    async with TestServer(app) as server:
        client = HttpClient(str(server.make_url("")), {"x-always": "a"}, max_connections=1, keepalive_s=5)
        await client.open()
        await client.post("/", b"{}", timeout_s=5, max_reply_bytes=100, headers={"x-once": "b"})
        await client.post("/", b"{}", timeout_s=5, max_reply_bytes=100)
        await client.close()
    assert seen == [("a", "b"), ("a", "")]
