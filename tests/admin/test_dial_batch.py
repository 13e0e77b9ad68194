from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from gateway.admin.dial_batch import MAX_BODY_BYTES, PATH, dial_batch_handler, dial_batch_routes
from gateway.providers.dial_batch import headers, signature
from gateway.stores.base import StoreBusyError

SECRET = "s3cret"
BATCH = b'{"event": "dial.batch", "deliveryId": "one", "deliveredAt": "", "dials": [{"callId": "d1"}]}'


class Taker:
    def __init__(self) -> None:
        self.taken: list[tuple[str, Sequence[str]]] = []
        self.fails = False

    async def take(self, delivery_id: str, dial_ids: Sequence[str]) -> bool:
        if self.fails:
            raise StoreBusyError("the disk is full")
        is_new = (delivery_id, dial_ids) not in self.taken
        self.taken.append((delivery_id, dial_ids))
        return is_new


@pytest.fixture
def taker() -> Taker:
    return Taker()


@pytest.fixture
async def client(taker: Taker) -> AsyncIterator[ClientSession]:
    app = web.Application(client_max_size=1_000)
    app.add_routes(dial_batch_routes(SECRET, taker.take))
    async with TestServer(app) as server, ClientSession(server.make_url("/")) as session:
        yield session


async def post(client: ClientSession, body: bytes, sent: dict[str, str]) -> tuple[int, dict[str, object]]:
    async with client.post(PATH, data=body, headers=sent) as answer:
        return answer.status, await answer.json()


async def test_a_signed_batch_is_taken_and_a_repeat_is_told(client: ClientSession, taker: Taker) -> None:
    signed = headers(SECRET, BATCH, "one")
    assert await post(client, BATCH, signed) == (200, {"success": True, "taken": True})
    assert await post(client, BATCH, signed) == (200, {"success": True, "taken": False})
    assert taker.taken[0] == ("one", ("d1",))


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"x-outboundiq-signature": ""},
        {"x-outboundiq-signature": signature("other", BATCH)},
        {"x-outboundiq-signature": signature(SECRET, BATCH + b" ")},
        {"x-outboundiq-signature": signature(SECRET, BATCH).removeprefix("sha256=")},
        {"x-outboundiq-signature": signature(SECRET, BATCH)[:-1]},
        {"Authorization": f"Bearer {SECRET}"},
    ],
)
async def test_what_is_not_signed_is_not_read(
    client: ClientSession, taker: Taker, sent: dict[str, str]
) -> None:
    status, answer = await post(client, BATCH, sent)
    assert (status, answer["success"], taker.taken) == (401, False, [])


@pytest.mark.parametrize("body", [b"", b"[]", BATCH.replace(b"dial.batch", b"dial.other")])
async def test_a_signed_body_that_is_no_batch_is_told(
    client: ClientSession, taker: Taker, body: bytes
) -> None:
    status, answer = await post(client, body, headers(SECRET, body, "one"))
    assert (status, taker.taken) == (400, [])
    assert str(answer["message"]).startswith("not a dial.batch")


async def test_a_body_too_large_is_refused(client: ClientSession) -> None:
    body = b" " * (MAX_BODY_BYTES + 1)
    assert (await post(client, body, headers(SECRET, body, "one")))[0] == 413


async def test_a_spool_in_trouble_asks_for_a_repeat(client: ClientSession, taker: Taker) -> None:
    taker.fails = True
    assert (await post(client, BATCH, headers(SECRET, BATCH, "one")))[0] == 503


def test_without_a_secret_there_is_no_inlet(taker: Taker) -> None:
    assert dial_batch_routes("", taker.take) == []
    with pytest.raises(ValueError, match="secret"):
        dial_batch_handler("", taker.take)
