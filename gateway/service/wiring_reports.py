"""Builds all that must exist once: reporting, webhooks, admin HTTP and the engine's API."""

import asyncio
import logging
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
        self._admin: AdminServer | None = None
        self._overview: Overview | None = None
        self._events: StatusStream | None = None
        self._api: ApiServer | None = None

    @property
    def api_addresses(self) -> list[tuple[str, int]]:
        """Where the engine answers HTTP; known once the doors are open, empty unless the settings want it."""
        return self._api.addresses if self._api else []

    @property
    def admin_address(self) -> tuple[str, int] | None:
        """Where operators reach us; `None` when they cannot."""
        return self._admin.address if self._admin else None

    async def start(self) -> None:
        """Webhooks, then spool, delivery and AMI. Raises `StoreError`, `ValueError`, `OSError`."""
        if self._engine is not None:
            self._webhooks = Webhooks(self._settings.webhooks, self._engine.inventory())
            await self._webhooks.start()
            self._engine.tell_kept_dials(self._webhooks.put)
        if self._settings.dials.targets:
            self.reporting = Reporting(self._settings, self._metrics, self._engine)
            await self.reporting.start()

    async def open_doors(self, keep: Keep, calls: CallsSide) -> None:
        """Listen for HTTP; prewarmed numbers go to `keep`. Raises `OSError` for the engine's API.

        The gateway goes on without its admin listener: nobody may lose a caller ID for want of figures.
        """
        if self._settings.admin.listen:
            await self._open_admin(keep, calls)
        if self._settings.api.in_serve and self._engine is not None:
            # The engine over HTTP as well, over the same numbers and counters as the calls.
            self._api = ApiServer(self._engine, self._settings.api, self._settings.api_keys)
            await self._api.start()

    async def close_doors(self) -> None:
        """Finish open requests and take no more. Safe to call twice."""
        if self._events is not None:
            self._events.close()  # else each open dashboard would be waited for
        for server in (self._admin, self._api):
            if server is not None:
                await server.stop()
        self._admin = self._api = self._events = None
        if self._overview is not None:
            await self._overview.stop()
            self._overview = None

    async def stop(self) -> None:
        """Write down and send what is there (`Reporting.stop`). Safe to call twice."""
        if self.reporting is not None:
            await self.reporting.stop()
        if self._webhooks is not None:
            await self._webhooks.stop()
        self.reporting = self._webhooks = None

    async def _open_admin(self, keep: Keep, calls: CallsSide) -> None:
        overview = Overview(
            self._metrics,
            calls,
            reporting=self.reporting,
            engine=self._engine,
            webhooks=self._webhook_counts,
        )
        status = StatusPage(overview.look, calls.watch, time=asyncio.get_running_loop().time)
        events = StatusStream(status.document, most_watchers=self._settings.admin.max_watchers)
        admin = self._admin_server(keep, overview, status, events)
        try:
            await admin.start()
        except OSError as error:
            await admin.stop()
            log.error(  # noqa: TRY400 - one clear line; where it came from is known
                "cannot listen on admin.listen %s: %s; calls are answered, but there are no figures and no "
                "prewarming: free the port, or choose another",
                self._settings.admin.listen,
                error.strerror or error,
            )
            return
        overview.start(status.note)
        self._admin, self._overview, self._events = admin, overview, events

    def _webhook_counts(self) -> dict[str, WebhookCounts]:
        return self._webhooks.counts if self._webhooks is not None else {}

    def _admin_server(
        self, keep: Keep, overview: Overview, status: StatusPage, events: StatusStream
    ) -> AdminServer:
        settings = self._settings.admin
        owned = OwnedGuard(
            self._settings.assignment, self._engine if self._settings.assignment.only_owned else None
        )
        prewarm = Prewarm(keep, owned.accepts, most_rows=settings.max_prewarm_rows)
        routes = [
            *health_routes(),
            *ready_routes(partial(_stands, overview)),
            *MetricsPage(overview.look).routes(),
            *status.routes(),
            *events.routes(),
            *page_routes(),
            *(prewarm.routes() if settings.token else token_needed_routes()),
        ]
        if self.reporting is not None:
            secret = self._settings.webhook_in.secret
            routes += dial_batch_routes(secret, self.reporting.confirmations.take)
        return AdminServer(settings, routes)


def _stands(overview: Overview) -> Standing:
    return standing(overview.look())
