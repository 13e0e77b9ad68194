"""`agi://HOST/report,gateway=${GATEWAY},dialstatus=${DIALSTATUS},…`: the dialplan tells how its call ended.

Asked from a hangup handler, so the channel is dead; setting variables is all that still works on it.

    key                       becomes
    gateway                   the state of the call; empty: not a call of ours, and no error
    dialstatus, answeredtime, hangupcause, state    what they are called; state is ${CHANNEL(state)}
    agent, zip, campaign, campaign_name, skill, lead_source, lead_created, attempts, direction
                              the field of the state, where `assign` was not told it
    any other                 a channel variable of that name, as the disposition

Sets GATEWAY_REPORTED to YES once the record is safe, else to NO with a word in GATEWAY_REPORT_REASON.
The same as a query: `agi://HOST/report?gateway=…`.
"""

import re
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial

from gateway.agi.commands import set_variables
from gateway.agi.environment import Environment
from gateway.agi.verbs.base import Reply
from gateway.assignment.deadlines import Clock, Deadlines
from gateway.model import variables
from gateway.model.cause import parse_cause
from gateway.model.dial import CallEnd, EndSource
from gateway.model.variables import CallState, unpack

_NAMED = re.compile(r"([A-Za-z_][A-Za-z_0-9]{0,63})=(.*)", re.ASCII | re.DOTALL)
_MAX_VALUE_CHARS = 255
_OWN_KEYS = frozenset({"gateway", "dialstatus", "answeredtime", "hangupcause", "state"})
_STATE_KEYS = frozenset(
    {
        *("agent", "zip", "campaign", "campaign_name", "skill"),
        *("lead_source", "lead_created", "attempts", "direction"),
    }
)


class NotReported(StrEnum):
    """`GATEWAY_REPORT_REASON`: why `GATEWAY_REPORTED` is NO; empty when it is YES."""

    REPORTED = ""
    NOT_ASSIGNED = "not_assigned"
    """No `gateway` was given: the call has none, or the gateway did not answer it."""
    BAD_STATE = "bad_state"
    """`gateway` is not what the gateway set: cut, quoted, or of a later version."""
    NOT_STORED = "not_stored"
    """The record could not be put on disk; the AMI link or a CDR replay may still bring it."""
    TIMEOUT = "timeout"
    """It was not on disk in time; it may be a moment later."""


Record = Callable[[CallEnd, Callable[[bool], None]], None]
"""Takes a call's end and calls back when it is safe (`True`) or will not be (`False`). Must not block."""


class Report:
    """The verb `report`."""

    def __init__(
        self,
        record: Record,
        *,
        deadline_s: float,
        clock: Clock,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """`wall_clock` gives seconds since the epoch."""
        self._record = record
        self._wall_clock = wall_clock
        self._waiting: Deadlines[_Waiting] = Deadlines(clock, deadline_s, _Waiting.expire)

    def __call__(self, environment: Environment, reply: Reply) -> None:
        """Reply when the record is safe, or when the deadline has come."""
        told = _told(environment)
        packed = told.get("gateway", "")
        state = unpack(packed) if packed else None
        if state is None:
            reply(_outcome(NotReported.BAD_STATE if packed else NotReported.NOT_ASSIGNED))
            return
        end = _call_end(environment, state, told, ended_at=self._wall_clock())
        waiting = _Waiting(reply)
        self._waiting.watch(waiting)
        self._record(end, partial(self._settle, waiting))

    def _settle(self, waiting: "_Waiting", is_safe: bool) -> None:  # noqa: FBT001 - a record's callback tells it
        self._waiting.release(waiting)
        waiting.settle(is_safe=is_safe)

    def close(self) -> None:
        """Stop the timer. Sessions still open are cut by the server."""
        self._waiting.close()


class _Waiting:
    """One reply that is due. Whatever comes first, the record or the deadline, gives it."""

    __slots__ = ("_reply",)

    def __init__(self, reply: Reply) -> None:
        self._reply: Reply | None = reply

    def settle(self, *, is_safe: bool) -> None:
        self._answer(NotReported.REPORTED if is_safe else NotReported.NOT_STORED)

    def expire(self) -> None:
        self._answer(NotReported.TIMEOUT)

    def _answer(self, why: NotReported) -> None:
        reply, self._reply = self._reply, None
        if reply is not None:
            reply(_outcome(why))


def _outcome(why: NotReported) -> bytes:
    """The answer comes last: it vouches for the reason."""
    names = (variables.GATEWAY_REPORT_REASON, variables.GATEWAY_REPORTED)
    return set_variables(names, (why, "NO" if why else "YES"))


def _told(environment: Environment) -> dict[str, str]:
    """What the dialplan passed by name; the first word on a key counts. Arguments without a name are nothing.

    The gateway's own keys are understood in any case; others keep theirs, as variables do.
    """
    told: dict[str, str] = {}
    for key, value in _named(environment):
        known = key.lower()
        name = known if known in _OWN_KEYS or known in _STATE_KEYS else key
        limit = variables.MAX_PACKED_BYTES if name == "gateway" else _MAX_VALUE_CHARS
        if value:
            told.setdefault(name, value[:limit])
    return told


def _named(environment: Environment) -> Iterator[tuple[str, str]]:
    for argument in environment.arguments:
        match = _NAMED.fullmatch(argument)
        if match is not None:
            yield match[1], match[2].strip()
    for key, value in environment.query.items():
        yield key, value.strip()


def _call_end(
    environment: Environment, state: CallState, told: dict[str, str], *, ended_at: float
) -> CallEnd:
    filled = {key: told[key] for key in _STATE_KEYS & told.keys() if not getattr(state, key)}
    channel_state = told.get("state", "")
    return CallEnd(
        state._replace(**filled),
        EndSource.REPORT,
        uniqueid=environment.value("uniqueid"),
        ended_at=ended_at,
        dialstatus=told.get("dialstatus", "").upper(),
        is_up=channel_state.lower() == "up" if channel_state else None,
        cause=parse_cause(told.get("hangupcause", "")),
        answered_s=_seconds(told.get("answeredtime", "")),
        variables={key: value for key, value in told.items() if key not in _OWN_KEYS | _STATE_KEYS},
    )


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdecimal() else None
