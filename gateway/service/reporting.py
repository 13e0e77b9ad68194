"""The reporting path, put together: what Asterisk tells becomes records, on disk and then delivered.

AMI links ─┐
verb report├─► recorder ─► spool ─► delivery ─► targets
verb assign┘ (an earlier dial on the same channel)

With several workers the verbs are in other processes and come in through `reporting_hub`.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack

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
from gateway.service.ami_links import AmiLinks
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
        self._targets: dict[str, Target] = {}
        self._spool: DialSpool | None = None
        self._delivery: Delivery | None = None
        self._links = AmiLinks(settings.ami, self._hear, metrics)

    @property
    def links(self) -> list[AmiLink]:
        """The links to the PBXes, in the order of the settings."""
        return self._links.all

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
        return faults | self._links.faults

    async def start(self) -> None:
        """Open the spool, begin to deliver, then to listen. Raises `StoreError`, `ValueError`, `OSError`."""
        self._targets = await self._open_targets(self._settings)
        self._spool = DialSpool(self._settings.spool, _repeats(self._targets), self._metrics.dials)
        await self._spool.start()
        self._deliver(self._spool)
        self._links.start()

    async def reload(self, settings: Settings) -> None:
        """Go by other settings; what is heard meanwhile is kept, what waits is sent a few seconds later.

        The spool stays as it is. Raises `ValueError` or `OSError`; then nothing has changed.
        """
        sends_differently = _sending(settings) != _sending(self._settings)
        async with AsyncExitStack() as undo:
            change = await self._links.prepare(settings.ami)
            undo.push_async_callback(change.abandon)
            targets = await self._open_targets(settings) if sends_differently else self._targets
            undo.pop_all()
        self._settings = settings
        self._recorder = Recorder(settings.dials.recorder, pbx_id=settings.agi.pbx_id)
        if sends_differently:
            await self._send_to(targets)
        await self._links.commit(change)

    async def stop(self) -> None:
        """Hear no more, write down what was heard, send what can be sent in time. Safe to call twice."""
        await self._links.stop()
        if self._delivery is not None:
            await self._delivery.stop()
        if self._spool is not None:
            await self._spool.close()
        await _close(self._targets)
        self._targets = {}
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
        self._links.note_assigned(peer, state, uniqueid)

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

    async def _send_to(self, targets: dict[str, Target]) -> None:
        """Have the spool emptied into these from now on."""
        if self._delivery is None or self._spool is None:
            return
        earlier, self._targets = self._targets, targets
        try:
            await self._delivery.stop()
            await self._spool.retarget(_repeats(targets))
            self._deliver(self._spool)
        finally:
            await _close(earlier)

    def _deliver(self, spool: DialSpool) -> None:
        targets: list[DialTarget] = list(self._targets.values())
        self._delivery = Delivery(targets, spool, self._settings.delivery, self._metrics.dials)
        self._delivery.start()

    async def _open_targets(self, settings: Settings) -> dict[str, Target]:
        """The targets by name. Raises `ValueError` or `OSError`; then none stays open."""
        targets: dict[str, Target] = {}
        try:
            for name in settings.dials.targets:
                target = targets[name] = self._target(name, settings)
                if isinstance(target, OutboundIqDials | OutboundAniResults):
                    await target.open()
        except BaseException:
            await _close(targets)
            raise
        return targets

    def _target(self, name: str, settings: Settings) -> Target:
        in_flight = settings.delivery.max_in_flight
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


def _sending(settings: Settings) -> tuple[object, ...]:
    """All that says how records are sent."""
    accounts = (settings.outboundiq, settings.outboundani_results, settings.dials_file)
    return (settings.dials, settings.delivery, *accounts)


def _repeats(targets: Mapping[str, Target]) -> dict[str, bool]:
    return {target.name: target.repeats_safely for target in targets.values()}


async def _close(targets: Mapping[str, Target]) -> None:
    for target in targets.values():
        if not isinstance(target, EngineDials):
            await target.close()
