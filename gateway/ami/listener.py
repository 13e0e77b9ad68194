"""One connection to one Asterisk manager: opened, logged in to, asked; the only file that knows panoramisk.

panoramisk's `Manager` makes the actions and matches the answers. Its decoder, its pinger and its way to
reconnect are not used: they lose data, do not notice a silent peer, and cannot be stopped.
"""

import asyncio
import hashlib
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from panoramisk import Manager
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message as PanoramiskMessage

from gateway.ami.message import read_message
from gateway.ami.settings import AmiSettings, host_and_port

log = logging.getLogger(__name__)

CONNECT_S = 5.0
"""Longest wait for a connection, TLS included."""
ANSWER_S = 5.0
"""Longest wait for the answer to an action."""
READ_BYTES = 256 * 1024
"""Most bytes of one read; an unfiltered PBX at 1,000 calls/s sends as much in 10 ms."""
_SHUTTING_DOWN = "Asterisk is shutting down"
"""Its answer to every action until it is gone; manager.c."""

Hear = Callable[[bytearray, int], None]
"""Gets a buffer and how many bytes at its beginning have arrived; what it needs of them it copies."""


class LinkLostError(Exception):
    """The connection ended, or the peer no longer answers; trying again later may help."""


class NoAnswerError(LinkLostError):
    """The peer took an action and was silent."""


class LoginRefusedError(Exception):
    """Asterisk does not let us in; trying again helps only after someone has mended the settings."""


def _login_error(message: str) -> LinkLostError | LoginRefusedError:
    """What a failed login means: while Asterisk stops it refuses everyone, and nobody has to mend it."""
    return LinkLostError(message) if message == _SHUTTING_DOWN else LoginRefusedError(message)


@dataclass(frozen=True, slots=True)
class Response:
    """Asterisk's answer to one action."""

    success: bool
    headers: dict[str, str]

    @property
    def message(self) -> str:
        """Its own words, "" when there are none."""
        return self.headers.get("Message", "")


class Connection:
    """An open connection. `ended` becomes done, with the reason in words, when it is gone."""

    def __init__(self, manager: Any, transport: asyncio.Transport, ended: "asyncio.Future[str]") -> None:
        self._manager = manager
        self._transport = transport
        self.ended = ended

    @property
    def peer_host(self) -> str:
        """The PBX's IP address, as connected to; "" when it went away at once."""
        peer = self._transport.get_extra_info("peername")
        return str(peer[0]) if peer else ""

    @property
    def awaits_answer(self) -> bool:
        """Whether an action was sent that the PBX has not answered yet."""
        return bool(self._manager.protocol.responses)

    async def act(self, action: str, **fields: str) -> Response:
        """Send an action and wait for its answer.

        Raises `LinkLostError` when none comes within `ANSWER_S`, or the connection ends before.
        """
        answer = self._send(action, fields)
        await asyncio.wait({answer, self.ended}, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            message = answer.result()
            return Response(bool(message.success), {str(name): str(value) for name, value in message.items()})
        answer.cancel()
        if self.ended.done():
            raise LinkLostError(self.ended.result())
        raise NoAnswerError(f"no answer to {action} within {ANSWER_S:g} s")

    def ping(self) -> None:
        """Ask for a sign of life; the answer is heard as bytes."""
        self._send("Ping", {})

    def hear_response(self, body: bytes) -> None:
        """A response arrived: give it to whoever waits for it."""
        self._manager.protocol.handle_message(PanoramiskMessage(read_message(body).headers))

    async def log_in(self, username: str, secret: str) -> None:
        """Log in by challenge, so that the secret does not cross the network.

        Asks for events of class `call` alone, whatever the user may read.
        Raises `LoginRefusedError` or `LinkLostError`.
        """
        challenge = await self.act("Challenge", AuthType="MD5")
        if not challenge.success:
            raise _login_error(challenge.message)
        text = challenge.headers.get("Challenge", "") + secret
        key = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()  # the protocol knows no other
        answer = await self.act("Login", AuthType="MD5", Username=username, Key=key, Events="call")
        if not answer.success:
            raise _login_error(answer.message)

    def pause(self) -> None:
        """Read no further until `resume`."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """Leave, at once and for good: nothing of panoramisk comes back later."""
        self._manager.protocol.closed = True
        self._transport.abort()

    def _send(self, action: str, fields: dict[str, str]) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = self._manager.send_action({"Action": action, **fields}, as_list=False)
        return future


class _Protocol(asyncio.BufferedProtocol):
    """The connection's bytes go to `hear`, its end to `ended`; panoramisk's protocol sends the actions.

    The socket is read into one and the same buffer: an unfiltered PBX sends 26 kB a call, most of it to be
    passed over, and a block of memory for each read would cost more than that.
    """

    def __init__(self, hear: Hear, ended: "asyncio.Future[str]") -> None:
        self.actions: Any = AMIProtocol()
        self._hear = hear
        self._ended = ended
        self._buffer = bytearray(READ_BYTES)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.actions.connection_made(transport)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - the same for every read
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        try:
            self._hear(self._buffer, nbytes)
        except Exception as error:  # noqa: BLE001 - told to the owner through `ended`; the loop must not see it
            self._end(str(error))
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"the connection broke: {exc}" if exc else "the PBX closed the connection")

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)


async def connect(settings: AmiSettings, tls: ssl.SSLContext | None, hear: Hear) -> Connection:
    """Open a connection; `hear` gets what it brings and may raise to end it.

    Raises `OSError` (`ssl.SSLCertVerificationError` for a certificate that does not fit) or `TimeoutError`.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[str] = loop.create_future()
    host, port = host_and_port(settings.address)
    manager = Manager(loop=loop, log=log)
    server_name = (settings.server_name or host) if tls else None
    async with asyncio.timeout(CONNECT_S):
        transport, protocol = await loop.create_connection(
            lambda: _Protocol(hear, ended), host, port, ssl=tls, server_hostname=server_name
        )
    opened: asyncio.Future[Any] = loop.create_future()
    opened.set_result((transport, protocol.actions))
    manager.connection_made(opened)
    manager.pinger.cancel()  # it would ping without noticing that nobody answers
    return Connection(manager, transport, ended)


def tls_context(settings: AmiSettings) -> ssl.SSLContext | None:
    """How to verify the PBX; `None` without TLS. Raises `OSError` for an unusable `ca_file`."""
    if not settings.tls:
        return None
    context = ssl.create_default_context()
    if settings.ca_file:
        try:
            context.load_verify_locations(settings.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise OSError(f"ca_file {settings.ca_file!r} cannot be used: {error}") from error
    return context
