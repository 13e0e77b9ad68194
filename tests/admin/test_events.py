import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Self

import aiohttp
import pytest

from gateway.admin.app import AdminServer
from gateway.admin.events import StatusStream
from gateway.admin.settings import AdminSettings

EVERY_S = 0.02
WRITE_S = 0.1


class Desk:
    """A listener with the stream, and a document that counts how often it was made."""

    def __init__(self, *, most_watchers: int = 3, token: str = "") -> None:
        self.made = 0
        self.padding = ""
        self.is_broken = False
        self.stream = StatusStream(
            self._document, most_watchers=most_watchers, every_s=EVERY_S, write_s=WRITE_S
        )
        self.server = AdminServer(AdminSettings(listen="127.0.0.1:0", token=token), self.stream.routes())
        self._session = aiohttp.ClientSession()
        self._replies: list[aiohttp.ClientResponse] = []

    def _document(self) -> bytes:
        self.made += 1
        if self.is_broken:
            raise LookupError("no figures")
        return json.dumps({"made": self.made, "padding": self.padding}).encode()

    async def __aenter__(self) -> Self:
        await self.server.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.stream.close()
        for reply in self._replies:
            reply.close()
        await self._session.close()
        await self.server.stop()

    @property
    def address(self) -> tuple[str, int]:
        assert self.server.address is not None
        return self.server.address

    async def get(self, **headers: str) -> aiohttp.ClientResponse:
        reply = await self._session.get("http://{}:{}/api/events".format(*self.address), headers=headers)
        self._replies.append(reply)
        return reply


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with Desk() as desk:
        yield desk


async def event(reply: aiohttp.ClientResponse) -> list[str]:
    """The lines of the next event."""
    lines = []
    async with asyncio.timeout(5):
        while line := (await reply.content.readline()).decode().rstrip("\n"):
            lines.append(line)
    return lines


async def document(reply: aiohttp.ClientResponse) -> dict[str, object]:
    name, data = await event(reply)
    assert name == "event: status"
    read: dict[str, object] = json.loads(data.removeprefix("data: "))
    return read


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not claim():  # noqa: ASYNC110 - what is claimed tells nobody
            await asyncio.sleep(EVERY_S / 4)


async def test_a_watcher_is_told_the_document_again_and_again(desk: Desk) -> None:
    reply = await desk.get()
    assert reply.headers["Content-Type"] == "text/event-stream"
    assert reply.headers["Cache-Control"] == "no-store"
    assert [(await document(reply))["made"] for _ in range(3)] == [1, 2, 3]


async def test_all_watchers_share_one_document(desk: Desk) -> None:
    replies = [await desk.get() for _ in range(3)]
    newest = [await document(reply) for reply in replies]
    while len({each["made"] for each in newest}) > 1:
        oldest = min(range(3), key=lambda place: int(str(newest[place]["made"])))
        newest[oldest] = await document(replies[oldest])
    following = [await document(reply) for reply in replies]
    assert len({each["made"] for each in following}) == 1


async def test_nothing_is_made_while_nobody_watches(desk: Desk) -> None:
    assert desk.made == 0
    reply = await desk.get()
    await document(reply)
    reply.close()
    await until(lambda: desk.stream.watchers == 0)
    made = desk.made
    await asyncio.sleep(EVERY_S * 3)
    assert desk.made == made


async def test_one_watcher_too_many_is_told_so(desk: Desk) -> None:
    replies = [await desk.get() for _ in range(3)]
    refused = await desk.get()
    assert refused.status == 503
    assert "admin.max_watchers" in await refused.text()
    assert refused.headers["Retry-After"] == "5"
    replies[0].close()
    await until(lambda: desk.stream.watchers < 3)
    assert (await desk.get()).status == 200


async def test_a_watcher_that_takes_nothing_is_dropped_and_the_others_go_on(desk: Desk) -> None:
    desk.padding = "x" * 200_000
    with socket.socket() as sleeper:
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sleeper.connect(desk.address)
        sleeper.sendall(b"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        reply = await desk.get()
        await until(lambda: desk.stream.watchers == 2)

        async def read() -> None:
            while True:
                await event(reply)

        reading = asyncio.create_task(read())
        await until(lambda: desk.stream.watchers == 1)
        assert not reading.done()
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading


async def test_a_stream_ends_at_once_when_the_gateway_does(desk: Desk) -> None:
    reply = await desk.get()
    await document(reply)
    desk.stream.close()
    async with asyncio.timeout(1):  # an open request would be waited for twice as long
        await desk.server.stop()
        await reply.read()
    assert desk.stream.watchers == 0


async def test_a_stream_that_is_closed_takes_no_more(desk: Desk) -> None:
    desk.stream.close()
    assert (await desk.get()).status == 503


async def test_figures_that_cannot_be_made_end_no_stream(desk: Desk) -> None:
    desk.is_broken = True
    reply = await desk.get()
    assert await event(reply) == [": no figures now; the log has the reason"]
    desk.is_broken = False
    while (lines := await event(reply))[0].startswith(":"):
        pass
    assert lines[0] == "event: status"


async def test_the_stream_needs_the_token() -> None:
    async with Desk(token="made-up") as desk:
        assert (await desk.get()).status == 401
        assert (await desk.get(Authorization="Bearer made-up")).status == 200
