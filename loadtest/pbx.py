"""The manager interface of a PBX that filters nothing: 40 events for each call, one of them its end.

The events are those of a real Asterisk 22.10 (data/ami_unfiltered.txt.gz), taken evenly, so that the kinds
are mixed as there, with the channel variables the shipped manager.conf names. Logging in is answered by the
shipped simulator; no class of events is held back, which is the most a gateway can be sent.

Alone, `python loadtest/pbx.py --port 5038 --rate 1000` sends the events of 1,000 calls a second to whoever
logs in. It prints `ready` when somebody has, waits for a line, and prints how many calls it told as JSON.
"""

import argparse
import gzip
import json
import select
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.simulator.ami_session import CHANNELVARS, AmiSession, AmiUser

RECORDING = Path(__file__).parent / "data" / "ami_unfiltered.txt.gz"
EVENTS_PER_CALL = 40
SECRET = AmiUser().secret
_HANGUP = b"Event: Hangup\r\n"
_OURS = b"\r\nChanVariable: GATEWAY=1|"
_END = b"\r\n\r\n"
_OPEN = (b"\r\nUniqueid: ", b"\r\nLinkedid: ", b"\r\nChanVariable: GATEWAY=")
"""What is each call's own in its Hangup event."""
_MAX_WAITING_BYTES = 512 * 1024 * 1024
_LOGIN_S = 30.0


class PbxError(Exception):
    """The listener does not come, or does not take what it is told."""


@dataclass(frozen=True, slots=True)
class CallEvents:
    """The events of one call: `before` its end the same for all, then the pieces of its Hangup."""

    before: bytes
    hangup: tuple[bytes, ...]

    def told(self, uniqueid: bytes, state: bytes) -> bytes:
        """The bytes of one call."""
        first, second, third, last = self.hangup
        return b"".join((self.before, first, uniqueid, second, uniqueid, third, state, last))


def call_events() -> CallEvents:
    """Made of the recording: 38 events, a Hangup of the other leg, the Hangup of the call."""
    recorded = gzip.decompress(RECORDING.read_bytes()).split(_END)[:-1]
    events = [_as_shipped(event) + _END for event in recorded]
    hangups = [event for event in events if event.startswith(_HANGUP)]
    others = [event for event in events if not event.startswith(_HANGUP)]
    ours = next(event for event in hangups if _OURS in event)
    theirs = next(event for event in hangups if _OURS not in event)
    wanted = EVENTS_PER_CALL - 2
    mixed = [others[number * len(others) // wanted] for number in range(wanted)]
    return CallEvents(b"".join([*mixed, theirs]), _cut(ours))


def _as_shipped(event: bytes) -> bytes:
    """Without the channel variables only the recording's own manager.conf named."""
    kept = tuple(f"ChanVariable: {name}=".encode() for name in CHANNELVARS)
    lines = event.split(b"\r\n")
    return b"\r\n".join(
        line for line in lines if not line.startswith(b"ChanVariable: ") or line.startswith(kept)
    )


def _cut(hangup: bytes) -> tuple[bytes, ...]:
    pieces, rest = [], hangup
    for name in _OPEN:
        before, _, rest = rest.partition(name)
        pieces.append(before + name)
        rest = rest[rest.index(b"\r\n") :]
    return (*pieces, rest)


class Pbx:
    """One listener at a time, served within somebody else's epoll.

    `turns` tells whom to call with the events of a descriptor.
    """

    def __init__(
        self,
        port: int,
        epoll: "select.epoll",  # quoted: locust takes epoll out of the module, and imports this file too
        turns: dict[int, Callable[[int], None]],
        *,
        is_filtered: bool = False,
    ) -> None:
        self.told = 0
        """Calls whose end was told."""
        self._epoll = epoll
        self._turns = turns
        events = call_events()
        self._events = CallEvents(b"", events.hangup) if is_filtered else events
        self._bytes_per_call = len(self._events.told(b"", b""))
        self._session = AmiSession(AmiUser(filtered=False), tuple)
        self._link: socket.socket | None = None
        self._waiting = bytearray()
        self._listening = socket.create_server(("127.0.0.1", port))
        self._listening.settimeout(0)
        self._watch(self._listening, self._accept)

    @property
    def is_heard(self) -> bool:
        """Whether somebody has logged in and asked for all it wants to know."""
        return self._link is not None and self._session.authenticated

    @property
    def waiting_calls(self) -> int:
        """How many calls' events the listener has not taken yet, any part of one counted whole."""
        return -(-len(self._waiting) // self._bytes_per_call)

    def end(self, uniqueid: bytes, state: bytes) -> None:
        """A call is over: tell its events. Raises `PbxError` when the listener is far behind."""
        self.told += 1
        self._say(self._events.told(uniqueid, state))

    def _accept(self, _events: int) -> None:
        self._link, _peer = self._listening.accept()
        self._link.settimeout(0)
        self._session = AmiSession(AmiUser(filtered=False), tuple)
        self._waiting.clear()
        self._watch(self._link, self._talk)
        self._say(self._session.greeting)

    def _talk(self, events: int) -> None:
        if self._link is None:
            return
        try:
            if events & select.EPOLLOUT:
                self._send()
            if events & ~select.EPOLLOUT:
                if not (data := self._link.recv(16_384)):
                    raise ConnectionResetError
                self._say(b"".join(self._session.receive(data)))
        except ConnectionError:
            del self._turns[self._link.fileno()]
            self._link.close()
            self._link = None

    def _say(self, data: bytes) -> None:
        was_waiting = bool(self._waiting)
        self._waiting += data
        if len(self._waiting) > _MAX_WAITING_BYTES:
            raise PbxError("the listener is half a gigabyte of events behind")
        if not was_waiting and self._link is not None:
            self._send()

    def _send(self) -> None:
        """Send what the kernel takes; the rest when there is room again."""
        if self._link is None:
            return
        try:
            while self._waiting:
                with memoryview(self._waiting) as view:
                    sent = self._link.send(view[: 1024 * 1024])
                del self._waiting[:sent]
        except BlockingIOError:
            pass
        self._epoll.modify(self._link, select.EPOLLIN | (select.EPOLLOUT if self._waiting else 0))

    def _watch(self, sock: socket.socket, turn: Callable[[int], None]) -> None:
        self._turns[sock.fileno()] = turn
        self._epoll.register(sock, select.EPOLLIN)


def tell(port: int, rate: float, seconds: float) -> int:
    """Send the events of `rate` calls a second; how many calls. Raises `PbxError`."""
    turns: dict[int, Callable[[int], None]] = {}
    epoll = select.epoll()
    pbx = Pbx(port, epoll, turns)

    def poll(timeout_s: float) -> None:
        for fd, events in epoll.poll(timeout_s):
            turns[fd](events)

    stop = time.monotonic() + _LOGIN_S
    while not pbx.is_heard:
        if time.monotonic() > stop:
            raise PbxError("nobody logged in")
        poll(0.1)
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        poll(0.01)
    sys.stdin.readline()
    start = time.monotonic()
    while (passed := time.monotonic() - start) < seconds:
        while pbx.told < passed * rate:
            unique = b"1700000000.%d" % pbx.told
            pbx.end(unique, b"1|+15552345678|+12025550123||ASSIGNED|outboundiq|1700000000|%b-1" % unique)
        poll(0.001)
    print(json.dumps({"calls": pbx.told, "seconds": time.monotonic() - start}), flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        poll(0.01)
    return pbx.told


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, default=1000.0, help="calls a second, of 40 events each")
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    tell(options.port, options.rate, options.seconds)
