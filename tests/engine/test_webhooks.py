import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.engine.management import EngineInventory
from gateway.engine.webhooks import Webhooks, WebhookSettings
from gateway.model.dial import Dial
from gateway.model.inventory import Campaign, CampaignType, Dispo, DispoType, Inventory
from gateway.providers.dial_batch import DELIVERY_ID_HEADER, is_signed
from gateway.stores.inventory import MIGRATIONS, InventoryStore
from gateway.stores.sqlite import SqliteDatabase

NOW = 1_775_831_535.0
SECRET = "s3cret"
SALE = Dispo("sale", "Sale closed", DispoType.AGENT, contact=True, success=True)
BUSY = Dispo("busy", "Busy", DispoType.SYSTEM, contact=False, success=False)
Told = Callable[[int], Awaitable[None]]


class Subscriber:
    """Takes deliveries; answers with `statuses` in turn, then 200."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.bodies: list[bytes] = []
        self.ids: list[str] = []
        self.paths: list[str] = []
        self.came = asyncio.Condition()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        assert is_signed(SECRET, body, request.headers)
        async with self.came:
            self.bodies.append(body)
            self.ids.append(request.headers[DELIVERY_ID_HEADER])
            self.paths.append(request.path_qs)
            self.came.notify_all()
        await self.may_answer.wait()
        return web.Response(
            status=self.statuses.pop(0) if self.statuses else 200, headers={"Retry-After": "0"}
        )

    async def has(self, count: int) -> None:
        async with asyncio.timeout(10), self.came:
            await self.came.wait_for(lambda: len(self.bodies) >= count)

    def dials(self) -> list[list[Any]]:
        return [[one["callId"] for one in orjson.loads(body)["dials"]] for body in self.bodies]


@asynccontextmanager
async def told(subscriber: Subscriber, *, drain_s: float = 10.0, **settings: Any) -> AsyncIterator[Webhooks]:
    app = web.Application()
    app.router.add_post("/hook", subscriber.take)
    database = SqliteDatabase.open("", MIGRATIONS, group_window_s=0)
    store = InventoryStore(database)
    store.save(Inventory((Campaign("9001", "Sales", CampaignType.OUTBOUND),), (SALE, BUSY)))
    async with TestServer(app) as server:
        chosen = {
            "url": str(server.make_url("/hook?of=acme")),
            "secret": SECRET,
            "max_wait_s": 0,
            "timeout_s": 10,
        }
        webhooks = Webhooks(
            {"one": WebhookSettings(**{**chosen, **settings})},
            EngineInventory(store),
            clock=lambda: NOW,
            repeat_after_s=0,
            drain_s=drain_s,
        )
        await webhooks.start()
        try:
            yield webhooks
        finally:
            subscriber.may_answer.set()
            await webhooks.stop()
            database.close()


def dial(dial_id: str = "d1", disposition: str = "sale", **fields: Any) -> Dial:
    return Dial(dial_id, "+15552223333", "+442079460199", NOW - 60, disposition_name=disposition, **fields)


async def test_a_dial_is_told_with_what_the_inventory_knows_of_it() -> None:
    subscriber = Subscriber()
    async with told(subscriber, company_slug="acme") as webhooks:
        webhooks.put(
            [dial(campaign_id="9001", agent_name="kim", call_direction="Outbound", total_dial_attempts="2")]
        )
        await subscriber.has(1)
    assert subscriber.paths == ["/hook?of=acme"]
    sent = orjson.loads(subscriber.bodies[0])
    assert sent == {
        "event": "dial.batch",
        "deliveryId": subscriber.ids[0],
        "deliveredAt": "2026-04-10T14:32:15Z",
        "dials": [
            {
                "companySlug": "acme",
                "callId": "d1",
                "callDirection": "Outbound",
                "timestamp": "2026-04-10T14:31:15Z",
                "ani": "5552223333",
                "phone": "442079460199",
                "campaign": "Sales",
                "campaignInternalId": "9001",
                "agent": "kim",
                "disposition": "Sale closed",
                "dispositionId": "sale",
                "contact": True,
                "success": True,
                "isSystemDispo": False,
                "totalDialAttempts": 2,
            }
        ],
    }


async def test_a_disposition_nobody_knows_has_no_flags() -> None:
    subscriber = Subscriber()
    async with told(subscriber) as webhooks:
        webhooks.put([dial("a", "odd", total_dial_attempts="many"), dial("b", "Busy")])
        await subscriber.has(1)
    odd, busy = orjson.loads(subscriber.bodies[0])["dials"]
    assert (odd["disposition"], odd["dispositionId"], odd["contact"]) == ("odd", "", False)
    assert (odd["totalDialAttempts"], odd["isSystemDispo"]) == (0, False)
    assert (busy["dispositionId"], busy["isSystemDispo"]) == ("busy", True)


async def test_dials_share_deliveries_up_to_the_largest_and_none_is_missing() -> None:
    subscriber = Subscriber()
    async with told(subscriber, max_batch=4, max_wait_s=3_600) as webhooks:
        webhooks.put([dial(str(number)) for number in range(10)])
        await subscriber.has(2)
        assert [len(part) for part in subscriber.dials()] == [4, 4]
    assert subscriber.dials()[2] == ["8", "9"]
    assert webhooks.counts["one"].delivered == 10


@pytest.mark.parametrize("status", [500, 404, 302, 429])
async def test_a_failed_delivery_is_repeated_once_and_the_same(status: int) -> None:
    subscriber = Subscriber(status)
    async with told(subscriber) as webhooks:
        webhooks.put([dial()])
        await subscriber.has(2)
    assert subscriber.bodies[0] == subscriber.bodies[1]
    assert subscriber.ids[0] == subscriber.ids[1]
    counts = webhooks.counts["one"]
    assert (counts.delivered, counts.repeated, counts.lost) == (1, 1, 0)


async def test_what_fails_twice_is_lost_counted_and_said(caplog: pytest.LogCaptureFixture) -> None:
    subscriber = Subscriber(500, 503)
    async with told(subscriber, max_batch=2) as webhooks:
        webhooks.put([dial("a"), dial("b")])
        await subscriber.has(2)
        webhooks.put([dial("c")])
        await subscriber.has(3)
    assert subscriber.dials() == [["a", "b"], ["a", "b"], ["c"]]
    assert len(set(subscriber.ids)) == 2
    counts = webhooks.counts["one"]
    assert (counts.delivered, counts.lost) == (1, 2)
    assert 'webhook "one": 2 dials are not told: answer 503' in caplog.text


async def test_nobody_there_is_a_loss_and_no_more() -> None:
    async with told(Subscriber(), url="http://127.0.0.1:1/hook") as webhooks:
        webhooks.put([dial()])
        await webhooks.stop()
        assert webhooks.counts["one"].lost == 1


async def test_a_full_queue_counts_what_it_has_no_room_for(caplog: pytest.LogCaptureFixture) -> None:
    subscriber = Subscriber()
    async with told(subscriber, max_queued=3, max_wait_s=3_600) as webhooks:
        webhooks.put([dial(str(number)) for number in range(5)])
        webhooks.put([dial("late")])
        assert webhooks.counts["one"].overflowed == 3
    assert subscriber.dials() == [["0", "1", "2"]]
    assert 'webhook "one" is 3 dials behind' in caplog.text


async def test_a_stop_delivers_what_waits() -> None:
    subscriber = Subscriber()
    async with told(subscriber, max_wait_s=3_600) as webhooks:
        webhooks.put([dial("a")])
        await webhooks.stop()
        webhooks.put([dial("too late")])
    assert subscriber.dials() == [["a"]]


async def test_a_stop_does_not_wait_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    subscriber = Subscriber()
    subscriber.may_answer.clear()
    async with told(subscriber, drain_s=0.01, max_batch=1) as webhooks:
        webhooks.put([dial("a"), dial("b")])
        await subscriber.has(1)
        await webhooks.stop()
        assert webhooks.counts["one"].lost == 2
    assert "2 dials are not told: the gateway stops" in caplog.text


async def test_without_subscribers_nothing_happens() -> None:
    database = SqliteDatabase.open("", MIGRATIONS)
    webhooks = Webhooks({}, EngineInventory(InventoryStore(database)))
    await webhooks.start()
    webhooks.put([dial()])
    await webhooks.stop()
    assert webhooks.counts == {}
    database.close()
