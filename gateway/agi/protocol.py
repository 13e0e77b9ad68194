"""One FastAGI connection: the thin shell between the socket and the session.

No task, no stream, no timer of its own: the server's `Deadlines` watch all connections together.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from gateway.agi.environment import Environment, verb_of
from gateway.agi.session import DECIDING, HUNG_UP, NOTHING, OVER, REQUEST, Session
from gateway.agi.verbs.base import outcome
from gateway.model.decision import Decision, Reason, Status

if TYPE_CHECKING:
    from gateway.agi.server import AgiServer

log = logging.getLogger(__name__)

_OVERLOADED = outcome(Decision(Status.UNCHANGED, reason=Reason.OVERLOADED))
_UNKNOWN_VERB = outcome(Decision(Status.INVALID, reason=Reason.UNKNOWN_VERB))
_BAD_REQUEST = outcome(Decision(Status.INVALID, reason=Reason.BAD_REQUEST))
_TOO_LATE = outcome(Decision(Status.UNCHANGED, reason=Reason.TIMEOUT))
_INTERNAL = outcome(Decision(Status.UNCHANGED, reason=Reason.INTERNAL))
_ENDED = Session(0, 0)
_ENDED.state = OVER


class AgiProtocol(asyncio.Protocol):
    """Feeds the session, starts the verb, writes its reply once."""

    __slots__ = ("_overloaded", "_peer", "_server", "_session", "_transport")

    def __init__(self, server: "AgiServer") -> None:
        settings = server.settings
        self._server = server
        self._session = Session(settings.max_environment_bytes, settings.max_environment_lines)
        self._overloaded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the peer in, or close at once."""
        self._transport = cast("asyncio.Transport", transport)
        address = (transport.get_extra_info("peername") or ("",))[0]
        self._peer, admission = self._server.admit(self, address)
        if admission is None:
            self._session.state = OVER
            self._transport.abort()
        else:
            self._overloaded = not admission

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        event = self._session.receive(data)
        if event is NOTHING:
            return
        if event is REQUEST:
            self._answer_request(cast("Environment", self._session.environment))
        elif event is HUNG_UP:
            self._server.metrics.hung_up += 1
            self._transport.close()
        else:
            self._server.metrics.malformed += 1
            log.warning("a request from %s is too large; its call keeps its caller ID", self._peer.address)
            self._write(_BAD_REQUEST)

    def eof_received(self) -> bool:
        """The peer ended its side. Stay only while an answer is on its way to it."""
        return self._session.state is DECIDING

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a reset is as good an end as any
        """The connection is over; tell the server how it went."""
        errors = self._session.command_errors()
        if errors:
            self._server.metrics.command_errors += len(errors)
            log.warning("Asterisk at %s refused a command: %s", self._peer.address, errors[0])
        if self._session.is_empty:
            self._server.metrics.health_checks += 1
        self._server.leave(self, self._peer)
        self._session = _ENDED
        del self._transport

    def expire(self) -> None:
        """Time is up: answer if nothing was answered yet, and close."""
        self._server.metrics.timed_out += 1
        if self._session.state is DECIDING:
            self._write(_TOO_LATE)
            self._transport.close()
        else:
            self._transport.abort()

    def drain(self) -> None:
        """The server is stopping. A connection that has sent nothing yet has nothing to wait for."""
        if self._session.is_empty:
            self._transport.close()

    def _answer_request(self, environment: Environment) -> None:
        server = self._server
        server.metrics.requests += 1
        server.environments.release(self)
        server.sessions.watch(self)
        environment.peer = self._peer.address
        if self._overloaded:
            self._write(_OVERLOADED)
            return
        verb = server.verbs.get(environment.script) or server.verbs.get(verb_of(environment.script))
        if verb is None:
            log.warning("unknown verb %.40r asked for by %s", environment.script, self._peer.address)
            self._write(_UNKNOWN_VERB)
            return
        try:
            verb(environment, self._reply)
        except Exception:
            log.exception(
                "verb %.40r failed for call %.40r", environment.script, environment.value("uniqueid")
            )
            self._server.metrics.faults += 1
            self._write(_INTERNAL)

    def _reply(self, commands: bytes) -> None:
        if self._session.state is DECIDING:
            self._write(commands)

    def _write(self, commands: bytes) -> None:
        """All commands in one write, then our side ends: Asterisk runs them without waiting for more."""
        transport = self._transport
        if transport.is_closing():
            return
        self._session.answered()
        if not commands:
            transport.close()
            return
        transport.write(commands)
        transport.write_eof()
