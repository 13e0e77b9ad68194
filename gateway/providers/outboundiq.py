"""outboundIQ: POST /assignment and /assignment/batch.

Source: the vendor's Assignment API page; `e164` is of the vendor's SDKs. What the page leaves open is decided
here: "no number" is a body and not a status, so `success` decides first; an answer counts only when its `ani`
is a phone number.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from gateway.model.decision import Source
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.assigned import assigned_number
from gateway.providers.base import Answer, BadAnswerError, ProviderError, RefusedError, UnavailableError
from gateway.providers.call_http import call_http
from gateway.providers.http import Reply
from gateway.providers.outboundiq_account import OutboundIqSettings

_MAX_REPLY_BYTES = 65_536  # a real answer has about 90 bytes
_MAX_ROW_BYTES = 2_048  # a real row has about 80 bytes
_MAX_MESSAGE_CHARS = 200
_UNAUTHORIZED = (401, 403)
_CLIENT_ERROR = 400
_NO_NUMBER = "No available ANI found"
"""The documented words for an empty inventory; with them even a 5xx is an answer."""


class OutboundIq:
    """Asks outboundIQ for numbers. A `RemoteAssigner`."""

    source = Source.OUTBOUNDIQ

    def __init__(self, settings: OutboundIqSettings) -> None:
        self._form = {"e164": True} if settings.e164 else {}
        self._http = call_http(settings, {"Authorization": f"Bearer {settings.key}"})

    async def open(self) -> None:
        """Make the connection pool; no request is sent."""
        await self._http.open()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def assign(self, lead: Lead, *, timeout_s: float) -> Answer:
        """POST /assignment."""
        body = orjson.dumps({**_lead_fields(lead), "real_time": lead.real_time, **self._form})
        reply = await self._http.post(
            "/assignment", body, timeout_s=timeout_s, max_reply_bytes=_MAX_REPLY_BYTES
        )
        answer = _understood(reply)
        if answer.get("success") is not True:
            return Answer(None, _text(answer.get("message")), reply.request_id)
        return _answer(answer.get("ani"), lead.phone, _text(answer.get("message")), reply.request_id)

    async def assign_batch(self, leads: Sequence[Lead], *, timeout_s: float) -> list[Answer | ProviderError]:
        """POST /assignment/batch. Rows are matched by `row_id`; their order says nothing."""
        names = [str(row) for row in range(len(leads))]
        rows = [_lead_fields(lead) for lead in leads]
        for name, row in zip(names, rows, strict=True):
            row["row_id"] = name
        real_time = any(lead.real_time for lead in leads)
        body = orjson.dumps({"real_time": real_time, **self._form, "leads": rows})
        most = _MAX_REPLY_BYTES + _MAX_ROW_BYTES * len(leads)
        reply = await self._http.post("/assignment/batch", body, timeout_s=timeout_s, max_reply_bytes=most)
        answer = _understood(reply)
        results = answer.get("results")
        if not isinstance(results, list):
            raise BadAnswerError("the batch answer has no list of results", request_id=reply.request_id)
        by_row: dict[str, dict[str, Any]] = {}
        for row in results:
            if isinstance(row, dict):
                by_row.setdefault(str(row.get("row_id")), row)
        if by_row.keys().isdisjoint(names):
            raise BadAnswerError("the batch answer has none of our rows", request_id=reply.request_id)
        asked = zip(names, leads, strict=True)
        return [_row_answer(by_row.get(name), lead.phone, reply.request_id) for name, lead in asked]


def _lead_fields(lead: Lead) -> dict[str, str]:
    """NANP numbers as the documents write them, 10 digits; others with their country code."""
    e164 = lead.phone.e164
    fields = {"prospect_phone": e164[2:] if e164[1] == "1" else e164[1:]}
    if lead.zip:
        fields["prospect_zip"] = lead.zip
    if lead.campaign:
        fields["dialer_campaign"] = lead.campaign
    return fields


def _understood(reply: Reply) -> dict[str, Any]:
    """The answer's object, when the status lets it count. Raises the `ProviderError` that fits otherwise.

    401 and 403 refuse the key whatever the body says. Elsewhere a body with a boolean `success` is an answer
    whatever the status, save that a 5xx means "no number" only in the documented words.
    """
    if reply.status in _UNAUTHORIZED:
        raise RefusedError(
            f"the key was refused ({reply.status}); check outboundiq.key",
            status=reply.status,
            request_id=reply.request_id,
        )
    try:
        answer = reply.json_object()
    except BadAnswerError:
        if reply.status < _CLIENT_ERROR:
            raise
        answer = {}
    success = answer.get("success")
    if reply.is_server_error and success is not True and answer.get("message") != _NO_NUMBER:
        raise UnavailableError(f"answer {reply.status}", request_id=reply.request_id)
    if isinstance(success, bool):
        return answer
    if reply.status >= _CLIENT_ERROR:
        raise RefusedError(
            f"the request was refused ({reply.status})", status=reply.status, request_id=reply.request_id
        )
    raise BadAnswerError('the answer has no "success"', request_id=reply.request_id)


def _row_answer(row: dict[str, Any] | None, prospect: PhoneNumber, request_id: str) -> Answer | ProviderError:
    if row is None:
        return BadAnswerError("the row is missing from the batch answer", request_id=request_id)
    if row.get("error"):
        return Answer(None, _text(row["error"]), request_id)
    try:
        return _answer(row.get("outboundani"), prospect, "", request_id)
    except BadAnswerError as error:
        return error


def _answer(ani: object, prospect: PhoneNumber, message: str, request_id: str) -> Answer:
    """An answer with a number. Raises `BadAnswerError` when `ani` is none; its text stays out of the logs."""
    phone = assigned_number(ani, prospect)
    if phone is None:
        raise BadAnswerError("the answer's number is not a phone number", request_id=request_id)
    return Answer(phone, message, request_id)


def _text(value: object) -> str:
    return value[:_MAX_MESSAGE_CHARS] if isinstance(value, str) else ""
