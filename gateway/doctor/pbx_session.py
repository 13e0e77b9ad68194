"""A session at a PBX's manager for looking: asks, reads lists, hears hangups; sends nothing that changes.

Uses the gateway's own user, so what it may see is what the gateway may. Surprisingly much:
`write=reporting` covers ShowDialPlan, and Getvar of global variables and of functions without a channel.
"""

import asyncio
from collections.abc import Callable

from gateway.ami.decoder import BANNER, END
from gateway.ami.listener import (
    Connection,
    LinkLostError,
    NoAnswerError,
    Response,
    connect,
    tls_context,
)
from gateway.ami.message import Message, read_message
from gateway.ami.settings import AmiSettings

_RESPONSE = b"Response: "
_EVENT = b"Event: "
_MAX_LISTED = 500_000
"""Entries of one list; FreePBX's dialplan has about 20,000."""
_MAX_WAITING_BYTES = 1024 * 1024
MANAGER_S = 4.0
"""Longest wait for one answer of the manager."""


class NotAManagerError(Exception):
    """Something else than an Asterisk manager answers there."""


class DeniedError(Exception):
    """The manager user may not do this."""


class PbxSession:
    """Open it with `open_session`. One question at a time; every method raises `LinkLostError`, `OSError`."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._buffer = b""
        self._has_banner = False
        self._listed: list[Message] | None = None
        self._listing_done = asyncio.Event()
        self._hangup: tuple[Callable[[Message], bool], asyncio.Future[Message]] | None = None
        self._turn = asyncio.Lock()

    @property
    def peer_host(self) -> str:
        """The PBX's address as connected to."""
        return self._connected().peer_host

    async def open(self, settings: AmiSettings) -> None:
        """Connect and log in. Raises `LoginRefusedError`, `NotAManagerError`, `OSError`, `LinkLostError`."""
        try:
            async with asyncio.timeout(MANAGER_S):
                self._connection = await connect(settings, tls_context(settings), self._hear)
                await self._connection.log_in(settings.username, settings.secret)
        except (LinkLostError, TimeoutError) as error:
            self.close()
            if self._connection is None or self._has_banner:
                raise
            said = "what answers does not begin as an Asterisk manager does" if self._buffer else "silence"
            hint = "" if settings.tls or self._buffer else "; should the port speak TLS, set tls = true"
            raise NotAManagerError(f"{said}{hint}") from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave."""
        if self._connection is not None:
            self._connection.close()

    async def ask(self, action: str, timeout_s: float = MANAGER_S, **fields: str) -> Response:
        """The answer to one action."""
        async with self._turn, asyncio.timeout(timeout_s):
            return await self._connected().act(action, **fields)

    async def variable(self, expression: str) -> str:
        """A global variable or a function's value; "" for an unset one. Raises `DeniedError`."""
        answer = await self.ask("Getvar", Variable=expression)
        if not answer.success:
            raise DeniedError(answer.message)
        return answer.headers.get("Value", "")

    async def listing(self, action: str, **fields: str) -> list[Message]:
        """The entries of a list. Raises `DeniedError`."""
        async with self._turn, asyncio.timeout(MANAGER_S):
            self._listed = []
            self._listing_done.clear()
            try:
                answer = await self._connected().act(action, **fields)
                if not answer.success:
                    raise DeniedError(answer.message)
                await self._listing_done.wait()
                return self._listed
            finally:
                self._listed = None

    def expect_hangup(self, match: Callable[[Message], bool]) -> "asyncio.Future[Message]":
        """Done with the first Hangup event that matches."""
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._hangup = (match, future)
        return future

    def nudge(self) -> None:
        """Asterisk up to 22.10 can hold an event back until something happens on the session: a Ping does."""
        self._connected().ping()

    def _connected(self) -> Connection:
        if self._connection is None:
            raise NoAnswerError("not connected")
        return self._connection

    def _hear(self, data: bytearray, size: int) -> None:
        self._buffer += data[:size]
        if not self._has_banner:
            if not self._buffer.startswith(BANNER[: len(self._buffer)]):
                raise NotAManagerError("no manager")
            line, end, rest = self._buffer.partition(b"\r\n")
            if not end or len(line) < len(BANNER):
                return
            self._has_banner, self._buffer = True, rest
        *bodies, self._buffer = self._buffer.split(END)
        for body in bodies:
            self._take(body.lstrip(b"\r\n"))
        if len(self._buffer) > _MAX_WAITING_BYTES:
            raise NotAManagerError("a message is longer than any of Asterisk's")

    def _take(self, body: bytes) -> None:
        if body.startswith(_RESPONSE):
            self._connected().hear_response(body)
        elif body.startswith(_EVENT):
            self._take_event(read_message(body))

    def _take_event(self, event: Message) -> None:
        if event.headers["Event"] == "Hangup":
            self._take_hangup(event)
        elif self._listed is None:
            return
        elif event.headers.get("EventList") == "Complete":
            self._listing_done.set()
        elif len(self._listed) < _MAX_LISTED:
            self._listed.append(event)

    def _take_hangup(self, event: Message) -> None:
        if self._hangup is not None:
            match, future = self._hangup
            if not future.done() and match(event):
                future.set_result(event)
