"""What a simulated outboundIQ answers, right and wrong: values only, no sockets.

The number for a phone follows from the phone alone, so a test can check every answer it sees.
Source: the Assignment API document, and what the vendor's SDKs show of it.
"""

import time
import zlib
from dataclasses import dataclass
from email.utils import formatdate
from enum import StrEnum
from typing import Any

import orjson

HOSTILE_ANI = '5550001111"\r\nSET VARIABLE HIJACKED "1"\nHANGUP\n'
"""Would hang the call up, were it ever written to Asterisk as it is."""
HOSTILE_MESSAGE = 'no\r\nSET VARIABLE HIJACKED "1"\n\x00${SHELL(id)}"\\'
IMPLAUSIBLE_ANI = "0123"
HUGE_BYTES = 2 * 1024 * 1024
RETRY_AFTER_S = 1
NO_ANI = "No available ANI found"

_SUBSCRIBERS = 7_990_000
"""Seven digits from 2000000 up, so that no answer looks like a service code."""


class Fault(StrEnum):
    """How the upstream misbehaves. `NONE` answers correctly and at once."""

    NONE = "none"
    SLOW = "slow"
    """Correct, after `delay_s`."""
    SILENT = "silent"
    """Accepts and never answers."""
    REFUSED = "refused"
    """The port is closed."""
    RESET = "reset"
    """The connection breaks before any byte of the answer."""
    CUT_BODY = "cut-body"
    """The connection ends in the middle of the body."""
    STALE_KEEPALIVE = "stale-keepalive"
    """A kept connection breaks when its second request arrives."""
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    RATE_LIMITED = "429"
    RATE_LIMITED_SECONDS = "429-seconds"
    RATE_LIMITED_DATE = "429-date"
    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    MALFORMED = "malformed"
    """200 with a body that is not JSON."""
    WRONG_TYPES = "wrong-types"
    """JSON of another shape than the documents say."""
    HUGE = "huge"
    """200 with a body of 2 MiB."""
    MISSING_ROWS = "missing-rows"
    """A batch answer without every second row; singles are correct."""
    SHUFFLED_ROWS = "shuffled-rows"
    """A batch answer in reverse order: allowed."""
    DUPLICATE_ROWS = "duplicate-rows"
    """A batch answer with each row twice, the second one another number; singles are correct."""
    HOSTILE_ANI = "hostile-ani"
    """A number with line ends, quotes and AGI commands in it."""
    HOSTILE_MESSAGE = "hostile-message"
    """A failure whose message would be an AGI command."""
    IMPLAUSIBLE_ANI = "implausible-ani"
    NO_ANI_200 = "no-ani-200"
    NO_ANI_404 = "no-ani-404"
    NO_ANI_422 = "no-ani-422"
    DIAL_REFUSED = "dial-refused"
    """No dial record is taken: 422, or `FAIL` from Dial Results; assignments are correct."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer, before it is put on the wire."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def ani_for(phone: str) -> str:
    """The number assigned to `phone` (10 digits, or with country code): its area code, 10 digits in all."""
    national = phone[-10:]
    area = national[:3] if national[:1] >= "2" else "555"
    return f"{area}{2_000_000 + zlib.crc32(national.encode()) % _SUBSCRIBERS}"


def single(lead: dict[str, Any], fault: Fault) -> HttpAnswer:
    """The answer to one `/assignment` whose body was `lead`, as far as an answer is given at all."""
    if (plain := plain_failure(fault)) is not None:
        return plain
    match fault:
        case Fault.WRONG_TYPES:
            return _json({"success": "yes", "ani": [2345678901], "message": {"text": 1}})
        case Fault.HOSTILE_ANI:
            return _json(_assigned(HOSTILE_ANI))
        case Fault.IMPLAUSIBLE_ANI:
            return _json(_assigned(IMPLAUSIBLE_ANI))
        case Fault.HOSTILE_MESSAGE:
            return _json({"success": False, "message": HOSTILE_MESSAGE})
        case Fault.NO_ANI_200 | Fault.NO_ANI_404 | Fault.NO_ANI_422:
            return _json({"success": False, "message": NO_ANI}, status=int(fault.value[-3:]))
        case _:
            return _json(_assigned(_ani(lead, in_e164=lead.get("e164") is True)))


def batch(body: dict[str, Any], fault: Fault) -> HttpAnswer:
    """The answer to one `/assignment/batch`, as far as an answer is given at all."""
    if (plain := plain_failure(fault)) is not None:
        return plain
    in_e164 = body.get("e164") is True
    rows = [_row(lead, fault, in_e164=in_e164) for lead in body.get("leads", [])]
    match fault:
        case Fault.WRONG_TYPES:
            row = {"row_id": ["0"], "outboundani": 5, "error": None}
            return _json({"success": True, "results": [7, row]})
        case Fault.MISSING_ROWS:
            rows = rows[::2]
        case Fault.SHUFFLED_ROWS:
            rows.reverse()
        case Fault.DUPLICATE_ROWS:
            rows += [{**row, "outboundani": "5552229999"} for row in rows]
        case _:
            pass
    return _json({"success": True, "results": rows})


def _ani(lead: dict[str, Any], *, in_e164: bool) -> str:
    ani = ani_for(str(lead.get("prospect_phone", "")))
    return f"+1{ani}" if in_e164 else ani


def _row(lead: dict[str, Any], fault: Fault, *, in_e164: bool) -> dict[str, Any]:
    number, error = _ani(lead, in_e164=in_e164), ""
    match fault:
        case Fault.HOSTILE_ANI:
            number = HOSTILE_ANI
        case Fault.IMPLAUSIBLE_ANI:
            number = IMPLAUSIBLE_ANI
        case Fault.HOSTILE_MESSAGE:
            number, error = "", HOSTILE_MESSAGE
        case Fault.NO_ANI_200 | Fault.NO_ANI_404 | Fault.NO_ANI_422:
            number, error = "", NO_ANI
        case _:
            pass
    return {"row_id": lead.get("row_id"), "outboundani": number, "error": error}


def plain_failure(fault: Fault) -> HttpAnswer | None:
    """The answers that are the same for one lead and for many; `None` when they are not."""
    match fault:
        case Fault.UNAUTHORIZED | Fault.FORBIDDEN | Fault.SERVER_ERROR | Fault.UNAVAILABLE:
            return _failure(int(fault.value))
        case Fault.RATE_LIMITED:
            return _failure(429)
        case Fault.RATE_LIMITED_SECONDS:
            return _failure(429, retry_after=str(RETRY_AFTER_S))
        case Fault.RATE_LIMITED_DATE:
            return _failure(429, retry_after=formatdate(time.time() + RETRY_AFTER_S, usegmt=True))
        case Fault.MALFORMED:
            return HttpAnswer(200, b'{"success": true, "ani": "23456')
        case Fault.HUGE:
            return HttpAnswer(200, b'{"success":true,"message":"' + b"x" * HUGE_BYTES + b'"}')
        case _:
            return None


def _assigned(ani: str) -> dict[str, Any]:
    return {"success": True, "ani": ani, "message": "ANI assigned successfully"}


def _failure(status: int, *, retry_after: str = "") -> HttpAnswer:
    headers = (("Retry-After", retry_after),) if retry_after else ()
    return HttpAnswer(status, orjson.dumps({"success": False, "message": f"simulated {status}"}), headers)


def _json(value: dict[str, Any], *, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status, orjson.dumps(value))
