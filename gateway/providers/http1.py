"""One kept HTTP/1.1 connection of the lean client: a request goes out in one write, its answer comes in.

    idle ──carry──► waiting for the answer ──whole answer, kept open──► idle
                         │ any fault, or no longer wanted
                         └──────────────────────────────► closed

Source: RFC 9112; httptools (llhttp) does the parsing, so lengths, chunks and interim answers (1xx) are its
business, limits and the end of an answer without a length are ours.
"""

import asyncio
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from enum import Enum
from typing import Any, cast

import httptools

from gateway.providers.base import BadAnswerError, ProviderError, TimedOutError, UnavailableError
from gateway.providers.errand import Wait
from gateway.providers.http import Reply, retry_after_s

_MAX_HEAD_BYTES = 65_536
"""Most bytes before the answer's body; real answers have about 300."""
_FINAL = 200
"""Answers below are interim (RFC 9110 §15.2): the real one follows."""


class Exchange(Wait):
    """One request and what becomes of it: a reply or a `ProviderError`, exactly once, for whoever awaits it.

    One may await it. A task does as it does a future, and goes on in the next turn of the loop; an `Errand`
    sets `on_over`, which is called on the spot.
    """

    __slots__ = (
        "_asyncio_future_blocking",
        "_loop",
        "_outcome",
        "connection",
        "is_repeated",
        "max_reply_bytes",
        "may_repeat",
        "request",
        "timer",
    )

    def __init__(
        self, request: bytes, *, max_reply_bytes: int, may_repeat: bool, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__()
        self.request = request
        self.max_reply_bytes = max_reply_bytes
        self.may_repeat = may_repeat
        self.is_repeated = False
        self.connection: Connection | None = None
        self.timer: asyncio.TimerHandle | None = None
        self._loop = loop
        self._outcome: Reply | BaseException | None = None
        self._asyncio_future_blocking = False

    def __await__(self) -> "Generator[Exchange, None, Reply]":
        if self._outcome is None:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    def is_over(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._outcome is not None

    def succeed(self, reply: Reply) -> None:
        """The answer is there."""
        self._end(reply)

    def fail(self, error: ProviderError) -> None:
        """There will be no answer."""
        self._end(error)

    def expire(self, took_s: float) -> None:
        """The time is over."""
        self._end(TimedOutError(f"no answer within {took_s * 1000:.0f} ms"), closes=True)

    # What a task asks of a future

    def result(self) -> Reply:
        """The reply. Raises what became of it instead."""
        outcome = self._outcome
        if isinstance(outcome, Reply):
            return outcome
        try:
            raise asyncio.InvalidStateError if outcome is None else outcome
        finally:
            # The error's traceback holds this frame: a ring only the collector would find.
            self._outcome = asyncio.InvalidStateError("its error was raised before")
            del outcome

    def add_done_callback(self, callback: "Callable[[Exchange], object]", *, context: Any = None) -> None:
        """Have it called in the turn of the loop after the end."""

        def call_soon(exchange: Exchange) -> None:
            self._loop.call_soon(callback, exchange, context=context)

        if self._outcome is None:
            self.on_over = call_soon
        else:
            call_soon(self)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Whose turns those are."""
        return self._loop

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002 - a task gives one
        """Nobody wants the answer any more: a connection that is busy with it has to be closed."""
        was_over = self.is_over()
        self._end(asyncio.CancelledError(), closes=True)
        return not was_over

    def _end(self, outcome: Reply | BaseException, *, closes: bool = False) -> None:
        """Keep the outcome unless there is one, and tell; `closes`: the connection cannot be used again."""
        connection, self.connection = self.connection, None
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self._outcome is None:
            self._outcome = outcome
        if closes and connection is not None:
            connection.close()
        on_over, self.on_over = self.on_over, None
        if on_over is not None:
            on_over(self)


class End(Enum):
    """How a connection's part in an exchange ended, for the pool."""

    FREE = "free"
    """The answer was whole, and the connection can carry another request."""
    CLOSED = "closed"
    STALE = "stale"
    """A kept connection closed before the first byte of the answer: the request may go on another one."""


OnEnd = Callable[["Connection", End, Exchange | None], None]


class Connection(asyncio.Protocol):
    """One connection; `on_end` is called whenever it stops being busy or open."""

    def __init__(self, on_end: OnEnd) -> None:
        self._on_end = on_end
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._carried = 0
        self.idle_since = 0.0
        # Of the answer under way; `_begin` sets them back.
        self._status = 0
        self._body = b""
        self._request_id = ""
        self._retry_after_s: float | None = None
        self._head_bytes = 0
        self._has_head = False
        self._has_length = False
        self._is_whole = False
        self._is_kept = False
        """Of a whole answer, whether the connection can carry another request."""

    @property
    def is_open(self) -> bool:
        """Whether a request may be tried on it."""
        return self._transport is not None and not self._transport.is_closing()

    def carry(self, exchange: Exchange) -> None:
        """Send a request. Only while idle and open."""
        exchange.connection = self
        self._exchange = exchange
        self._carried += 1
        self._begin()
        if self._transport is not None:
            self._transport.write(exchange.request)

    def close(self) -> None:
        """Close at once; `on_end` hears of it."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open."""
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        """More of the answer."""
        if self._exchange is None:
            self.close()  # bytes nobody asked for: whatever they are, the next answer could not be trusted
            return
        if not self._has_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._is_kept = False
            if not self._is_whole:
                self._fail(BadAnswerError(f"not a sensible HTTP answer: {type(error).__name__}"))
        if self._is_whole:
            self._finish()
        elif not self._has_head and self._head_bytes > _MAX_HEAD_BYTES:
            self._fail(BadAnswerError(f"the answer's head is larger than {_MAX_HEAD_BYTES} bytes"))

    def eof_received(self) -> bool:
        """The end; an answer without a length ends with it (RFC 9112 §6.3)."""
        if self._exchange is not None and self._has_head and not self._has_length:
            self._is_kept = False
            self._finish()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Closed, by whomever."""
        self._transport = None
        del self._parser  # it holds our methods; without it nothing is left to the garbage collector
        exchange, self._exchange = self._exchange, None
        if exchange is None or exchange.is_over():
            self._on_end(self, End.CLOSED, None)
        elif self._carried > 1 and not self._head_bytes and exchange.may_repeat and not exchange.is_repeated:
            exchange.connection = None
            exchange.is_repeated = True
            self._on_end(self, End.STALE, exchange)
        else:
            what = "the answer broke off" if self._head_bytes else "the connection broke"
            why = f": {type(exc).__name__}" if exc is not None else ""
            exchange.fail(UnavailableError(f"{what}{why}", request_id=self._request_id))
            self._on_end(self, End.CLOSED, None)

    # httptools

    def on_message_begin(self) -> None:
        """An answer begins; after a whole one nobody asked for it, and what follows cannot be trusted."""
        self._is_kept = self._is_kept and not self._is_whole

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header of the answer."""
        if self._is_whole:
            return
        match name.lower():
            case b"content-length" | b"transfer-encoding":
                self._has_length = True
            case b"x-request-id":
                self._request_id = value.decode("latin-1")
            case b"retry-after":
                self._retry_after_s = retry_after_s(value.decode("latin-1"), datetime.now(UTC))
            case _:
                pass

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self._is_whole:
            return
        self._status = self._parser.get_status_code()
        self._has_head = self._status >= _FINAL

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        exchange = self._exchange
        if exchange is None or self._is_whole:
            return
        self._body += body
        if len(self._body) > exchange.max_reply_bytes:
            self._fail(BadAnswerError(f"the answer is larger than {exchange.max_reply_bytes} bytes"))

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was an interim one."""
        if self._exchange is None or self._is_whole:
            return
        if self._status < _FINAL:
            self._has_length = False
            return
        self._is_whole = True
        self._is_kept = self._parser.should_keep_alive()

    # ends

    def _begin(self) -> None:
        self._status = 0
        self._body = b""
        self._request_id = ""
        self._retry_after_s = None
        self._head_bytes = 0
        self._has_head = False
        self._has_length = False
        self._is_whole = False
        self._is_kept = False

    def _finish(self) -> None:
        """Hand the answer over, with this connection free for what its receiver may want to send next."""
        exchange, self._exchange = self._exchange, None
        reply = Reply(self._status, self._body, self._request_id, self._retry_after_s)
        if self._is_kept and self.is_open:
            self._on_end(self, End.FREE, None)
        else:
            self.close()
        if exchange is not None:
            exchange.succeed(reply)

    def _fail(self, error: ProviderError) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            error.request_id = self._request_id
            exchange.fail(error)
        self.close()
