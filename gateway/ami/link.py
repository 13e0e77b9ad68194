"""The link to one PBX: keeps a session to its manager open, for ever, and tells how it stands.

STOPPED → CONNECTING → UP ⇄ STALLED
              ↑  ↓       ↓
              ↑  DOWN ←──┘        after 0.5 s, doubling to 30 s, a random share of it
              └─ REFUSED          after a minute: nothing changes until someone mends the settings
"""

import asyncio
import logging
import random
import ssl
import time
from collections.abc import Callable
from enum import StrEnum

from gateway.ami.ear import Ear
from gateway.ami.findings import Finding
from gateway.ami.listener import LinkLostError, LoginRefusedError, tls_context
from gateway.ami.open_calls import OpenCalls
from gateway.ami.session import Session
from gateway.ami.settings import AmiSettings, host_and_port
from gateway.model.dial import CallEnd
from gateway.model.variables import CallState
from gateway.telemetry.metrics import AmiMetrics

log = logging.getLogger(__name__)

FIRST_DELAY_S = 0.5
LAST_DELAY_S = 30.0
REFUSED_DELAY_S = 60.0
STEADY_S = 10.0
"""A session that lasted so long was a good one: after it the delays begin anew."""
DRAIN_S = 2.0
"""How long `stop` waits for the consumer to take what has arrived."""


class LinkState(StrEnum):
    """How a link stands; all but `UP` and `STOPPED` are worth a red light."""

    STOPPED = "stopped"
    CONNECTING = "connecting"
    UP = "up"
    STALLED = "stalled"
    """The consumer does not take call ends; they wait here, then in Asterisk, and are lost at last."""
    REFUSED = "refused"
    """Asterisk refuses the login, or its certificate does not fit."""
    DOWN = "down"


