"""Webhooks end to end over loopback: the engine tells of its dials, the spool they came from confirms."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from gateway.admin.dial_batch import PATH, dial_batch_routes
from gateway.admin.settings import AdminSettings
from gateway.agi.settings import AgiSettings
from gateway.assignment.settings import AssignmentSettings
from gateway.config.settings import DialsSettings, Settings
from gateway.dials.confirmations import WebhookInSettings
from gateway.engine.provider import EngineProvider
from gateway.engine.settings import EngineSettings
from gateway.engine.webhooks import Webhooks, WebhookSettings
from gateway.model.decision import Source
from gateway.model.delivery import ConfirmedStats
from gateway.model.dial import CallEnd, EndSource
from gateway.model.variables import CallState
from gateway.providers.dial_batch import headers, write
from gateway.service.reporting import Reporting
from gateway.service.wiring import Gateway
from gateway.stores.settings import SpoolSettings
from gateway.stores.spool_view import SpoolView
from gateway.telemetry.metrics import Metrics

SECRET = "shared"
CALLS = 250
ENDED_AT = 1_760_000_000.0


def call_end(number: int) -> CallEnd:
    state = CallState(ani="+15552223333", phone="+15559876543", campaign="9001", dial_id=f"d{number}")
    return CallEnd(state, EndSource.REPORT, f"{number}.1", ENDED_AT, dialstatus="ANSWER")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - a test watches from outside
            await asyncio.sleep(0.01)


async def test_every_dial_the_engine_takes_is_confirmed_in_the_spool_it_came_from(tmp_path: Path) -> None:
    """One subscriber is ours and one has another secret: the inlet refuses what that one is told."""
    file = str(tmp_path / "spool.db")
    engine = EngineProvider.open(EngineSettings(database=str(tmp_path / "engine.db")))
    settings = Settings(dials=DialsSettings(targets=("engine",)), spool=SpoolSettings(file=file, settle_s=0))
    reporting = Reporting(settings, Metrics(), engine)
    app = web.Application()
    app.add_routes(dial_batch_routes(SECRET, reporting.confirmations.take))
    async with TestServer(app) as server:
        url = str(server.make_url(PATH))
        hooks = {
            "ours": WebhookSettings(url=url, secret=SECRET, max_wait_s=0.05),
            "stranger": WebhookSettings(url=url, secret="another", max_wait_s=0.05),
        }
        webhooks = Webhooks(hooks, engine.inventory(), repeat_after_s=0)
        engine.tell_kept_dials(webhooks.put)
        await webhooks.start()
        await reporting.start()
        for number in range(CALLS):
            reporting.take_earlier(call_end(number))
        counts = reporting.confirmations.counts
        await until(lambda: counts.confirmed == CALLS and webhooks.counts["stranger"].lost == CALLS)
        await reporting.stop()
        await webhooks.stop()
    engine.close()
    assert (counts.unmatched, counts.known) == (0, 0)
    assert webhooks.counts["ours"].delivered == CALLS
    view = SpoolView.open(file)
    assert view.confirmed() == ConfirmedStats(delivered=CALLS, confirmed=CALLS)
    view.close()


async def test_the_admin_listener_takes_signed_batches_without_its_token(tmp_path: Path) -> None:
    """The signature is the key to this path; all others ask for the token as ever."""
    settings = Settings(
        agi=AgiSettings(listen=("127.0.0.1:0",)),
        assignment=AssignmentSettings(providers=(Source.ENGINE,)),
        engine=EngineSettings(database=str(tmp_path / "engine.db")),
        dials=DialsSettings(targets=("engine",)),
        spool=SpoolSettings(file=str(tmp_path / "spool.db")),
        admin=AdminSettings(listen="127.0.0.1:0", token="made-up"),
        webhook_in=WebhookInSettings(secret=SECRET),
    )
    gateway = Gateway(settings)
    await gateway.start()
    assert gateway.admin_address is not None
    host, port = gateway.admin_address
    body = write([], "one", ENDED_AT)
    async with ClientSession(f"http://{host}:{port}") as session:
        async with session.post(PATH, data=body, headers=headers(SECRET, body, "one")) as answer:
            assert (answer.status, await answer.json()) == (200, {"success": True, "taken": True})
        for path in (PATH, "/api/prewarm"):
            async with session.post(path, data=body) as answer:
                assert answer.status == 401
    await gateway.stop()
