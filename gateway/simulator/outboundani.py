"""What a simulated outboundANI answers to `POST /next`, right and wrong: values only, no sockets.

Written from the AI Dialer Integration document alone; it shows no failure, so these come in several forms.
The number for a phone is the one `upstream_answers.ani_for` gives.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.simulator.upstream_answers import (
    HOSTILE_ANI,
    HOSTILE_MESSAGE,
    IMPLAUSIBLE_ANI,
    NO_ANI,
    Fault,
    HttpAnswer,
    ani_for,
    plain_failure,
)

_TYPES = ("zip", "area_code", "state", "tfn", "random", "highest_contact_rate", None)
_LEAST_DIGITS, _MOST_DIGITS = 10, 15


def next_ani(body: Mapping[str, Any], fault: Fault) -> HttpAnswer:
    """The answer to one `/next`, as far as an answer is given at all."""
    if (plain := plain_failure(fault)) is not None:
        return plain
    if wrong := _wrong(body):
        return _answer(400, {"success": False, "message": wrong})
    phone, kind = body["prospect_phone"], body.get("assignment_type")
    match fault:
        case Fault.WRONG_TYPES:
            return _answer(200, {"prospect_phone": [phone], "ani": 5, "assignment_type": {}})
        case Fault.HOSTILE_ANI:
            ani: str | None = HOSTILE_ANI
        case Fault.IMPLAUSIBLE_ANI:
            ani = IMPLAUSIBLE_ANI
        case Fault.HOSTILE_MESSAGE:
            return _answer(200, {"message": HOSTILE_MESSAGE})
        case Fault.NO_ANI_200:
            ani = None
        case Fault.NO_ANI_404 | Fault.NO_ANI_422:
            return _answer(int(fault.value[-3:]), {"success": False, "message": NO_ANI})
        case _:
            ani = ani_for(phone)
    return _answer(200, {"prospect_phone": phone, "ani": ani, "assignment_type": kind})


def _wrong(body: Mapping[str, Any]) -> str:
    """What the document's types do not allow, "" when all is well."""
    phone, groups = body.get("prospect_phone"), body.get("inventory_group_ids", [])
    if not isinstance(body.get("outbound_campaign"), str):
        return "outbound_campaign is required"
    if not (isinstance(phone, str) and phone.isdigit() and _LEAST_DIGITS <= len(phone) <= _MOST_DIGITS):
        return "prospect_phone must have 10 to 15 digits"
    if not (isinstance(groups, list) and all(isinstance(group, str) for group in groups)):
        return "inventory_group_ids must be a list of texts"
    if not isinstance(body.get("prospect_zip", ""), str):
        return "prospect_zip must be a text"
    if not isinstance(body.get("use_branded", False), bool):
        return "use_branded must be true or false"
    return "" if body.get("assignment_type") in _TYPES else "assignment_type is unknown"


def _answer(status: int, value: Mapping[str, Any]) -> HttpAnswer:
    return HttpAnswer(status, orjson.dumps(value))
