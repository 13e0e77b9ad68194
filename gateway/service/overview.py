"""Everything a running gateway tells of itself, collected from its parts, for those who look.

calls (this process, or all workers) ─┐
reporting, AMI links, webhooks ───────┼► Overview.look ─► Snapshot ─► /metrics, /api/status, /readyz
engine, looked at now and then ───────┘
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Protocol

from gateway.admin.snapshot import LinkFigures, ReportFigures, Snapshot, TargetFigures, WorkerFigures
from gateway.engine.provider import EngineProvider
from gateway.engine.survey import EngineSurvey
from gateway.engine.webhooks import WebhookCounts
from gateway.providers.base import ProviderError
from gateway.service.reporting import Reporting
from gateway.telemetry.figures import CallFigures
from gateway.telemetry.logs import Throttle, lines_left_out
from gateway.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

_EVERY_S = 1.0
_SURVEY_EVERY_S = 10
"""Looks at the engine's numbers: about 70 ms of its database's thread for 100,000 of them."""


class CallsSide(Protocol):
    """The calls of the gateway, wherever they are answered."""

    def workers(self) -> Sequence[WorkerFigures]:
        """The processes that answer calls now."""
        ...

    def total(self) -> CallFigures:
        """All of them together, those that have ended included."""
        ...

    def watch(self) -> None:
        """Have the last calls noted for some seconds."""
        ...

    @property
    def is_elsewhere(self) -> bool:
        """Whether calls are answered by other processes than this one."""
        ...


class Overview:
    """`start` it in the running loop, `stop` it at the end."""

    def __init__(
        self,
        metrics: Metrics,
        calls: CallsSide,
        *,
        reporting: Reporting | None,
        engine: EngineProvider | None,
        webhooks: Callable[[], dict[str, WebhookCounts]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives seconds since the epoch."""
        self.calls = calls
        self._metrics = metrics
        self._reporting = reporting
        self._surveyor = engine.surveyor() if engine is not None else None
        self._survey: EngineSurvey | None = None
        self._webhooks = webhooks
        self._clock = clock
        self._version = version("ani-gateway")
        self._started_at = clock()
        self._throttle = Throttle(log, most=1)
        self._task: asyncio.Task[None] | None = None

    def start(self, note: Callable[[], None]) -> None:
        """Look at the engine now and then, and call `note` once a second."""
        self._task = asyncio.get_running_loop().create_task(self._tick(note), name="overview")

    async def stop(self) -> None:
        """Look no more. Safe to call twice."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def look(self) -> Snapshot:
        """All figures of this moment. Takes about 0.1 ms."""
        return Snapshot(
            self._version,
            self._clock(),
            self._started_at,
            self.calls.total(),
            self.calls.workers(),
            self._links(),
            self._reports(),
            self._webhooks(),
            self._survey,
            lines_left_out() if self.calls.is_elsewhere else 0,
        )

    def _links(self) -> tuple[LinkFigures, ...]:
        if self._reporting is None:
            return ()
        return tuple(
            LinkFigures(
                link.name,
                link.state,
                link.reason,
                link.metrics,
                link.open_calls,
                tuple(sorted(finding.name.lower() for finding in link.findings)),
            )
            for link in self._reporting.links
        )

    def _reports(self) -> ReportFigures | None:
        if self._reporting is None:
            return None
        dials, faults = self._metrics.dials, self._reporting.faults
        return ReportFigures(
            dials,
            tuple(TargetFigures(name, faults.get(name, ""), one) for name, one in dials.targets.items()),
            faults.get("spool", ""),
            {reason.value: count for reason, count in self._reporting.not_recorded.items()},
            self._reporting.confirmations.counts,
        )

    async def _tick(self, note: Callable[[], None]) -> None:
        seconds = 0
        while True:
            if seconds % _SURVEY_EVERY_S == 0:
                await self._look_at_engine()
            try:
                note()
            except Exception:  # noqa: BLE001 - figures are fenced off from calls
                self._throttle.warning("the figures of this second could not be taken")
            await asyncio.sleep(_EVERY_S)
            seconds += 1

    async def _look_at_engine(self) -> None:
        if self._surveyor is None:
            return
        try:
            self._survey = await self._surveyor.look()
        except ProviderError as error:
            self._throttle.warning("the engine's numbers cannot be looked at: %s", error)
