"""One stay at one Asterisk manager, from the connection to its loss.

connect → log in → ask version and Status → listen, and ping in silence → lost
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import assert_never

from gateway.ami.decoder import Frame, FrameKind
from gateway.ami.ear import Ear
from gateway.ami.events import LiveChannel, read_status
from gateway.ami.findings import Finding
from gateway.ami.gather import GATHER_S, Gather
from gateway.ami.intake import Intake
from gateway.ami.listener import Connection, LinkLostError, NoAnswerError, connect
from gateway.ami.pulse import DEAD_AFTER_S, Beat, Pulse
from gateway.ami.settings import AmiSettings
from gateway.telemetry.metrics import AmiMetrics

log = logging.getLogger(__name__)

STATUS_EVERY_S = 300.0
"""How often open calls are compared with Status on a link that never broke: finds a missing `read=call`."""
_LONGEST_SLEEP_S = 1.0
_SHORTEST_SLEEP_S = 0.01
_UNFILTERED_BYTES = 500_000
"""So much passed over, and more than 5 kB for each Hangup event: there is no filter. An event has 0.6 kB."""
_UNFILTERED_BYTES_EACH = 5_000


class Session:
    """`run` it once; then `drained` when every call end that arrived has been handed over."""

    def __init__(
        self, settings: AmiSettings, tls: ssl.SSLContext | None, ear: Ear, metrics: AmiMetrics
    ) -> None:
        self._settings = settings
        self._tls = tls
        self._ear = ear
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._pulse = Pulse(self._loop.time())
        self._gather = Gather()
        self._gathering: asyncio.TimerHandle | None = None
        self._is_leaving = False
        self._connection: Connection | None = None
        self._intake = Intake(self._loop, metrics, take=self._take, pause=self._pause, resume=self._resume)
        self._listing: list[LiveChannel] | None = None
        """What Status has listed so far; `None` when it is not asked or may not be."""
        self._status_asked_at = 0.0
        self._may_ask_status = True
        self._passed_over_before = metrics.passed_over_bytes
        self._hangups_before = metrics.ignored + metrics.call_ends
        self._up_at: float | None = None
        self.asterisk_version = ""

    @property
    def is_stalled(self) -> bool:
        """Whether the consumer does not take what has arrived."""
        return self._intake.is_stalled

    @property
    def up_s(self) -> float:
        """Seconds since the login, 0 without one."""
        return 0.0 if self._up_at is None else self._loop.time() - self._up_at

    @property
    def peer_host(self) -> str:
        """The PBX's IP address, "" while there is no connection."""
        return self._connection.peer_host if self._connection else ""

    async def run(self, on_up: Callable[[], None]) -> None:
        """Connect and stay until the link is lost; `on_up` is told of the login.

        Raises `LinkLostError`, `LoginRefusedError`, `OSError` or `TimeoutError`; never returns.
        """
        self._connection = await connect(self._settings, self._tls, self._hear)
        try:
            await self._log_in(self._connection)
            self._up_at = self._loop.time()
            on_up()
            await self._ask_version(self._connection)
            await self._ask_status(self._connection)
            await self._watch(self._connection)
        finally:
            self._connection.close()

    async def drained(self) -> None:
        """Return when all that arrived has been handed on; not before the consumer takes it."""
        self._is_leaving = True
        if self._gathering is not None:
            self._gathering.cancel()
            self._read_on()
            await asyncio.sleep(GATHER_S)  # what has gathered is read meanwhile
        await self._intake.drained()

    def close(self) -> None:
        """Drop what was not handed on."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        self._intake.close()

    async def _log_in(self, connection: Connection) -> None:
        try:
            await connection.log_in(self._settings.username, self._settings.secret)
        except NoAnswerError as error:
            hint = "" if self._tls or self._intake.version else "; should the port speak TLS, set tls = true"
            raise LinkLostError(f"{error}{hint}") from error

    async def _ask_version(self, connection: Connection) -> None:
        self.asterisk_version = (await connection.act("CoreSettings")).headers.get("AsteriskVersion", "")

    async def _ask_status(self, connection: Connection) -> None:
        self._status_asked_at = self._loop.time()
        self._listing = []
        answer = await connection.act("Status")
        if not answer.success:
            self._listing = None
            self._may_ask_status = False
            self._ear.find(Finding.NO_STATUS)
        else:
            self._ear.findings.discard(Finding.NO_STATUS)

    async def _watch(self, connection: Connection) -> None:
        while not connection.ended.done():
            now = self._loop.time()
            self._beat(connection, now)
            self._ear.give_out_lost(now)
            self._look_for_a_filter()
            if self._may_ask_status and now - self._status_asked_at >= STATUS_EVERY_S:
                await self._ask_status(connection)
            sleep_s = max(min(self._pulse.next_at - now, _LONGEST_SLEEP_S), _SHORTEST_SLEEP_S)
            await asyncio.wait({connection.ended}, timeout=sleep_s)
        raise LinkLostError(connection.ended.result())

    def _beat(self, connection: Connection, now: float) -> None:
        if self._intake.is_paused:  # what the peer says waits in the kernel
            self._pulse.heard(now)
        match self._pulse.beat(now):
            case Beat.PING:
                self._metrics.pings += 1
                connection.ping()
            case Beat.DEAD:
                raise LinkLostError(f"the PBX did not answer a Ping for {DEAD_AFTER_S:g} s")
            case Beat.NOTHING:
                pass
            case beat:
                assert_never(beat)

    def _look_for_a_filter(self) -> None:
        passed_over = self._metrics.passed_over_bytes - self._passed_over_before
        hangups = self._metrics.ignored + self._metrics.call_ends - self._hangups_before
        if passed_over > max(_UNFILTERED_BYTES, _UNFILTERED_BYTES_EACH * hangups):
            self._ear.find(Finding.UNFILTERED)

    def _hear(self, data: bytearray, size: int) -> None:
        now = self._loop.time()
        self._pulse.heard(now)
        connection = self._connection
        if connection is None:  # the banner may come while we connect
            self._intake.receive(data, size)
            return
        is_asking = connection.awaits_answer or self._listing is not None
        passed_over = self._metrics.passed_over_bytes
        self._intake.receive(data, size, only_hangups=not is_asking)
        unwanted = self._metrics.passed_over_bytes - passed_over
        pause_s = self._gather.pause_s(size, unwanted, now)
        if pause_s and not self._intake.is_paused and not self._is_leaving:
            connection.pause()
            self._gathering = self._loop.call_later(pause_s, self._read_on)

    def _read_on(self) -> None:
        self._gathering = None
        if not self._intake.is_paused:
            self._resume()

    def _pause(self) -> None:
        if self._connection is not None:
            self._connection.pause()

    def _resume(self) -> None:
        if self._connection is not None:
            self._connection.resume()

    def _take(self, frame: Frame) -> None:
        match frame.kind:
            case FrameKind.HANGUP:
                self._ear.hear_hangup(frame.body)
            case FrameKind.STATUS:
                self._list(frame.body)
            case FrameKind.STATUS_COMPLETE:
                self._finish_listing()
            case FrameKind.RESPONSE:
                if self._connection is not None:
                    self._connection.hear_response(frame.body)
            case kind:
                assert_never(kind)

    def _list(self, body: bytes) -> None:
        channel = read_status(body)
        if channel is not None and self._listing is not None:
            self._listing.append(channel)

    def _finish_listing(self) -> None:
        if self._listing is not None:
            listing, self._listing = self._listing, None
            self._ear.hear_status(listing, asked_at=self._status_asked_at, now=self._loop.time())
