"""What a simulated outboundIQ or outboundANI does with campaigns, dispositions and ANIs: no sockets here.

Written from the Custom Dialer Integration and AI Dialer Integration documents alone. What they leave open can
be chosen: `form` is how a GET wraps its item.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from gateway.simulator.upstream_answers import Fault, HttpAnswer, plain_failure

_SINGULAR = {"campaigns": "campaign", "dispos": "dispo", "anis": "ani"}
_CALL_TYPES, _DISPO_TYPES = ("Inbound", "Outbound", "Blended"), ("System", "Agent")
_FIELDS: dict[str, dict[str, type | tuple[str, ...]]] = {
    "campaigns": {"id": str, "name": str, "type": _CALL_TYPES, "inbound_pool_id": str},
    "dispos": {"id": str, "name": str, "type": _DISPO_TYPES, "contact": bool, "success": bool},
    "anis": {
        "country_code": ("+1", "+44"),
        "number": str,
        "inbound_group_id": str,
        "is_branded": bool,
        "brand_name": str,
        "carrier_id": str,
    },
}
_REQUIRED = {
    "campaigns": ("id", "name", "type"),
    "dispos": ("id", "name", "type", "contact", "success"),
    "anis": ("country_code", "number", "inbound_group_id"),
}
_DIGITS = (9, 10)
"""A number without its country code: ten digits, of some British places nine."""


class Form(StrEnum):
    """How the answer to a GET holds the item."""

    NAMED = "named"
    """`{"success": true, "ani": {…}}`, as documented for ANIs."""
    DATA = "data"
    RESULT = "result"
    LIST = "list"
    """A list of one, under the plural name."""
    BARE = "bare"


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    """With the query."""
    body: bytes


class VendorShelves:
    """One vendor's inventory in memory, and the requests it was sent."""

    def __init__(self, *, has_pools: bool, keeps_carrier: bool) -> None:
        self._left_out = {"inbound_pool_id"} if not has_pools else set()
        self._left_out |= {"carrier_id"} if not keeps_carrier else set()
        self.form = Form.NAMED
        self.received: deque[Received] = deque(maxlen=1_000)
        """The last requests."""
        self.items: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in _SINGULAR}
        """By kind and by id, or by number without its country code."""

    def answer(self, method: str, kind: str, asked: Mapping[str, Any], fault: Fault) -> HttpAnswer:
        """The answer to one request for `/{kind}`; `asked` is its body, or the query of a GET."""
        if (plain := plain_failure(fault)) is not None:
            return plain
        if fault is Fault.WRONG_TYPES:
            return _answer(200, {"success": True, _SINGULAR[kind]: {"id": [1], "number": [1], "type": 5}})
        content, wrong = _understood(kind, asked)
        key = content.get(_key_name(kind))
        if wrong or not key:
            return _no(400, wrong or f"{_key_name(kind)} is required")
        match method:
            case "POST":
                return self._create(kind, key, content)
            case "GET" if key in self.items[kind]:
                return self._shown(kind, self.items[kind][key])
            case "PUT" if key in self.items[kind]:
                self.items[kind][key] |= self._kept(content)
            case "DELETE" if key in self.items[kind]:
                del self.items[kind][key]
            case _:
                return _no(404, f"{_SINGULAR[kind]} not found")
        return _answer(200, {"success": True})

    def _create(self, kind: str, key: str, content: dict[str, Any]) -> HttpAnswer:
        missing = [name for name in _REQUIRED[kind] if name not in content]
        if missing:
            return _no(400, f"{missing[0]} is required")
        if key in self.items[kind]:
            return _no(409, f"{_SINGULAR[kind]} already exists")
        self.items[kind][key] = self._kept(content)
        return _answer(200, {"success": True})

    def _kept(self, content: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in content.items() if name not in self._left_out}

    def _shown(self, kind: str, item: dict[str, Any]) -> HttpAnswer:
        match self.form:
            case Form.NAMED:
                return _answer(200, {"success": True, _SINGULAR[kind]: item})
            case Form.LIST:
                return _answer(200, {"success": True, kind: [item]})
            case Form.BARE:
                return _answer(200, item)
            case form:
                return _answer(200, {form.value: item})


def _key_name(kind: str) -> str:
    return "number" if kind == "anis" else "id"


def _understood(kind: str, asked: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The fields that are known, and what is wrong with one of them."""
    content = {name: asked[name] for name in _FIELDS[kind] if name in asked}
    for name, value in content.items():
        allowed = _FIELDS[kind][name]
        if isinstance(allowed, tuple) and value not in allowed:
            return content, f"{name} must be one of {', '.join(allowed)}"
        if isinstance(allowed, type) and not isinstance(value, allowed):
            return content, f"{name} must be a {allowed.__name__}"
    if "number" in content:
        content["number"] = "".join(char for char in content["number"] if char.isdigit())
        if len(content["number"]) not in _DIGITS:
            return content, "number must be without its country code"
    return content, ""


def _no(status: int, message: str) -> HttpAnswer:
    return _answer(status, {"success": False, "message": message})


def _answer(status: int, value: Mapping[str, Any]) -> HttpAnswer:
    return HttpAnswer(status, orjson.dumps(value))
