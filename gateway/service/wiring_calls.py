"""Builds the call path, from a connection to its answer: once in one process, once in each worker."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from gateway.admin.snapshot import WorkerFigures
from gateway.agi.server import AgiServer
from gateway.agi.verbs.assign import Assign
from gateway.agi.verbs.base import Verb
from gateway.agi.verbs.earlier import Reporter
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
from gateway.engine.provider import EngineProvider
from gateway.model.decision import Source
from gateway.model.dial import CallEnd
from gateway.providers.outboundani import OutboundAni
from gateway.providers.outboundiq import OutboundIq
from gateway.service.call_figures import able_now, figures_of
from gateway.telemetry.call_log import CallLog
from gateway.telemetry.figures import CallFigures
from gateway.telemetry.metrics import Metrics


class CallReporter(Reporter, Protocol):
    """Takes what the verbs learn of calls: `Reporting` itself, or a worker's feed to it."""

    def record(self, end: CallEnd, settle: Callable[[bool], None]) -> None:
        """Make a record; call back once it is safe (`True`) or will not be (`False`)."""
        ...


class CallPath:
    """FastAGI, verbs, resolver and upstreams. The engine and the reporter stay the caller's."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        *,
        engine: EngineProvider | None,
        reporter: CallReporter | None,
    ) -> None:
        """Without `reporter` nothing is reported. Make it within the running loop."""
        self._settings = settings
        self._metrics = metrics
        self._engine = engine
        self._reporter = reporter
        self._loop = asyncio.get_running_loop()
        self.cache = AnswerCache(settings.assignment, self._loop.time)
        self._is_stopping = False
        self._upstreams: list[OutboundIq | OutboundAni] = []
        self._coalescers: list[Coalescer] = []
        self._resolver: Resolver | None = None
        self._report: Report | None = None
        self.server: AgiServer | None = None
        """Listens between `start` and `stop`."""

    async def start(self, sockets: Sequence[socket.socket] = ()) -> None:
        """Open the upstreams and listen, at the settings' addresses or with `sockets`. Raises `OSError`."""
        settings = self._settings
        campaigns = Campaigns(settings.assignment, settings.campaigns)
        self._resolver = await self._make_resolver(campaigns)
        assign = Assign(
            settings.agi,
            resolver=self._resolver,
            guards=Guards(settings.assignment),
            campaigns=campaigns,
            metrics=self._metrics.calls,
            call_log=self._call_log(),
            reporter=self._reporter,
        )
        verbs: dict[str, Verb] = {"assign": assign, "": assign}
        if self._reporter is not None:
            deadline_s = settings.agi.report_deadline_s
            self._report = Report(self._reporter.record, deadline_s=deadline_s, clock=self._loop)
            verbs["report"] = self._report
        self.server = AgiServer(settings.agi, verbs, self._metrics.sessions, self._loop)
        await self.server.start(sockets)

    def end(self) -> None:
        """Say from now on that no more calls are taken; `stop` does the same."""
        self._is_stopping = True

    async def stop(self, *, patient: bool = False) -> None:
        """Drain the calls under way (`AgiServer.stop`), then close the rest. Safe to call twice."""
        self.end()
        if self.server is not None:
            await self.server.stop(patient=patient)
        if self._resolver is not None:
            self._resolver.close()
        if self._report is not None:
            self._report.close()
        for coalescer in self._coalescers:  # they stay, as what they counted is told last
            await coalescer.close()
        for upstream in self._upstreams:
            await upstream.close()
        self.server = self._resolver = self._report = None
        self._upstreams.clear()

    def workers(self) -> tuple[WorkerFigures, ...]:
        """This process, which answers all calls."""
        return (WorkerFigures(0, self.total(), 0.0),)

    def watch(self) -> None:
        """Have the last calls noted for some seconds."""
        self._metrics.calls.recent.watch()

    @property
    def is_elsewhere(self) -> bool:
        """Calls are answered here."""
        return False

    def total(self) -> CallFigures:
        """What was counted until now."""
        return figures_of(
            self._metrics,
            upstreams=self._coalescers,
            cache_entries=len(self.cache),
            cache_size=self._settings.assignment.cache_size,
            able=able_now(self._settings, self.cache, self._engine),
            takes_calls=self.server is not None and not self._is_stopping,
        )

    async def _make_resolver(self, campaigns: Campaigns) -> Resolver:
        settings = self._settings.assignment
        engine = LocalLane(self._engine) if self._engine is not None else None
        return Resolver(
            deadline_s=settings.deadline_s,
            lanes=await self._lanes(engine),
            cache=self.cache,
            campaigns=campaigns,
            fallback=Fallback(settings.fallback, cache=self.cache, campaigns=campaigns, engine=engine),
            owned=OwnedGuard(settings, self._engine if settings.only_owned else None),
            clock=self._loop,
            metrics=self._metrics.calls,
        )

    def _call_log(self) -> CallLog | None:
        log = self._settings.log
        return CallLog(mask_numbers=log.mask_numbers) if log.calls else None

    async def _lanes(self, engine: LocalLane | None) -> dict[Source, Lane]:
        lanes: dict[Source, Lane] = {}
        if engine is not None:
            lanes[Source.ENGINE] = engine
        if self._settings.outboundiq.key:
            outboundiq = OutboundIq(self._settings.outboundiq)
            lanes[Source.OUTBOUNDIQ] = await self._remote(outboundiq, self._settings.assignment)
        if self._settings.outboundani.key:
            # Its batches are single requests after all: pacing them would only make calls wait.
            alone = replace(self._settings.assignment, batching=False)
            outboundani = OutboundAni(self._settings.outboundani)
            lanes[Source.OUTBOUNDANI] = await self._remote(outboundani, alone)
        return lanes

    async def _remote(self, upstream: OutboundIq | OutboundAni, settings: AssignmentSettings) -> Coalescer:
        self._upstreams.append(upstream)
        await upstream.open()
        coalescer = Coalescer(upstream, settings, self._loop, self._metrics.upstream(upstream.source))
        self._coalescers.append(coalescer)
        return coalescer
