"""Builds all that must exist once: reporting, webhooks, admin HTTP and the engine's API."""

import asyncio
from contextlib import AsyncExitStack

from gateway.admin.app import AdminServer
from gateway.admin.dial_batch import dial_batch_routes
from gateway.admin.health import health_routes
from gateway.admin.prewarm import Keep, Prewarm
from gateway.assignment.owned import OwnedGuard
from gateway.config.settings import Settings
from gateway.engine.api.server import ApiServer
from gateway.engine.provider import EngineProvider
from gateway.engine.webhooks import Webhooks
from gateway.service.doors import Door
from gateway.service.reporting import Reporting
from gateway.telemetry.metrics import Metrics


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

    async def open_doors(self, keep: Keep) -> None:
        """Listen for HTTP; prewarmed numbers go to `keep`. Raises `OSError`."""
        self._keep = keep
        for door in await self._prepare_doors(self._settings):
            await door.commit()

    async def reload(self, settings: Settings) -> None:
        """Go by other settings. What did not change goes on as if nothing had happened.

        The spool, the engine, and whether there is reporting at all stay as they are. Raises `ValueError` or
        `OSError`; then nothing has changed.
        """
        earlier = self._settings
        async with AsyncExitStack() as undo:
            doors = await self._prepare_doors(settings, earlier)
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

    async def _prepare_doors(self, settings: Settings, earlier: Settings | None = None) -> list[Door]:
        """Those whose settings are not as `earlier`, ready to commit to. Raises `OSError`: then none is."""
        doors: list[Door] = []
        try:
            if earlier is None or _behind_admin(settings) != _behind_admin(earlier):
                await self._admin.prepare(settings.admin.listen, self._admin_server(settings))
                doors.append(self._admin)
            if earlier is None or _behind_api(settings) != _behind_api(earlier):
                await self._api.prepare(settings.api.listen, self._api_server(settings))
                doors.append(self._api)
        except BaseException:
            for door in doors:
                await door.abandon()
            raise
        return doors

    def _admin_server(self, settings: Settings) -> AdminServer | None:
        if not settings.admin.listen or self._keep is None:
            return None
        owned = OwnedGuard(settings.assignment, self._engine if settings.assignment.only_owned else None)
        prewarm = Prewarm(self._keep, owned.accepts, most_rows=settings.admin.max_prewarm_rows)
        routes = [*health_routes(), *prewarm.routes()]
        if self.reporting is not None:
            routes += dial_batch_routes(settings.webhook_in.secret, self.reporting.confirmations.take)
        return AdminServer(settings.admin, routes)

    def _api_server(self, settings: Settings) -> ApiServer | None:
        """The engine over HTTP as well, over the same numbers and counters as the calls."""
        if not settings.api.in_serve or self._engine is None:
            return None
        return ApiServer(self._engine, settings.api, settings.api_keys)


def _behind_admin(settings: Settings) -> tuple[object, ...]:
    """All that the admin listener goes by."""
    return (settings.admin, settings.webhook_in, settings.assignment)


def _behind_api(settings: Settings) -> tuple[object, ...]:
    """All that the engine's API goes by."""
    return (settings.api, settings.api_keys)
