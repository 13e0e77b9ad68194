"""Builds all that must exist once: reporting, webhooks, admin HTTP and the engine's API."""

import asyncio
import logging
from contextlib import AsyncExitStack
from functools import partial

from gateway.admin.app import AdminServer
from gateway.admin.dial_batch import dial_batch_routes
from gateway.admin.events import StatusStream
from gateway.admin.health import health_routes, ready_routes
from gateway.admin.page import page_routes
from gateway.admin.prewarm import Keep, Prewarm, token_needed_routes
from gateway.admin.prometheus import MetricsPage
from gateway.admin.standing import Standing, standing
from gateway.admin.status import StatusPage
from gateway.assignment.owned import OwnedGuard
from gateway.config.settings import Settings
from gateway.engine.api.server import ApiServer
from gateway.engine.provider import EngineProvider
from gateway.engine.webhooks import WebhookCounts, Webhooks
from gateway.service.doors import Door
from gateway.service.overview import CallsSide, Overview
from gateway.service.reporting import Reporting
from gateway.telemetry.metrics import Metrics

log = logging.getLogger(__name__)


class ReportPath:
    """`start` it before the calls, `open_doors` once they are served. The engine stays the caller's."""

    def __init__(self, settings: Settings, metrics: Metrics, engine: EngineProvider | None) -> None:
        self._settings = settings
        self._metrics = metrics
        self._engine = engine
        self._webhooks: Webhooks | None = None
        self.reporting: Reporting | None = None
        """Runs between `start` and `stop`, when there is a target."""
        self._keep: Keep | None = None
        self._calls: CallsSide | None = None
        self._overview: Overview | None = None
        self._status: StatusPage | None = None
        self._admin = Door("admin.listen")
        self._api = Door("api.listen")

    @property
    def api_addresses(self) -> list[tuple[str, int]]:
        """Where the engine answers HTTP; known once the doors are open, empty unless the settings want it."""
        return self._api.addresses

    @property
    def admin_address(self) -> tuple[str, int] | None:
        """Where operators reach us; `None` when they cannot."""
        return next(iter(self._admin.addresses), None)

    async def start(self) -> None:
        """Webhooks, then spool, delivery and AMI. Raises `StoreError`, `ValueError`, `OSError`."""
        self._webhooks = await self._start_webhooks(self._settings)
        self._tell_webhooks()
        if self._settings.dials.targets:
            self.reporting = Reporting(self._settings, self._metrics, self._engine)
            await self.reporting.start()

    async def open_doors(self, keep: Keep, calls: CallsSide) -> None:
        """Listen for HTTP; prewarmed numbers go to `keep`. Raises `OSError` for the engine's API.

        The gateway goes on without its admin listener: nobody may lose a caller ID for want of figures.
        """
        self._keep, self._calls = keep, calls
        try:
            await self._admin.prepare(self._settings.admin.listen, self._admin_server(self._settings))
        except OSError as error:
            log.error(  # noqa: TRY400 - one clear line; where it came from is known
                "%s; calls are answered, but there are no figures and no prewarming: free the port, or "
                "choose another",
                error,
            )
        await self._admin.commit()
        await self._api.prepare(self._settings.api.listen, self._api_server(self._settings))
        await self._api.commit()

    async def reload(self, settings: Settings) -> None:
        """Go by other settings. What did not change goes on as if nothing had happened.

        The spool, the engine, and whether there is reporting at all stay as they are. Raises `ValueError` or
        `OSError`; then nothing has changed.
        """
        earlier = self._settings
        async with AsyncExitStack() as undo:
            doors = await self._prepare_doors(earlier, settings)
            for door in doors:
                undo.push_async_callback(door.abandon)
            webhooks = self._webhooks
            if settings.webhooks != earlier.webhooks:
                webhooks = await self._start_webhooks(settings)
                if webhooks is not None:
                    undo.push_async_callback(webhooks.stop)
            if self.reporting is not None:
                await self.reporting.reload(settings)
            undo.pop_all()
        self._settings = settings
        left, self._webhooks = self._webhooks, webhooks
        self._tell_webhooks()
        leaving = [door.commit() for door in doors]
        if left is not None and left is not webhooks:
            leaving.append(left.stop())
        await asyncio.gather(*leaving)

    async def close_doors(self) -> None:
        """Finish open requests and take no more. Safe to call twice."""
        for door in (self._admin, self._api):
            await door.close()
        if self._overview is not None:
            await self._overview.stop()
            self._overview = self._status = None

    async def stop(self) -> None:
        """Write down and send what is there (`Reporting.stop`). Safe to call twice."""
        if self.reporting is not None:
            await self.reporting.stop()
        if self._webhooks is not None:
            await self._webhooks.stop()
        self.reporting = self._webhooks = None

    async def _start_webhooks(self, settings: Settings) -> Webhooks | None:
        if self._engine is None:
            return None
        webhooks = Webhooks(settings.webhooks, self._engine.inventory())
        await webhooks.start()
        return webhooks

    def _tell_webhooks(self) -> None:
        if self._engine is not None and self._webhooks is not None:
            self._engine.tell_kept_dials(self._webhooks.put)

    async def _prepare_doors(self, earlier: Settings, settings: Settings) -> list[Door]:
        """Those whose settings are not as `earlier`, ready to commit to. Raises `OSError`: then none is."""
        doors: list[Door] = []
        # One that could not be opened at the start is no reason to refuse what is not about it.
        is_open = self._admin.addresses or settings.admin != earlier.admin
        try:
            if is_open and _behind_admin(settings) != _behind_admin(earlier):
                await self._admin.prepare(settings.admin.listen, self._admin_server(settings))
                doors.append(self._admin)
            if _behind_api(settings) != _behind_api(earlier):
                await self._api.prepare(settings.api.listen, self._api_server(settings))
                doors.append(self._api)
        except BaseException:
            for door in doors:
                await door.abandon()
            raise
        return doors

    def _looking(self, calls: CallsSide) -> tuple[Overview, StatusPage]:
        """Those who look at everything: there from the first admin listener on, whatever its settings."""
        if self._overview is None or self._status is None:
            self._overview = Overview(
                self._metrics,
                calls,
                reporting=self.reporting,
                engine=self._engine,
                webhooks=self._webhook_counts,
            )
            self._status = StatusPage(self._overview.look, calls.watch, time=asyncio.get_running_loop().time)
            self._overview.start(self._status.note)
        return self._overview, self._status

    def _webhook_counts(self) -> dict[str, WebhookCounts]:
        return self._webhooks.counts if self._webhooks is not None else {}

    def _admin_server(self, settings: Settings) -> AdminServer | None:
        if not settings.admin.listen or self._keep is None or self._calls is None:
            return None
        overview, status = self._looking(self._calls)
        events = StatusStream(status.document, most_watchers=settings.admin.max_watchers)
        owned = OwnedGuard(settings.assignment, self._engine if settings.assignment.only_owned else None)
        prewarm = Prewarm(self._keep, owned.accepts, most_rows=settings.admin.max_prewarm_rows)
        routes = [
            *health_routes(),
            *ready_routes(partial(_stands, overview)),
            *MetricsPage(overview.look).routes(),
            *status.routes(),
            *events.routes(),
            *page_routes(),
            *(prewarm.routes() if settings.admin.token else token_needed_routes()),
        ]
        if self.reporting is not None:
            routes += dial_batch_routes(settings.webhook_in.secret, self.reporting.confirmations.take)
        # Each open dashboard would be waited for otherwise.
        return AdminServer(settings.admin, routes, before_stop=events.close)

    def _api_server(self, settings: Settings) -> ApiServer | None:
        """The engine over HTTP as well, over the same numbers and counters as the calls."""
        if not settings.api.in_serve or self._engine is None:
            return None
        return ApiServer(self._engine, settings.api, settings.api_keys)


def _stands(overview: Overview) -> Standing:
    return standing(overview.look())


def _behind_admin(settings: Settings) -> tuple[object, ...]:
    """All that the admin listener goes by."""
    return (settings.admin, settings.webhook_in, settings.assignment)


def _behind_api(settings: Settings) -> tuple[object, ...]:
    """All that the engine's API goes by."""
    return (settings.api, settings.api_keys)