class AmiLink:
    """One PBX. `on_end` gets every call end, once per event, and must be quick.

    `on_end` may raise `TryAgainError` to get the same one again a little later; anything else it raises
    costs that one call end and is logged. `wall` and `rng` are the time of day and a share of 0 to 1.
    """

    def __init__(
        self,
        name: str,
        settings: AmiSettings,
        on_end: Callable[[CallEnd], None],
        metrics: AmiMetrics,
        *,
        wall: Callable[[], float] = time.time,
        rng: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.metrics = metrics
        self._settings = settings
        self._rng = rng
        self._calls = OpenCalls(grace_s=settings.gap_grace_s)
        self._ear = Ear(name, on_end, calls=self._calls, metrics=metrics, wall=wall)
        self._tls: ssl.SSLContext | None = None
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None
        self._state = LinkState.STOPPED
        self._peer_host = ""
        self.came_up = asyncio.Event()
        """Set once Asterisk has let us in for the first time."""
        self.reason = ""
        """Why the link is not up, in words; "" while it is."""

    @property
    def state(self) -> LinkState:
        """How the link stands now."""
        if self._session is not None and self._session.is_stalled:
            return LinkState.STALLED
        return self._state

    @property
    def findings(self) -> frozenset[Finding]:
        """What is wrong with the PBX's configuration, as far as the link has heard."""
        return frozenset(self._ear.findings)

    @property
    def asterisk_version(self) -> str:
        """As the PBX tells it; "" when it may not be asked, or is not connected."""
        return self._session.asterisk_version if self._session and self._state is LinkState.UP else ""

    @property
    def peer_host(self) -> str:
        """The PBX's IP address, "" before the first login: tells which link a FastAGI peer belongs to.

        It stays known while the link is down: the calls assigned then are the ones whose end goes unheard.
        """
        return self._peer_host

    @property
    def open_calls(self) -> int:
        """Assigned calls known to be up."""
        return len(self._calls)

    def note_open(self, state: CallState, uniqueid: str) -> None:
        """A number was assigned on a channel of this PBX; call it before Asterisk gets the answer.

        So a call is known even when it ends before Status has ever listed it. Never wrong to leave out.
        """
        self._calls.note(uniqueid, state, asyncio.get_running_loop().time())

    def succeed(self, other: "AmiLink") -> None:
        """Know the open calls that `other`, a link to the same PBX, knows: this one takes its place."""
        now = asyncio.get_running_loop().time()
        for uniqueid, state in other._calls.states():  # noqa: SLF001 - one of our own kind
            self._calls.note(uniqueid, state, now)
        self._peer_host = self._peer_host or other.peer_host

    def start(self) -> None:
        """Begin, within the running loop. Raises `ValueError` or `OSError` for settings that cannot work."""
        host_and_port(self._settings.address)
        self._tls = tls_context(self._settings)
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"AMI link {self.name}")

    async def stop(self) -> None:
        """Leave. What arrived is handed over first, for `DRAIN_S` at most. Safe to call more than once."""
        session = self._session
        try:
            async with asyncio.timeout(DRAIN_S):
                await self._hand_over_all()
                await self._end_task()
                await self._hand_over_all()
        except TimeoutError:
            log.warning("AMI link %s: stopped with call ends nobody took", self.name)
            await self._end_task()
        finally:
            if self._task is not None:  # stopping was itself cancelled
                self._task.cancel()
            if session is not None:
                session.close()
        self._session = None
        self._state = LinkState.STOPPED

    async def _hand_over_all(self) -> None:
        if self._session is not None:
            await self._session.drained()

    async def _end_task(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        attempt = 0
        while True:
            self._state = LinkState.CONNECTING
            attempt = 1 if await self._stay() else attempt + 1
            delay_s = REFUSED_DELAY_S if self._state is LinkState.REFUSED else self._delay(attempt)
            await asyncio.sleep(delay_s)

    async def _stay(self) -> bool:
        """One session, to its end; whether it was a good one. Never raises."""
        session = self._session = Session(self._settings, self._tls, self._ear, self.metrics)
        try:
            await session.run(self._is_up)
        except LoginRefusedError as error:
            self.metrics.refused_logins += 1
            self._refused(
                f"Asterisk refuses user {self._settings.username!r}: {error}", "username and secret"
            )
        except ssl.SSLCertVerificationError as error:
            self._refused(f"the certificate does not fit: {error.verify_message}", "ca_file and server_name")
        except TimeoutError:
            self._lost("no connection in time")
        except (LinkLostError, OSError) as error:
            self._lost(str(error))
        except Exception:
            self.metrics.faults += 1
            log.exception("AMI link %s: a fault of the gateway; it connects again", self.name)
            self._lost("a fault of the gateway")
        was_good = session.up_s >= STEADY_S
        await session.drained()
        return was_good

    def _is_up(self) -> None:
        self._state = LinkState.UP
        if self._session is not None and self._session.peer_host:
            self._peer_host = self._session.peer_host
        self._calls.link_was_down()
        self.came_up.set()
        self.metrics.logins += 1
        self.reason = ""
        log.info("AMI link %s: up, %s", self.name, self._settings.address)

    def _lost(self, reason: str) -> None:
        self.metrics.losses += self._state is LinkState.UP
        self._say(LinkState.DOWN, f"no link to {self._settings.address}: {reason}")

    def _refused(self, reason: str, settings: str) -> None:
        self._say(LinkState.REFUSED, f"{reason}; check {settings} of [ami.{self.name}] and manager.conf")

    def _say(self, state: LinkState, reason: str) -> None:
        """Keep the reason, and log it unless it was the last one too."""
        self._state = state
        if reason != self.reason:
            self.reason = reason
            log.warning("AMI link %s: %s", self.name, reason)

    def _delay(self, attempt: int) -> float:
        """Seconds before the next attempt: a random share ("full jitter") of a time that doubles."""
        return self._rng() * min(LAST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(attempt - 1, 10))
