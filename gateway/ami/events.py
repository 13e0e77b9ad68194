"""What AMI messages mean for calls: a Hangup event is a call's end, a Status entry a call that lives.

The one place that knows the names of their headers. Source: AMI events "Hangup" and "Status" of Asterisk
16 to 22; every outcome is a recording in tests/fixtures/ami.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from gateway.ami.message import header, read_message, variables
from gateway.model.dial import CallEnd, EndSource
from gateway.model.variables import GATEWAY, CallState, unpack

DIALSTATUS = "DIALSTATUS"
ANSWEREDTIME = "ANSWEREDTIME"
CHANNELVARS = f"{GATEWAY},{DIALSTATUS},{ANSWEREDTIME}"
"""What `channelvars` in manager.conf must name."""

_NAMED = f"\r\nChanVariable: {GATEWAY}=".encode()
_ASSIGNED = _NAMED + b"1|"
_STATE_UP = "6"
_CAUSE = re.compile(r"[0-9]{1,3}")
_READ_APART = frozenset({GATEWAY, DIALSTATUS, ANSWEREDTIME})


class NoCall(Enum):
    """Why a Hangup event is not the end of a call of ours."""

    NOT_ASSIGNED = auto()
    """The channel never had a number assigned: the other leg, or a call of no concern."""
    NOT_NAMED = auto()
    """The event does not speak of `GATEWAY` at all: `channelvars` lacks it."""


@dataclass(frozen=True, slots=True)
class Hangup:
    """The end of an assigned call, and what its event told about the link."""

    end: CallEnd
    lag_s: float | None
    """Seconds between the event's own time and `heard_at`; `None` without `timestampevents=yes`."""
    lacks_variables: bool
    """Whether `channelvars` names GATEWAY but not all of the others."""


@dataclass(frozen=True, slots=True)
class LiveChannel:
    """A channel as Status lists it."""

    uniqueid: str
    state: CallState | None
    """`None` when no number was assigned on it."""
    names_gateway: bool
    """Whether the entry speaks of `GATEWAY` at all, set or not."""


def read_hangup(body: bytes, *, pbx: str, heard_at: float) -> Hangup | NoCall:
    """What a Hangup event says. `heard_at` is now, in seconds since the epoch.

    Events of other channels are told by their bytes and not read any further.
    """
    if _ASSIGNED not in body:
        return NoCall.NOT_ASSIGNED if _NAMED in body else NoCall.NOT_NAMED
    text = body.decode("utf-8", "replace")
    told = variables(text)
    state = unpack(told.get(GATEWAY, ""))
    if state is None:
        return NoCall.NOT_ASSIGNED
    timestamp = _number(header(text, "Timestamp"))
    return Hangup(
        end=_call_end(text, told, state, pbx=pbx, ended_at=heard_at if timestamp is None else timestamp),
        lag_s=None if timestamp is None else max(heard_at - timestamp, 0.0),
        lacks_variables=not told.keys() >= _READ_APART,
    )


def read_status(body: bytes) -> LiveChannel | None:
    """The channel of a Status entry; `None` for an entry without a uniqueid."""
    message = read_message(body)
    uniqueid = message.headers.get("Uniqueid", "")
    if not uniqueid:
        return None
    packed = message.variables.get(GATEWAY)
    return LiveChannel(uniqueid, None if packed is None else unpack(packed), names_gateway=packed is not None)


def gap_end(uniqueid: str, state: CallState, *, pbx: str, ended_at: float) -> CallEnd:
    """The end of a call nobody told us about: it was live, and it is gone."""
    return CallEnd(state=state, source=EndSource.GAP, uniqueid=uniqueid, ended_at=ended_at, pbx=pbx)


def _call_end(text: str, told: Mapping[str, str], state: CallState, *, pbx: str, ended_at: float) -> CallEnd:
    channel_state = header(text, "ChannelState")
    cause = header(text, "Cause")
    return CallEnd(
        state=state,
        source=EndSource.AMI,
        uniqueid=header(text, "Uniqueid"),
        ended_at=ended_at,
        pbx=pbx,
        dialstatus=told.get(DIALSTATUS, ""),
        is_up=channel_state == _STATE_UP if channel_state else None,
        cause=int(cause) if _CAUSE.fullmatch(cause) else None,
        tech_cause=header(text, "TechCause"),
        answered_s=_number(told.get(ANSWEREDTIME, "")),
        variables={name: value for name, value in told.items() if value and name not in _READ_APART},
    )


def _number(text: str) -> float | None:
    """A finite number, not negative; `None` for anything else."""
    if not text:  # the usual case, and an exception is dear
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
