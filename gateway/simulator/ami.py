"""A simulated Asterisk manager that can be made to fail in every way, over sockets or in memory."""

import asyncio
import ssl
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Self, cast

from gateway.simulator.ami_events import AmiChannel
from gateway.simulator.ami_session import AmiSession, AmiUser

SLOWNESS_S = 0.5
REFUSAL_S = 1.0
"""How long Asterisk keeps a connection whose login it refused."""
_GARBAGE = b"\x00\xff not a message \xc3\r\n\r\nEvent: Noise\r\nX\r\n\r\n"


class AmiFault(StrEnum):
    """Ways to fail. Each holds for connections made, and for bytes sent, from now on."""

    NONE = "none"
    SILENT = "silent"
    """Accepts and never says a word, as a TLS port or a stopped Asterisk does."""
    HALF_OPEN = "half-open"
    """Goes on reading, and never answers or tells anything again."""
    WITHHOLD = "withhold"
    """Keeps each event back until an action comes: Asterisk 22.10's lost wake-up."""
    CUT = "cut"
    """Closes right after the login."""
    SLOW = "slow"
    """Everything takes half a second."""
    SPLIT = "split"
    """Sends byte by byte."""
    GARBAGE = "garbage"
    """Sends nonsense before each message."""
    NOT_ASTERISK = "not-asterisk"
    """Greets as something else."""
    SHUTTING_DOWN = "shutting-down"
    """Refuses every action, as Asterisk does while it stops."""


class AmiSimulator:
    """The PBX: its channels, its one manager user, and everyone connected.

    `async with AmiSimulator() as pbx` listens on loopback; `pbx.connection` serves in memory instead.
    """

    def __init__(
        self, user: AmiUser | None = None, *, wall: Callable[[], float] = time.time, port: int = 0
    ) -> None:
        self.user = user or AmiUser()
        self.channels: dict[str, AmiChannel] = {}
        self.fault = AmiFault.NONE
        self.connections: list[AmiConnection] = []
        """Those open now."""
        self.connected_total = 0
        self._wall = wall
        self._port = port
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    @property
    def address(self) -> str:
        """`HOST:PORT`, the same after a stop and a start."""
        return f"127.0.0.1:{self._port}"

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen on loopback."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self.connection, "127.0.0.1", self._port, ssl=tls)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self._server = None

    def connection(self) -> "AmiConnection":
        """The protocol of one new connection."""
        return AmiConnection(self)

    def cut(self) -> None:
        """Close all connections, as a restart of Asterisk or a firewall does."""
        for connection in list(self.connections):
            connection.close()

    def place(self, channel: AmiChannel) -> None:
        """A channel comes up."""
        self.channels[channel.uniqueid] = channel

    def hang_up(self, uniqueid: str) -> None:
        """A channel ends; whoever may hear it does."""
        channel = self.channels.pop(uniqueid)
        at = self._wall() if self.user.timestamps else None
        self.tell(channel.hangup(self.user.channelvars, at))

    def tell(self, event: bytes, event_class: str = "call") -> None:
        """Send an event, of whatever bytes, to those who may hear its class."""
        for connection in list(self.connections):
            connection.tell(event, event_class)


class AmiConnection(asyncio.Protocol):
    """One client."""

    def __init__(self, pbx: AmiSimulator) -> None:
        self._pbx = pbx
        self._withheld: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self.session = AmiSession(pbx.user, pbx.channels.values)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came: greet it."""
        self._transport = cast("asyncio.Transport", transport)
        self._pbx.connections.append(self)
        self._pbx.connected_total += 1
        self._send(b"SSH-2.0-Nothing\r\n" if self._fault is AmiFault.NOT_ASTERISK else self.session.greeting)

    def data_received(self, data: bytes) -> None:
        """Answer the actions, and let go of what was withheld."""
        was_in = self.session.authenticated
        self.session.shutting_down = self._fault is AmiFault.SHUTTING_DOWN
        answers = self.session.receive(data)
        withheld, self._withheld = self._withheld, []
        for message in (*withheld, *answers):
            self._send(message)
        if self.session.closing:
            rest_s = 0.0 if self.session.authenticated else REFUSAL_S
            asyncio.get_running_loop().call_later(rest_s, self.close)
        if self._fault is AmiFault.CUT and self.session.authenticated and not was_in:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The client is gone."""
        if self in self._pbx.connections:
            self._pbx.connections.remove(self)

    def tell(self, event: bytes, event_class: str) -> None:
        """Send an event if this client may hear it."""
        if not self.session.hears(event, event_class):
            return
        if self._fault is AmiFault.WITHHOLD:
            self._withheld.append(event)
        else:
            self._send(event)

    def close(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.close()

    @property
    def _fault(self) -> AmiFault:
        return self._pbx.fault

    def _send(self, data: bytes) -> None:
        if self._transport is None or self._fault in {AmiFault.SILENT, AmiFault.HALF_OPEN}:
            return
        if self._fault is AmiFault.GARBAGE and self.session.authenticated:
            data = _GARBAGE + data
        if self._fault is AmiFault.SLOW:
            asyncio.get_running_loop().call_later(SLOWNESS_S, self._transport.write, data)
            return
        if self._fault is not AmiFault.SPLIT:
            self._transport.write(data)
            return
        for piece in data:
            self._transport.write(bytes([piece]))
