from collections.abc import AsyncIterator
from importlib.resources import files

import aiohttp
import pytest

from gateway.admin.app import AdminServer
from gateway.admin.page import PATHS, page_routes
from gateway.admin.settings import AdminSettings

KINDS = {"html", "css", "javascript", "svg+xml"}


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A listener with a token, as a browser meets it first."""
    server = AdminServer(AdminSettings(listen="127.0.0.1:0", token="made-up"), page_routes())
    await server.start()
    assert server.address is not None
    yield "http://{}:{}".format(*server.address)
    await server.stop()


@pytest.mark.parametrize("path", sorted(PATHS))
async def test_each_file_comes_without_a_token_and_may_load_nothing_from_elsewhere(
    url: str, path: str
) -> None:
    async with aiohttp.ClientSession() as session, session.get(url + path) as reply:
        policy = reply.headers["Content-Security-Policy"]
        assert reply.status == 200
        assert reply.content_type.partition("/")[2] in KINDS
        assert "made-up" not in await reply.text()
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


async def test_a_known_file_is_not_sent_again(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as first:
            tag = first.headers["ETag"]
        async with session.get(url, headers={"If-None-Match": tag}) as again:
            assert (again.status, await again.read()) == (304, b"")
            assert again.headers["Cache-Control"] == "no-cache"
        async with session.get(url, headers={"If-None-Match": '"older"'}) as newer:
            assert newer.status == 200


def test_every_file_of_the_page_has_its_route() -> None:
    names = {each.name for each in (files("gateway.admin") / "page").iterdir()}
    assert names - {"index.html"} == {path.removeprefix("/") for path in PATHS - {"/"}}


def test_no_file_of_the_page_is_longer_than_one_idea() -> None:
    lengths = {
        each.name: len(each.read_text().splitlines()) for each in (files("gateway.admin") / "page").iterdir()
    }
    assert {name: length for name, length in lengths.items() if length > 400} == {}
