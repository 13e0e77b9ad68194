"""Every channel variable we set or read, and the packed state of a call.

`GATEWAY` carries the whole call in one plain variable, so that one Hangup event is enough for one record:

    1|ani|phone|campaign|status|source|at|dial_id|zip|agent|campaign_name|skill|lead_source|...

A version comes first, fields are percent-encoded and keep their places; a field missing at the end is "".
`GATEWAY=1` is what the AMI filter matches. At most 1,400 bytes: Asterisk before 20.16 cuts lines at 2,048.
"""

import re
from typing import NamedTuple
from urllib.parse import quote, unquote

GATEWAY = "GATEWAY"
GATEWAY_STATUS = "GATEWAY_STATUS"
GATEWAY_SOURCE = "GATEWAY_SOURCE"
GATEWAY_ANI = "GATEWAY_ANI"
GATEWAY_DIAL_ID = "GATEWAY_DIAL_ID"
GATEWAY_REASON = "GATEWAY_REASON"
GATEWAY_EXPLAIN = "GATEWAY_EXPLAIN"
GATEWAY_REPORTED = "GATEWAY_REPORTED"
GATEWAY_REPORT_REASON = "GATEWAY_REPORT_REASON"
DIALSTATUS = "DIALSTATUS"
ANSWEREDTIME = "ANSWEREDTIME"
CALLERID_NUM = "CALLERID(num)"
CALLERID_NAME = "CALLERID(name)"
CALLERID_PRES = "CALLERID(pres)"

MAX_PACKED_BYTES = 1_400
"""Leaves room for `SET VARIABLE GATEWAY "…"` within a 1,500 byte line."""

_VERSION = "1"
_MAX_FIELD_BYTES = 240
_NEEDS_ENCODING = re.compile(r"[^A-Za-z0-9._~+:@-]", re.ASCII)
_ALL_PLAIN = re.compile(r"[A-Za-z0-9._~+:@|-]{0,240}", re.ASCII)
_PACKED = re.compile(r"1(\|[A-Za-z0-9._~+:@%-]*)+", re.ASCII)


class CallState(NamedTuple):
    """What the channel knows of a call. Every field is text; "" means there is none."""

    ani: str = ""
    """The caller ID the call goes out with: E.164 with plus when assigned, as the PBX had it otherwise."""
    phone: str = ""
    """The number dialled, E.164 with plus."""
    campaign: str = ""
    status: str = ""
    source: str = ""
    at: str = ""
    """When it was decided, whole seconds since the epoch, UTC."""
    dial_id: str = ""
    zip: str = ""
    agent: str = ""
    campaign_name: str = ""
    skill: str = ""
    lead_source: str = ""
    lead_created: str = ""
    attempts: str = ""
    direction: str = ""
    extra: str = ""
    """Keys the contract does not know, as `key=value&…` with percent-encoded values."""


_SEPARATORS = len(CallState._fields) - 1


def pack(state: CallState) -> str:
    """The value of `GATEWAY`: ASCII, without quotes, commas, spaces or line ends, at most 1,400 bytes.

    A field longer than 240 encoded bytes is cut; should all of them together be too long, the last ones
    are dropped, which are the ones a record can best do without.
    """
    packed = "|".join(state)
    # The usual call has nothing to encode, and every call waits for this: one look at the whole.
    if _ALL_PLAIN.fullmatch(packed) is None or packed.count("|") != _SEPARATORS:
        packed = "|".join([_encode(value) for value in state])
    packed = f"{_VERSION}|{packed.rstrip('|')}"
    while len(packed) > MAX_PACKED_BYTES:
        packed = packed[: packed.rindex("|")]
    return packed


def unpack(packed: str) -> CallState | None:
    """The state `pack` wrote, or `None` when the text is not one. Unknown further fields are ignored."""
    if _PACKED.fullmatch(packed) is None:
        return None
    values = packed.split("|")[1 : len(CallState._fields) + 1]
    return CallState(*[unquote(value) if "%" in value else value for value in values])


def _encode(text: str) -> str:
    if _NEEDS_ENCODING.search(text) is not None:
        text = quote(text, safe="+:@", errors="replace")
    if len(text) <= _MAX_FIELD_BYTES:
        return text
    cut = text[:_MAX_FIELD_BYTES]
    percent = cut.rfind("%", _MAX_FIELD_BYTES - 2)
    return cut if percent < 0 else cut[:percent]
