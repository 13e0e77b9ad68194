"""Builds the gateway, in one process or shared by several. Only the `wiring` files know concrete parts.

Gateway         everything:  calls ─────────────────────────► reporting   (service.workers = 1)
WorkerPart      one of N:    calls ─► WorkerFeed ─┐
ReportingPart   the one:                          └► FeedHub ─► reporting
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import replace

from gateway.admin.snapshot import WorkerFigures
from gateway.config.settings import Settings
from gateway.engine.provider import EngineProvider
from gateway.model.phone import PhoneNumber
from gateway.service.loop import settle_memory
from gateway.service.reporting import Reporting
from gateway.service.reporting_hub import FeedHub
from gateway.service.wiring_calls import CallPath
from gateway.service.wiring_redis import SharedPath
from gateway.service.wiring_reports import ReportPath
from gateway.service.worker_feed import Rows, WorkerFeed
from gateway.telemetry.figures import CallFigures
from gateway.telemetry.metrics import Metrics

_WORKERS_LEAVE_S = 3.0
"""Beyond the drain of their calls: how long the workers may take to hand over their last reports."""


class Gateway:
    """The whole gateway in one process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self._engine: EngineProvider | None = None
        self._reports: ReportPath | None = None
        self._calls: CallPath | None = None
        self._next: CallPath | None = None
        """Takes over from `_calls` at a reload; what is prewarmed meanwhile is for both."""
        self._draining: set[asyncio.Task[None]] = set()
        """Call paths that were replaced, finishing their calls."""

    @property
    def reporting(self) -> Reporting | None:
        """The reporting path; `None` without a target, or when it does not run."""
        return self._reports.reporting if self._reports else None

    @property
    def api_addresses(self) -> list[tuple[str, int]]:
        """Where the engine answers HTTP; known once started, empty unless the settings want it."""
        return self._reports.api_addresses if self._reports else []

    @property
    def agi_addresses(self) -> list[tuple[str, int]]:
        """Where Asterisk reaches us; known once started."""
        return self._calls.server.addresses if self._calls and self._calls.server else []

    @property
    def admin_address(self) -> tuple[str, int] | None:
        """Where operators reach us; `None` when they cannot."""
        return self._reports.admin_address if self._reports else None

    async def start(self) -> None:
        """Open everything and listen. Raises `OSError` or the engine's errors; then nothing stays open."""
        try:
            self._engine = open_engine(self.settings)
            self._reports = ReportPath(self.settings, self.metrics, self._engine)
            await self._reports.start()
            self._calls = self._call_path(self.settings, self._reports)
            await self._calls.start()
            await self._reports.open_doors(self._prewarm, self)
        except BaseException:
            await self.stop()
            raise

    def workers(self) -> Sequence[WorkerFigures]:
        """This process, which answers all calls."""
        return self._calls.workers() if self._calls else ()

    def total(self) -> CallFigures:
        """What was counted until now, over all reloads."""
        return self._calls.total() if self._calls else CallFigures()

    def watch(self) -> None:
        """Have the last calls noted for some seconds."""
        if self._calls is not None:
            self._calls.watch()

    @property
    def is_elsewhere(self) -> bool:
        """Calls are answered here."""
        return False

    async def reload(self, settings: Settings) -> None:
        """Go by other settings: new calls at once, those under way end as they began.

        What `reload_rules` names must be as before. Raises `OSError`, `ValueError` or `StoreError`; then
        nothing has changed.
        """
        if self._calls is None or self._calls.server is None or self._reports is None:
            return
        earlier = self._calls
        self._next = self._call_path(settings, self._reports)
        try:
            for _ in self._next.cache.learn(earlier.cache):
                await asyncio.sleep(0)
            # Both take calls from the same queues until we know that all else fits too.
            await self._next.start(self._calls.server.lend())
            await self._reports.reload(settings)
        except BaseException:
            await self._next.stop(patient=True)
            self._next = None
            raise
        self._calls, self._next, self.settings = self._next, None, settings
        task = asyncio.get_running_loop().create_task(self._drain(earlier))
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)

    async def stop(self) -> None:
        """Drain the calls under way, then close the rest. Safe to call at any time, more than once."""
        for calls in (self._calls, self._next):
            if calls is not None:
                await calls.stop()  # /readyz tells of it meanwhile
        await asyncio.gather(*self._draining)
        if self._reports is not None:
            await self._reports.close_doors()
            await self._reports.stop()
        if self._engine is not None:
            self._engine.close()
        self._calls = self._next = self._reports = self._engine = None

    def _call_path(self, settings: Settings, reports: ReportPath) -> CallPath:
        return CallPath(settings, self.metrics, engine=self._engine, reporter=reports.reporting)

    def _prewarm(self, phone: PhoneNumber, campaign: str, ani: PhoneNumber) -> None:
        for calls in (self._calls, self._next):
            if calls is not None:
                calls.cache.prewarm(phone, campaign, ani)

    async def _drain(self, calls: CallPath) -> None:
        await calls.stop(patient=True)
        settle_memory()


