"""Plays Asterisk against a running gateway: one AGI() step of one call, over TCP.

A thin asyncio shell around `ResAgi`. Asterisk waits for a silent gateway without limit; here every wait
ends after `timeout_s`, and the result says so.
"""

import asyncio
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from gateway.model import variables
from gateway.simulator.call import CallRequest, environment_lines
from gateway.simulator.channel import Channel
from gateway.simulator.res_agi import AgiStatus, ResAgi

CONNECT_TIMEOUT_S = 2.0
"""Asterisk's own, fixed, for each address (asterisk 22, res_agi.c: MAX_AGI_CONNECT)."""


class Who(StrEnum):
    """Who did what in a transcript."""

    ASTERISK = "asterisk"
    GATEWAY = "gateway"
    GATEWAY_EOF = "gateway-eof"
    CALLER = "caller"
    """The caller hung up."""


@dataclass(frozen=True, slots=True)
class Said:
    """One line of a transcript; `at_s` counts from the start of the connect."""

    at_s: float
    who: Who
    data: bytes


@dataclass(frozen=True, slots=True)
class CallResult:
    """What became of one AGI() step. Times count from the start of the connect, in seconds."""

    agi_status: AgiStatus
    status: str
    """`GATEWAY_STATUS`; "" when the gateway set none."""
    source: str
    ani: str
    """The caller ID the call leaves with because of the gateway; "" when it was left untouched."""
    reason: str
    variables: dict[str, str]
    latency_s: float | None
    """Until the first command arrived; `None` when none did."""
    ended_s: float
    """Until the gateway closed its side, or the step ended otherwise."""
    began_at: float
    """When the connect started, on the monotonic clock."""
    timed_out: bool
    """The gateway was still holding the step when the time given ran out."""
    transcript: tuple[Said, ...] = ()
    protocol_errors: tuple[str, ...] = ()


async def place_call(
    host: str, port: int, request: CallRequest, *, timeout_s: float, transcript: bool = True
) -> CallResult:
    """Run one AGI() step against the gateway at `host`:`port`.

    Never raises for the gateway's fault: a refused or silent one shows in the result, after `timeout_s`
    at the latest. `transcript` off spares memory under load.
    """
    return await SimulatedCall(host, port, request, timeout_s=timeout_s, transcript=transcript).run()


@dataclass(slots=True)
class SimulatedCall:
    """One AGI() step in the making; `run` once."""

    host: str
    port: int
    request: CallRequest
    timeout_s: float
    transcript: bool = True
    _said: list[Said] = field(default_factory=list)

    async def run(self) -> CallResult:
        """Connect, converse, and report; see `place_call`."""
        loop = asyncio.get_running_loop()
        start = time.monotonic()  # uvloop's own clock stands still within a turn of the loop
        step = _Step(self, start)
        try:
            async with asyncio.timeout(min(CONNECT_TIMEOUT_S, self.timeout_s)):
                await loop.create_connection(lambda: step, self.host, self.port)
        except OSError:  # TimeoutError is one
            return self._result(step, AgiStatus.FAILURE, timed_out=False)
        try:
            async with asyncio.timeout(self.timeout_s - step.elapsed()):
                await step.over
        except TimeoutError:
            step.give_up()
            return self._result(step, step.agi.status, timed_out=True)
        finally:
            step.leave()
        return self._result(step, step.agi.status, timed_out=False)

    def _result(self, step: "_Step", agi_status: AgiStatus, *, timed_out: bool) -> CallResult:
        channel = step.agi.channel.variables
        return CallResult(
            agi_status=agi_status,
            status=channel.get(variables.GATEWAY_STATUS, ""),
            source=channel.get(variables.GATEWAY_SOURCE, ""),
            ani=step.assigned_ani(),
            reason=channel.get(variables.GATEWAY_REASON, ""),
            variables=dict(channel),
            latency_s=step.first_command_s,
            ended_s=step.ended_s if step.ended_s is not None else step.elapsed(),
            began_at=step.began_at,
            timed_out=timed_out,
            transcript=tuple(self._said),
            protocol_errors=tuple(step.agi.protocol_errors),
        )

    def note(self, at_s: float, who: Who, data: bytes) -> None:
        """Keep a line of the transcript, if one is wanted."""
        if self.transcript:
            self._said.append(Said(at_s, who, data))


class _Step(asyncio.Protocol):
    """The connection of one step: moves bytes between the socket and `ResAgi`, and keeps the times."""

    def __init__(self, call: SimulatedCall, start: float) -> None:
        request = call.request
        self._call = call
        self.began_at = start
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._hangup_timer: asyncio.TimerHandle | None = None
        channel = Channel(
            {variables.CALLERID_NUM: request.caller_id, variables.CALLERID_NAME: request.caller_name}
        )
        channel.variables.update(request.variables)
        self.agi = ResAgi(channel, sighup=request.sighup, exit_on_hangup=request.exit_on_hangup)
        self.over: asyncio.Future[None] = self._loop.create_future()
        self.first_command_s: float | None = None
        self.ended_s: float | None = None

    def elapsed(self) -> float:
        return time.monotonic() - self.began_at

    def assigned_ani(self) -> str:
        channel = self.agi.channel
        return channel.variables[variables.CALLERID_NUM] if variables.CALLERID_NUM in channel.assigned else ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by duck typing only
        request = self._call.request
        lines = list(environment_lines(request, host=self._call.host, port=self._call.port))
        self._say([b"".join(lines)] if request.one_write else lines)
        if request.hangup_after_s is not None:
            self._hangup_timer = self._loop.call_later(request.hangup_after_s, self._hang_up)

    def data_received(self, data: bytes) -> None:
        if self.first_command_s is None:
            self.first_command_s = self.elapsed()
        self._call.note(self.elapsed(), Who.GATEWAY, data)
        self._say(self.agi.receive(data))
        self._leave_if_finished()

    def eof_received(self) -> bool:
        self._note_end()
        self._call.note(self.elapsed(), Who.GATEWAY_EOF, b"")
        self._say(self.agi.receive_eof())
        self._leave_if_finished()
        return True  # the transport closes once the answers are written

    def connection_lost(self, exc: Exception | None) -> None:
        self._note_end()
        if exc is not None:
            self.agi.receive_eof()  # a reset ends Asterisk's reading like an end of input
        self.leave()
        if not self.over.done():
            self.over.set_result(None)

    def give_up(self) -> None:
        self.agi.give_up()

    def leave(self) -> None:
        if self._hangup_timer is not None:
            self._hangup_timer.cancel()
        if self._transport is not None:
            self._transport.close()

    def _hang_up(self) -> None:
        self._call.note(self.elapsed(), Who.CALLER, b"")
        self._say(self.agi.hang_up())
        self._leave_if_finished()

    def _leave_if_finished(self) -> None:
        if self.agi.finished:
            self._note_end()
            self.leave()

    def _note_end(self) -> None:
        if self.ended_s is None:
            self.ended_s = self.elapsed()

    def _say(self, parts: list[bytes]) -> None:
        for part in parts:
            self._call.note(self.elapsed(), Who.ASTERISK, part)
            if self._transport is not None:
                self._transport.write(part)
