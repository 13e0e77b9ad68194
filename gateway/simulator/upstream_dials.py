"""What a simulated upstream does with dial records: keeps them, and answers right and wrong.

The harshest case is the one to test with: a fault that breaks the connection breaks it after the record has
been kept. Source: the Dials API document, Dial Results, and what the vendor's SDKs show.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.simulator.upstream_answers import Fault, HttpAnswer, plain_failure

DEFAULT_COMPANY_GUID = "00000000-0000-4000-8000-000000000000"
REFUSAL = "disposition is unknown"
RESULT_REQUIRED = {
    "0504bd2b-f9eb-4a72-b497-7c8cac8692a0": "company",
    "ec4e634b-aa92-4859-9d16-46aece2b780b": "campaign",
    "1eb3164f-2157-43d9-9aa8-ed1e20e97fa7": "agentid",
    "0be372ee-d1bf-42a4-8891-dbc5ee547a7c": "ani",
    "ddb195b9-1f3d-4775-a9b7-fcf9d7c46583": "callid",
    "e8ca4a68-d96e-4be8-8ac1-1114fec52cde": "dispo",
    "12929e99-3266-4350-b2c8-592119ffd558": "phone",
    "9a1f5867-157f-4620-ae43-b824bc4d81ee": "call_date_time",
}
"""The names Dial Results insists on, and what they mean."""
_COMPANY, _CALL_ID = "0504bd2b-f9eb-4a72-b497-7c8cac8692a0", "ddb195b9-1f3d-4775-a9b7-fcf9d7c46583"
_REQUIRED = (
    *("campaign_id", "campaign_name", "agent_name", "disposition_name", "datetime", "call_direction", "zip"),
    *("sys_created_date_original", "total_dial_attempts", "skill_name", "lead_source"),
)
_NUMBERS = {"seed": ("ani", "prospect_phone"), "current": ("from_number", "to_number")}
_CLIENT_ERROR = 400


class DialLedger:
    """The records an upstream was sent; the last `most` different ones, or all."""

    def __init__(self, *, most: int | None = None) -> None:
        self._most = most
        self.repeats = 0
        """Records that had come before."""
        self.dials: dict[str, Mapping[str, Any]] = {}
        """By dial_id, as they first came."""
        self.times: Counter[str] = Counter()
        """How often each dial_id came."""
        self.changed: set[str] = set()
        """Those that came again with other content."""

    def keep(self, dial_id: str, content: Mapping[str, Any]) -> None:
        """Take one record; a repeat is counted and changes nothing."""
        self.times[dial_id] += 1
        self.repeats += self.times[dial_id] > 1
        if self.dials.setdefault(dial_id, content) != content:
            self.changed.add(dial_id)
        if self._most is not None and len(self.dials) > self._most:
            oldest = next(iter(self.dials))
            del self.dials[oldest], self.times[oldest]


def dial(body: Mapping[str, Any], fault: Fault, fields: str, ledger: DialLedger) -> HttpAnswer:
    """The answer to one POST /dials; the record is in `ledger` when it was good.

    `fields` is the pair of number fields it takes: `seed`, `current` or `any`.
    """
    if fault is Fault.DIAL_REFUSED:
        return _answer(422, {"message": REFUSAL})
    if (plain := plain_failure(fault)) is not None and plain.status >= _CLIENT_ERROR:
        return plain
    missing = [name for name in _REQUIRED if name not in body]
    pairs = _NUMBERS.values() if fields == "any" else [_NUMBERS[fields]]
    if not any(all(name in body for name in pair) for pair in pairs):
        missing += next(iter(pairs))
    if missing:
        return _answer(422, {"message": f"missing: {', '.join(missing)}"})
    ledger.keep(str(body.get("dial_id", "")), dict(body))
    return plain or _answer(200, {"message": "dial queued"})


def dial_result(query: Mapping[str, str], fault: Fault, company: str, ledger: DialLedger) -> HttpAnswer:
    """The answer to one POST of Dial Results; the record is in `ledger` when it was good."""
    if fault is Fault.DIAL_REFUSED:
        return _answer(200, {"result": "FAIL", "reason": REFUSAL})
    if (plain := plain_failure(fault)) is not None and plain.status >= _CLIENT_ERROR:
        return plain
    missing = [meaning for name, meaning in RESULT_REQUIRED.items() if name not in query]
    if missing:
        return _answer(200, {"result": "FAIL", "reason": f"missing: {', '.join(missing)}"})
    if query[_COMPANY] != company:
        return _answer(200, {"result": "FAIL", "reason": "unknown company"})
    content = {name: value for name, value in query.items() if name != _COMPANY}
    ledger.keep(query[_CALL_ID], content)
    return plain or _answer(200, {"result": "SUCCESS"})


def _answer(status: int, value: Mapping[str, Any]) -> HttpAnswer:
    return HttpAnswer(status, orjson.dumps(value))
