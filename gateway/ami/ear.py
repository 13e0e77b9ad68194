"""What an AMI link has understood so far: lives as long as the link, through all its connections.

Call ends go to the consumer, open calls are kept in mind, faults of the PBX's configuration are said once.
"""

import logging
from collections.abc import Callable, Mapping

from gateway.ami.events import LiveChannel, NoCall, gap_end, read_hangup
from gateway.ami.findings import Finding
from gateway.ami.intake import TryAgainError
from gateway.ami.open_calls import OpenCalls
from gateway.model.dial import CallEnd
from gateway.model.variables import CallState
from gateway.telemetry.metrics import AmiMetrics

log = logging.getLogger(__name__)


class Ear:
    """One PBX's ear. `wall` tells the time of day in seconds since the epoch."""

    def __init__(
        self,
        name: str,
        on_end: Callable[[CallEnd], None],
        *,
        calls: OpenCalls,
        metrics: AmiMetrics,
        wall: Callable[[], float],
    ) -> None:
        self._name = name
        self._on_end = on_end
        self._calls = calls
        self._metrics = metrics
        self._wall = wall
        self.findings: set[Finding] = set()

    def hear_hangup(self, body: bytes) -> None:
        """A Hangup event arrived. Raises `TryAgainError` when the consumer cannot take its call end now."""
        hangup = read_hangup(body, pbx=self._name, heard_at=self._wall())
        if hangup is NoCall.NOT_NAMED:
            self._metrics.ignored += 1
            self.find(Finding.NO_CHANNELVARS)
        elif hangup is NoCall.NOT_ASSIGNED:
            self._metrics.ignored += 1
        else:
            self._metrics.call_ends += self._hand_over(hangup.end)
            if hangup.lag_s is not None:
                self._metrics.lag.observe(hangup.lag_s)
            if self.findings:
                self.findings -= {Finding.NO_HANGUPS, Finding.NO_CHANNELVARS}
            if self.findings or hangup.lacks_variables:
                self._settle(Finding.FEW_CHANNELVARS, there=hangup.lacks_variables)

    def hear_status(self, channels: list[LiveChannel], *, asked_at: float, now: float) -> None:
        """Status listed all channels there are."""
        if channels:
            self._settle(Finding.NO_CHANNELVARS, there=not all(channel.names_gateway for channel in channels))
        live: Mapping[str, CallState | None] = {channel.uniqueid: channel.state for channel in channels}
        self._calls.reconcile(live, asked_at=asked_at, now=now)

    def give_out_lost(self, now: float) -> None:
        """Hand over the calls that are over without a Hangup event, once their grace has run out."""
        for call in self._calls.lost(now):
            try:
                ended_at = self._wall() - call.gone_for_s
                end = gap_end(call.uniqueid, call.state, pbx=self._name, ended_at=ended_at)
                self._metrics.gap_ends += self._hand_over(end)
            except TryAgainError:
                return
            if not call.in_gap:
                self._metrics.missed_hangups += 1
                self.find(Finding.NO_HANGUPS)
        self._metrics.forgotten = self._calls.forgotten

    def find(self, finding: Finding) -> None:
        """Something is wrong on the PBX: say so, once until it is right again."""
        if finding not in self.findings:
            self.findings.add(finding)
            log.warning("AMI link %s: %s", self._name, finding.value)

    def _settle(self, finding: Finding, *, there: bool) -> None:
        if there:
            self.find(finding)
        else:
            self.findings.discard(finding)

    def _hand_over(self, end: CallEnd) -> bool:
        """Whether the consumer took it; its fault costs one call end, which the log names."""
        taken = True
        try:
            self._on_end(end)
        except TryAgainError:
            raise
        except Exception:
            self._metrics.faults += 1
            log.exception("AMI link %s: the end of call %s could not be recorded", self._name, end.uniqueid)
            taken = False
        self._calls.ended(end.uniqueid)
        return taken
