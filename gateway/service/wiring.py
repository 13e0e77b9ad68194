"""Builds the gateway out of its parts. The only place that knows concrete ones."""

import asyncio
from dataclasses import replace

from gateway.admin.app import AdminServer
from gateway.admin.dial_batch import dial_batch_routes
from gateway.admin.health import health_routes
from gateway.admin.prewarm import Prewarm
from gateway.agi.server import AgiServer
from gateway.agi.verbs.assign import Assign
from gateway.agi.verbs.base import Verb
from gateway.agi.verbs.report import Report
from gateway.assignment.cache import AnswerCache
from gateway.assignment.campaigns import Campaigns
from gateway.assignment.coalesce import Coalescer
from gateway.assignment.fallback import Fallback
from gateway.assignment.guards import Guards
from gateway.assignment.lane import Lane, LocalLane
from gateway.assignment.owned import OwnedGuard
from gateway.assignment.resolver import Resolver
from gateway.assignment.settings import AssignmentSettings
from gateway.config.settings import Settings
from gateway.engine.api.server import ApiServer
from gateway.engine.provider import EngineProvider
from gateway.engine.webhooks import Webhooks
from gateway.model.decision import Source
from gateway.providers.outboundani import OutboundAni
from gateway.providers.outboundiq import OutboundIq
from gateway.service.reporting import Reporting
from gateway.telemetry.call_log import CallLog
from gateway.telemetry.metrics import Metrics


class Gateway:
    """The whole call path in one process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self._upstreams: list[OutboundIq | OutboundAni] = []
        self._coalescers: list[Coalescer] = []
        self._engine: EngineProvider | None = None
        self._webhooks: Webhooks | None = None
        self.reporting: Reporting | None = None
        self._report: Report | None = None
        self._resolver: Resolver | None = None
        self._server: AgiServer | None = None
        self._admin: AdminServer | None = None
        self._api: ApiServer | None = None

    @property
    def api_addresses(self) -> list[tuple[str, int]]:
        """Where the engine answers HTTP; known once started, empty unless the settings want it."""
        return self._api.addresses if self._api else []

    @property
    def agi_addresses(self) -> list[tuple[str, int]]:
        """Where Asterisk reaches us; known once started."""
        return self._server.addresses if self._server else []

    @property
    def admin_address(self) -> tuple[str, int] | None:
        """Where operators reach us; `None` when they cannot."""
        return self._admin.address if self._admin else None

    async def start(self) -> None:
        """Open everything and listen. Raises `OSError` or the engine's errors; then nothing stays open."""
        try:
            await self._start(asyncio.get_running_loop())
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Drain the calls under way, then close the rest. Safe to call at any time, more than once."""
        for server in (self._admin, self._server, self._api):
            if server is not None:
                await server.stop()
        if self._resolver is not None:
            self._resolver.close()
        if self._report is not None:
            self._report.close()
        if self.reporting is not None:
            await self.reporting.stop()
        if self._webhooks is not None:
            await self._webhooks.stop()
        for coalescer in self._coalescers:
            await coalescer.close()
        for upstream in self._upstreams:
            await upstream.close()
        if self._engine is not None:
            self._engine.close()
        self._server = self._resolver = self._report = self.reporting = self._engine = None
        self._webhooks = self._admin = self._api = None
        self._coalescers.clear()
        self._upstreams.clear()

    async def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        settings = self.settings.assignment
        campaigns = Campaigns(settings, self.settings.campaigns)
        engine = self._open_engine()
        if self._engine is not None:
            self._webhooks = Webhooks(self.settings.webhooks, self._engine.inventory())
            await self._webhooks.start()
            self._engine.tell_kept_dials(self._webhooks.put)
        cache = AnswerCache(settings, loop.time)
        owned = OwnedGuard(settings, self._engine if settings.only_owned else None)
        self._resolver = Resolver(
            deadline_s=settings.deadline_s,
            lanes=await self._lanes(engine, loop),
            cache=cache,
            campaigns=campaigns,
            fallback=Fallback(settings.fallback, cache=cache, campaigns=campaigns, engine=engine),
            owned=owned,
            clock=loop,
            metrics=self.metrics.calls,
        )
        if self.settings.dials.targets:
            self.reporting = Reporting(self.settings, self.metrics, self._engine)
            await self.reporting.start()
        assign = Assign(
            self.settings.agi,
            resolver=self._resolver,
            guards=Guards(settings),
            campaigns=campaigns,
            metrics=self.metrics.calls,
            call_log=self._call_log(),
            reporter=self.reporting,
        )
        verbs: dict[str, Verb] = {"assign": assign, "": assign}
        if self.reporting is not None:
            deadline_s = self.settings.agi.report_deadline_s
            self._report = Report(self.reporting.record, deadline_s=deadline_s, clock=loop)
            verbs["report"] = self._report
        self._server = AgiServer(self.settings.agi, verbs, self.metrics.sessions, loop)
        await self._server.start()
        if self.settings.admin.listen:
            self._admin = self._admin_server(cache, owned)
            await self._admin.start()
        await self._serve_api()

    def _admin_server(self, cache: AnswerCache, owned: OwnedGuard) -> AdminServer:
        settings = self.settings.admin
        prewarm = Prewarm(cache.prewarm, owned.accepts, most_rows=settings.max_prewarm_rows)
        routes = [*health_routes(), *prewarm.routes()]
        if self.reporting is not None:
            secret = self.settings.webhook_in.secret
            routes += dial_batch_routes(secret, self.reporting.confirmations.take)
        return AdminServer(settings, routes)

    async def _serve_api(self) -> None:
        """The engine over HTTP as well, over the same numbers and counters as the calls."""
        if self.settings.api.in_serve and self._engine is not None:
            self._api = ApiServer(self._engine, self.settings.api, self.settings.api_keys)
            await self._api.start()

    def _call_log(self) -> CallLog | None:
        log = self.settings.log
        return CallLog(mask_numbers=log.mask_numbers) if log.calls else None

    def _open_engine(self) -> LocalLane | None:
        """The engine, when the settings give it numbers to choose from."""
        if not (self.settings.engine.database or self.settings.engine.inventory):
            return None
        self._engine = EngineProvider.open(self.settings.engine)
        return LocalLane(self._engine)

    async def _lanes(self, engine: LocalLane | None, loop: asyncio.AbstractEventLoop) -> dict[Source, Lane]:
        lanes: dict[Source, Lane] = {}
        if engine is not None:
            lanes[Source.ENGINE] = engine
        if self.settings.outboundiq.key:
            outboundiq = OutboundIq(self.settings.outboundiq)
            lanes[Source.OUTBOUNDIQ] = await self._remote(outboundiq, self.settings.assignment, loop)
        if self.settings.outboundani.key:
            # Its batches are single requests after all: pacing them would only make calls wait.
            alone = replace(self.settings.assignment, batching=False)
            outboundani = OutboundAni(self.settings.outboundani)
            lanes[Source.OUTBOUNDANI] = await self._remote(outboundani, alone, loop)
        return lanes

    async def _remote(
        self,
        upstream: OutboundIq | OutboundAni,
        settings: AssignmentSettings,
        loop: asyncio.AbstractEventLoop,
    ) -> Coalescer:
        self._upstreams.append(upstream)
        await upstream.open()
        coalescer = Coalescer(upstream, settings, loop, self.metrics.upstream(upstream.source))
        self._coalescers.append(coalescer)
        return coalescer