class WorkerPart:
    """One of several processes that answer Asterisk."""

    def __init__(self, settings: Settings, *, slot: int, feed: str) -> None:
        """`slot` counts from 1; `feed` is the path of the reporting process's socket."""
        # The reporting process has loaded the file into the database that all share.
        self.settings = replace(settings, engine=replace(settings.engine, inventory=""))
        self.metrics = Metrics()
        self._slot = slot
        self._path = feed
        self._engine: EngineProvider | None = None
        self._feed: WorkerFeed | None = None
        self._calls: CallPath | None = None
        self._covers: dict[int, list[asyncio.Server]] = {}

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Take calls from these listening sockets. Raises as `Gateway.start`; then nothing stays open."""
        try:
            self._engine = open_engine(self.settings)
            self._feed = WorkerFeed(
                self._path,
                self._slot,
                most_unsaved=self.settings.service.max_unsaved_reports,
                notes_assigned=bool(self.settings.ami),
                figures=self._figures,
                on_prewarmed=self._prewarm,
                on_watched=self._watch,
            )
            reporter = self._feed if self.settings.dials.targets else None
            self._calls = CallPath(self.settings, self.metrics, engine=self._engine, reporter=reporter)
            self._feed.start()
            await self._feed.welcomed()
            await self._calls.start(sockets)
        except BaseException:
            await self.stop()
            raise

    async def cover(self, slot: int, sockets: Sequence[socket.socket]) -> None:
        """Take the calls of a slot that has no worker now, too."""
        if self._calls is not None and self._calls.server is not None:
            self._covers[slot] = await self._calls.server.accept_from(sockets)

    def uncover(self, slot: int) -> None:
        """Leave that slot to its own worker again."""
        servers = self._covers.pop(slot, [])
        if self._calls is not None and self._calls.server is not None:
            self._calls.server.cease(servers)

    async def stop(self, *, patient: bool = False) -> None:
        """Finish the calls (`AgiServer.stop`), hand over their reports, then leave. Safe to call twice."""
        if self._calls is not None:
            self._calls.end()
            if self._feed is not None:
                self._feed.tell()  # else the others would learn of it in a second
            await self._calls.stop(patient=patient)
        if self._feed is not None:
            await self._feed.close()
        if self._engine is not None:
            self._engine.close()
        self._covers.clear()
        self._calls = self._feed = self._engine = None

    def _figures(self) -> CallFigures:
        return CallFigures() if self._calls is None else self._calls.total()

    def _watch(self) -> None:
        if self._calls is not None:
            self._calls.watch()

    def _prewarm(self, rows: Rows) -> None:
        if self._calls is not None:
            for phone, campaign, ani, left_s in rows:
                self._calls.cache.prewarm(PhoneNumber(phone), campaign, PhoneNumber(ani), left_s)


class ReportingPart:
    """The one process beside the workers: AMI, spool, delivery, HTTP."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self._engine: EngineProvider | None = None
        self._shared: SharedPath | None = None
        self._hub: FeedHub | None = None
        self._reports: ReportPath | None = None

    @property
    def api_addresses(self) -> list[tuple[str, int]]:
        """As `Gateway.api_addresses`."""
        return self._reports.api_addresses if self._reports else []

    @property
    def admin_address(self) -> tuple[str, int] | None:
        """As `Gateway.admin_address`."""
        return self._reports.admin_address if self._reports else None

    async def start(self, feed: socket.socket) -> None:
        """Take workers from this listening socket. Raises as `Gateway.start`; then nothing stays open."""
        try:
            self._engine = open_engine(self.settings)
            self._reports = ReportPath(self.settings, self.metrics, self._engine)
            await self._reports.start()
            time = asyncio.get_running_loop().time
            self._hub = FeedHub(self.settings.assignment, self._reports.reporting, time=time)
            await self._hub.start(feed)
            if self.settings.api.in_serve and self._engine is not None:
                self._shared = SharedPath.wanted(self.settings, self._engine)
            if self._shared is not None:
                await self._shared.start()
            await self._reports.open_doors(self._hub.prewarm, self._hub.figures)
        except BaseException:
            await self.stop()
            raise

    async def reload(self, settings: Settings) -> None:
        """Go by other settings, as `Gateway.reload`; workers are replaced by the supervisor."""
        if self._reports is not None:
            await self._reports.reload(settings)
        if self._hub is not None:
            self._hub.reload(settings.assignment)
        self.settings = settings

    async def stop(self) -> None:
        """Wait for the workers to leave, then write down and send what is there. Safe to call twice."""
        if self._hub is not None:
            await self._hub.stop(self.settings.agi.drain_timeout_s + _WORKERS_LEAVE_S)
        if self._reports is not None:
            await self._reports.close_doors()
            await self._reports.stop()
        if self._shared is not None:
            await self._shared.stop()
        if self._engine is not None:
            self._engine.close()
        self._reports = self._hub = self._shared = self._engine = None


def open_engine(settings: Settings) -> EngineProvider | None:
    """The engine, when the settings give it numbers to choose from. Raises `StoreError`, `InventoryError`."""
    if not (settings.engine.database or settings.engine.inventory):
        return None
    return EngineProvider.open(settings.engine)
