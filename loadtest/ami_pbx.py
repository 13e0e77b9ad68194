"""The manager of the simulated PBX, on gevent: the gateway connects to it, and hears the calls end.

One for each locust process, as each is a PBX of its own. What it says is `AmiSession`'s, of the shipped
simulator; here are only its sockets and the calls that are up.
"""

import heapq
import math
import random
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import gevent
from gevent.lock import RLock
from gevent.server import StreamServer

from gateway.model.variables import ANSWEREDTIME, DIALSTATUS, GATEWAY
from gateway.simulator.ami_events import AmiChannel
from gateway.simulator.ami_session import AmiSession, AmiUser
from gateway.simulator.conversations import ENDINGS

MAX_UP = 100_000
"""Most calls up at once; a further one is refused, and the run fails: nobody hears them end."""
_SEND_TIMEOUT_S = 10.0
_GOODBYE_S = 5.0
_SHARES = [ending.share for ending in ENDINGS]
_READ_BYTES = 16_384
_ANSWERED = "ANSWER"


class PbxError(Exception):
    """The gateway does not hear what it should."""


@dataclass(frozen=True, slots=True, order=True)
class Up:
    """A call that is up; ordered by when it ends."""

    ends_at: float
    channel: AmiChannel = field(compare=False)
    dialstatus: str = field(compare=False)


class Pbx:
    """The calls that are up, and whoever is connected to the manager."""

    def __init__(self) -> None:
        self.is_serving = False
        self.told = 0
        """Calls whose end was told to somebody."""
        self._user = AmiUser()
        self._up: list[Up] = []
        self._links: dict[socket.socket, _Link] = {}
        self._was_heard = False
        self._refused = 0
        self._server: StreamServer | None = None

    def serve(self, port: int) -> None:
        """Listen on loopback; nothing when it does already."""
        if not self.is_serving:
            self.is_serving = True
            self._server = StreamServer(("127.0.0.1", port), self._talk)
            self._server.start()

    def begin(self, uniqueid: str, packed: str) -> None:
        """A call with a number of the gateway's goes on; when nothing is served, nobody asks for its end."""
        if not self.is_serving:
            return
        if len(self._up) >= MAX_UP:
            self._refused += 1
            return
        (ending,) = random.choices(ENDINGS, _SHARES)
        lasts_s = random.uniform(ending.shortest_s, ending.longest_s)
        variables = {GATEWAY: packed, DIALSTATUS: ending.dialstatus}
        if ending.dialstatus == _ANSWERED:
            variables[ANSWEREDTIME] = str(int(lasts_s))
        channel = AmiChannel(
            uniqueid,
            variables=variables,
            state=ending.state,
            cause=ending.cause,
            tech_cause=ending.tech_cause,
        )
        heapq.heappush(self._up, Up(time.monotonic() + lasts_s, channel, ending.dialstatus))

    def hang_up_due(self, now: float) -> list[str]:
        """Tell the ends of all calls due by `now`: their DIALSTATUS, one for each.

        Nothing is told before the gateway has logged in for the first time; those calls stay up. Raises
        `PbxError` when it never came until the end (`now` is infinite), is gone, or does not read.
        """
        self._complain_of_refused()
        links = [link for link in self._links.values() if link.session.authenticated]
        self._was_heard |= bool(links)
        if not self._was_heard and now < math.inf:
            return []
        ended = list(self._due(now))
        if ended and not links:
            raise PbxError(f"{len(ended)} call(s) ended while no gateway was connected to the manager")
        events = b"".join(up.channel.hangup(self._user.channelvars) for up in ended)
        for link in links if events else ():
            link.send(events)
        self.told += len(ended)
        return [up.dialstatus for up in ended]

    def close(self) -> None:
        """End every call, say so, and part in such a way that nothing told is lost."""
        if self._server is None:
            return
        self._server.stop_accepting()
        for link in list(self._links.values()):
            link.say_goodbye()
        until = time.monotonic() + _GOODBYE_S
        while self._links and time.monotonic() < until:
            gevent.sleep(0.01)
        self._server.stop(timeout=0)
        self._server = None
        self.is_serving = self._was_heard = False

    def _complain_of_refused(self) -> None:
        refused, self._refused = self._refused, 0
        if refused:
            raise PbxError(
                f"{refused} call(s) not followed to their end: {MAX_UP} are up; is [ami.NAME] set?"
            )

    def _due(self, now: float) -> Iterator[Up]:
        while self._up and self._up[0].ends_at <= now:
            yield heapq.heappop(self._up)

    def _channels(self) -> list[AmiChannel]:
        return [up.channel for up in self._up]

    def _talk(self, sock: socket.socket, _address: object) -> None:
        sock.settimeout(None)  # the gateway pings when it hears nothing, so a dead one is noticed by sending
        link = self._links[sock] = _Link(sock, AmiSession(self._user, self._channels))
        with suppress(OSError, PbxError):
            link.converse()
        del self._links[sock]


class _Link:
    """One client of the manager."""

    def __init__(self, sock: socket.socket, session: AmiSession) -> None:
        self.session = session
        self._sock = sock
        self._lock = RLock()  # a message is never cut by another one

    def converse(self) -> None:
        """Answer its actions until it leaves."""
        self.send(self.session.greeting)
        while not self.session.closing and (data := self._sock.recv(_READ_BYTES)):
            if answers := b"".join(self.session.receive(data)):
                self.send(answers)

    def send(self, data: bytes) -> None:
        """Write all of it. Raises `PbxError` when the gateway does not take it in time."""
        try:
            with self._lock, gevent.Timeout(_SEND_TIMEOUT_S, TimeoutError()):
                self._sock.sendall(data)
        except OSError as error:  # TimeoutError is one
            raise PbxError(f"the gateway did not read from the manager: {type(error).__name__}") from error

    def say_goodbye(self) -> None:
        """Close this side only: a full close would take back what the gateway has not read yet."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
