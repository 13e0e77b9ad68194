"""Builds all that must exist once: reporting, webhooks, admin HTTP and the engine's API."""

from gateway.admin.app import AdminServer
from gateway.admin.dial_batch import dial_batch_routes
from gateway.admin.health import health_routes
from gateway.admin.prewarm import Keep, Prewarm
from gateway.assignment.owned import OwnedGuard
from gateway.config.settings import Settings
from gateway.engine.api.server import ApiServer
from gateway.engine.provider import EngineProvider
from gateway.engine.webhooks import Webhooks
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
        self._admin: AdminServer | None = None
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

    async def open_doors(self, keep: Keep) -> None:
        """Listen for HTTP; prewarmed numbers go to `keep`. Raises `OSError`."""
        if self._settings.admin.listen:
            self._admin = self._admin_server(keep)
            await self._admin.start()
        if self._settings.api.in_serve and self._engine is not None:
            # The engine over HTTP as well, over the same numbers and counters as the calls.
            self._api = ApiServer(self._engine, self._settings.api, self._settings.api_keys)
            await self._api.start()

    async def close_doors(self) -> None:
        """Finish open requests and take no more. Safe to call twice."""
        for server in (self._admin, self._api):
            if server is not None:
                await server.stop()
        self._admin = self._api = None

    async def stop(self) -> None:
        """Write down and send what is there (`Reporting.stop`). Safe to call twice."""
        if self.reporting is not None:
            await self.reporting.stop()
        if self._webhooks is not None:
            await self._webhooks.stop()
        self.reporting = self._webhooks = None

    def _admin_server(self, keep: Keep) -> AdminServer:
        settings = self._settings.admin
        owned = OwnedGuard(
            self._settings.assignment, self._engine if self._settings.assignment.only_owned else None
        )
        prewarm = Prewarm(keep, owned.accepts, most_rows=settings.max_prewarm_rows)
        routes = [*health_routes(), *prewarm.routes()]
        if self.reporting is not None:
            secret = self._settings.webhook_in.secret
            routes += dial_batch_routes(secret, self.reporting.confirmations.take)
        return AdminServer(settings, routes)
