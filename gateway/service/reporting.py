"""The reporting path, put together: what Asterisk tells becomes records, on disk and then delivered.

AMI links ─┐
verb report├─► recorder ─► spool ─► delivery ─► targets
verb assign┘ (an earlier dial on the same channel)

With several workers the verbs are in other processes and come in through `reporting_hub`.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence

from gateway.ami.intake import TryAgainError
from gateway.ami.link import AmiLink
from gateway.config.settings import Settings
from gateway.dials.confirmations import Confirmations
from gateway.dials.delivery import Delivery
from gateway.dials.lines_target import LinesTarget
from gateway.dials.recorder import NoRecord, Recorder
from gateway.dials.spool import DialSpool
from gateway.engine.dial_target import EngineDials
from gateway.engine.provider import EngineProvider
from gateway.model.delivery import Confirmed, Stored
from gateway.model.dial import CallEnd, Dial
from gateway.model.variables import CallState
from gateway.providers.base import DialTarget
from gateway.providers.outboundani_results import OutboundAniResults
from gateway.providers.outboundiq_dials import OutboundIqDials
from gateway.stores.base import StoreUnusableError
from gateway.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

_MAX_HEARD = 10_000
"""Calls remembered as over: ten seconds' worth at 1,000 calls a second."""

Target = OutboundIqDials | OutboundAniResults | LinesTarget | EngineDials


class Reporting:
    """Everything behind the end of a call. `start` before the first call, `stop` after the last."""

    def __init__(self, settings: Settings, metrics: Metrics, engine: EngineProvider | None) -> None:
        self._settings = settings
        self._metrics = metrics
        self._engine = engine
        self._recorder = Recorder(settings.dials.recorder, pbx_id=settings.agi.pbx_id)
        self.not_recorded: Counter[NoRecord] = Counter()
        """Call ends that make no record, by the reason."""
        self.confirmations = Confirmations(self._confirm)
        """Takes what webhooks tell of dials that were sent."""
        self._heard: dict[tuple[str, str], None] = {}
        self._targets: list[Target] = []
        self._spool: DialSpool | None = None
        self._delivery: Delivery | None = None
        self.links = [
            AmiLink(name, link, self._hear, metrics.ami_link(name)) for name, link in settings.ami.items()
        ]

    @property
    def is_full(self) -> bool:
        """Whether so many records wait for the disk that no more should come."""
        return self._metrics.dials.buffered >= self._settings.spool.buffer_records

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong now, by part, in words; empty when all is well."""
        faults = dict(self._delivery.faults) if self._delivery else {}
        if self._spool is not None and self._spool.fault:
            faults["spool"] = self._spool.fault
        return faults | {f"ami.{link.name}": link.reason for link in self.links if link.reason}

    async def start(self) -> None:
        """Open the spool, begin to deliver, then to listen. Raises `StoreError`, `ValueError`, `OSError`."""
        targets: list[DialTarget] = []
        for name in self._settings.dials.targets:
            target = self._target(name)
            self._targets.append(target)
            if isinstance(target, OutboundIqDials | OutboundAniResults):
                await target.open()
            targets.append(target)
        repeats = {target.name: target.repeats_safely for target in targets}
        self._spool = DialSpool(self._settings.spool, repeats, self._metrics.dials)
        await self._spool.start()
        self._delivery = Delivery(targets, self._spool, self._settings.delivery, self._metrics.dials)
        self._delivery.start()
        for link in self.links:
            link.start()

    async def stop(self) -> None:
        """Hear no more, write down what was heard, send what can be sent in time. Safe to call twice."""
        for link in self.links:
            await link.stop()
        if self._delivery is not None:
            await self._delivery.stop()
        if self._spool is not None:
            await self._spool.close()
        for target in self._targets:
            if not isinstance(target, EngineDials):
                await target.close()
        self._targets.clear()
        self._delivery = self._spool = None

    def record(self, end: CallEnd, settle: Callable[[bool], None]) -> None:
        """Make a record and call back once it is safe; also when there is none to make."""
        dial = self._dial(end)
        if dial is None or self._spool is None:
            settle(dial is None)
            return
        self._spool.put(dial).add_done_callback(lambda put: settle(put.result() is not Stored.LOST))

    def take_earlier(self, end: CallEnd) -> None:
        """Keep the record of an earlier dial on a channel that asks again. Never blocks or raises."""
        dial = self._dial(end)
        if dial is not None and self._spool is not None:
            self._spool.put(dial)

    def note_assigned(self, peer: str, state: CallState, uniqueid: str) -> None:
        """A call of the PBX at `peer` has its answer: its link may have to notice that it ended unheard.

        A worker's word may come after the Hangup event of its call; then there is nothing left to notice.
        """
        if (uniqueid, state.dial_id) in self._heard:
            return
        for link in self.links:
            if link.peer_host == peer:
                link.note_open(state, uniqueid)

    async def _confirm(self, dial_ids: Sequence[str]) -> Confirmed:
        if self._spool is None:
            raise StoreUnusableError("the spool is closed")
        return await self._spool.confirm(dial_ids)

    def _hear(self, end: CallEnd) -> None:
        if self.is_full:
            raise TryAgainError
        self.take_earlier(end)
        self._heard[end.uniqueid, end.state.dial_id] = None
        if len(self._heard) > _MAX_HEARD:
            del self._heard[next(iter(self._heard))]

    def _dial(self, end: CallEnd) -> Dial | None:
        made = self._recorder.record(end)
        if isinstance(made, Dial):
            self._metrics.dials.recorded(made.ani)
            return made
        self.not_recorded[made] += 1
        return None

    def _target(self, name: str) -> Target:
        settings, in_flight = self._settings, self._settings.delivery.max_in_flight
        match name:
            case "outboundiq":
                return OutboundIqDials(settings.outboundiq, settings.dials, max_in_flight=in_flight)
            case "outboundani":
                return OutboundAniResults(settings.outboundani_results, max_in_flight=in_flight)
            case "file":
                return LinesTarget(settings.dials_file)
            case "engine" if self._engine is not None:
                return self._engine.dial_target()
            case _:
                raise ValueError(f'dials.targets: "{name}" is not available; engine needs engine.database')
