import json
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admin.app import AdminServer, BadRequestError
from gateway.admin.prewarm import Prewarm, _rows
from gateway.admin.settings import AdminSettings
from gateway.assignment.owned import OwnedGuard
from gateway.assignment.settings import AssignmentSettings
from gateway.model.phone import PhoneNumber

GOOD = {"phone": "(404) 555-0123", "campaign": " c12 ", "ani": "4045550100", "zip": "30303"}
NDJSON = "application/x-ndjson"
Post = Callable[..., Awaitable[tuple[int, dict[str, object]]]]


class Kept(list[tuple[str, str, str]]):
    def keep(self, phone: PhoneNumber, campaign: str, ani: PhoneNumber) -> None:
        self.append((phone.e164, campaign, ani.e164))


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
async def post(kept: Kept) -> AsyncIterator[Post]:
    prewarm = Prewarm(kept.keep, OwnedGuard(AssignmentSettings(), None).accepts, most_rows=300)
    server = AdminServer(AdminSettings(listen="127.0.0.1:0"), prewarm.routes())
    await server.start()
    assert server.address is not None
    url = f"http://127.0.0.1:{server.address[1]}/api/prewarm"

    async with aiohttp.ClientSession() as session:

        async def send(body: bytes, kind: str = NDJSON) -> tuple[int, dict[str, object]]:
            async with session.post(url, data=body, headers={"Content-Type": kind}) as reply:
                return reply.status, await reply.json()

        yield send
    await server.stop()


def lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


async def test_rows_are_taken_as_lines_and_as_an_array(post: Post, kept: Kept) -> None:
    expected = {"taken": 2, "refused": 0, "reasons": {}, "rows": []}
    assert await post(lines(GOOD, GOOD)) == (200, expected)
    assert await post(json.dumps([GOOD, GOOD]).encode(), "application/json") == (200, expected)
    assert kept == [("+14045550123", "c12", "+14045550100")] * 4


async def test_a_row_that_cannot_be_taken_is_counted_with_its_reason(post: Post, kept: Kept) -> None:
    rows = (
        {"phone": "12", "ani": "4045550100"},
        GOOD | {"ani": "12"},
        GOOD | {"ani": "0045550100"},
        GOOD | {"ani": "+33123456789"},
        {"phone": "4045550123"},
        ["no", "object"],
        GOOD,
    )
    status, body = await post(lines(*rows))
    assert status == 200
    assert (body["taken"], body["refused"]) == (1, 6)
    assert body["reasons"] == {"bad_phone": 1, "bad_ani": 1, "not_owned": 2, "bad_row": 2}
    assert len(kept) == 1


async def test_the_first_refused_rows_are_named_by_place(post: Post) -> None:
    _, body = await post(lines(GOOD, *({} for _ in range(250))))
    named = body["rows"]
    assert isinstance(named, list)
    assert named[0] == {"row": 1, "reason": "bad_row"}
    assert len(named) == 20
    assert body["refused"] == 250


async def test_more_rows_than_allowed_are_all_refused(post: Post, kept: Kept) -> None:
    status, body = await post(lines(*(GOOD for _ in range(301))))
    assert (status, kept) == (413, [])
    assert body == {"error": "301 rows are too many; send at most 300"}


async def test_what_a_web_page_can_send_unasked_is_refused(post: Post, kept: Kept) -> None:
    status, _ = await post(lines(GOOD), "text/plain")
    assert (status, kept) == (400, [])


async def test_no_rows_are_an_answer(post: Post) -> None:
    assert (await post(b""))[1]["taken"] == 0


@given(st.binary(max_size=200))
def test_any_body_is_rows_or_a_bad_request(content: bytes) -> None:
    prewarm = Prewarm(lambda *_: None, lambda _: True, most_rows=10)
    try:
        rows = _rows(content)
    except BadRequestError:
        return
    for raw in rows:
        prewarm._take_one(raw)
