"""All that a running gateway shows of itself at one moment: `service.overview` collects it, others write it.

What changes with every call was copied into `CallFigures`; the counters of the reports belong to this process
and are read where they stand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.dials.confirmations import ConfirmationCounts
from gateway.engine.survey import EngineSurvey
from gateway.engine.webhooks import WebhookCounts
from gateway.telemetry.figures import CallFigures
from gateway.telemetry.metrics import AmiMetrics, DialMetrics, TargetMetrics


@dataclass(frozen=True, slots=True)
class WorkerFigures:
    """One process that answers calls and is alive."""

    slot: int
    """From 1; 0 when there is one process for everything."""
    figures: CallFigures
    age_s: float
    """How old the figures are."""


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """One AMI link."""

    name: str
    state: str
    words: str
    """Why it is not up, "" while it is."""
    metrics: AmiMetrics
    open_calls: int = 0
    findings: Sequence[str] = ()
    """What is wrong with the PBX's configuration, one word each."""


@dataclass(frozen=True, slots=True)
class TargetFigures:
    """One target of dial records."""

    name: str
    fault: str
    """What is wrong with it now, "" when nothing is."""
    metrics: TargetMetrics


@dataclass(frozen=True, slots=True)
class ReportFigures:
    """The reporting path."""

    dials: DialMetrics
    targets: Sequence[TargetFigures]
    spool_fault: str
    """What is wrong with the spool now, "" when nothing is."""
    not_recorded: Mapping[str, int]
    """Call ends that made no record, by the reason."""
    confirmations: ConfirmationCounts


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole gateway."""

    version: str
    now: float
    """Seconds since the epoch, as `started_at`."""
    started_at: float
    calls: CallFigures
    """All processes together, those that have ended included."""
    workers: Sequence[WorkerFigures]
    links: Sequence[LinkFigures] = ()
    reports: ReportFigures | None = None
    """`None` when nothing is reported."""
    webhooks: Mapping[str, WebhookCounts] = field(default_factory=dict)
    """By subscriber."""
    engine: EngineSurvey | None = None
    """`None` without one, and before it was first looked at."""
    lines_left_out: int = 0
    """Log lines this process left out, when the calls are in others."""
