"""outboundIQ: POST /dials.

Source: the vendor's Dials API page; the other pair of number fields and the part of `dial_id` in telling
repeats apart come from the vendor's SDKs.
"""

import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import orjson

from gateway.model.dial import Dial
from gateway.model.phone import parse_phone
from gateway.model.setting import setting
from gateway.providers.base import BadAnswerError, RefusedError
from gateway.providers.call_http import call_http
from gateway.providers.http import Reply
from gateway.providers.outboundiq_account import OutboundIqSettings
from gateway.providers.refusal import failure, plain

_log = logging.getLogger(__name__)
_MAX_REPLY_BYTES = 65_536  # a real answer has about 30 bytes
_FIELD_FAULTS = (400, 422)
_INBOUND = "inbound"
_NANP = re.compile(r"\+1[0-9]{10}", re.ASCII)
_TIME_CHARS = len("YYYY-MM-DD HH:MM:SS")


class DialFields(StrEnum):
    """What the two numbers of a record are called."""

    SEED = "seed"
    """`ani` and `prospect_phone`, as on the API page."""
    CURRENT = "current"
    """`from_number` and `to_number`, as in the SDKs."""
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class OutboundIqDialsSettings:
    """`[dials]`: dial records to outboundIQ; address and key are those of `[outboundiq]`."""

    fields: DialFields = setting(
        DialFields.AUTO,
        "Names of the number fields: seed (ani, prospect_phone), current (from_number, to_number), or auto.",
        why="auto begins with the documented names and changes over when they are refused for the others",
    )


class OutboundIqDials:
    """Sends outboundIQ each dial. A `DialTarget`; give it `open` and `close`."""

    name = "outboundiq"
    repeats_safely = True

    def __init__(
        self, account: OutboundIqSettings, settings: OutboundIqDialsSettings, *, max_in_flight: int
    ) -> None:
        self._key = account.key
        self._is_auto = settings.fields is DialFields.AUTO
        self._fields = DialFields.SEED if self._is_auto else settings.fields
        self._http = call_http(
            account, {"Authorization": f"Bearer {account.key}"}, max_connections=max_in_flight
        )

    async def open(self) -> None:
        """Make the pool of connections. Raises `OSError` when the authorities cannot be read."""
        await self._http.open()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def post_dial(self, dial: Dial, *, timeout_s: float) -> None:
        """POST /dials; returns on a 2xx with an object. Raises `ProviderError`."""
        fields = self._fields
        reply = await self._post(dial, fields, timeout_s)
        if self._is_auto and fields is DialFields.SEED and _asks_for_current(reply):
            self._change_over()
            reply = await self._post(dial, self._fields, timeout_s)
        error = failure(reply, (self._key,))
        if error is not None:
            raise error
        answer = reply.json_object()
        if answer.get("success") is False:
            said = plain(str(answer.get("message", "")), (self._key,))
            raise RefusedError(f"refused: {said}", status=reply.status, request_id=reply.request_id)
        if not reply.is_success:
            raise BadAnswerError(f"unexpected answer {reply.status}", request_id=reply.request_id)

    async def _post(self, dial: Dial, fields: DialFields, timeout_s: float) -> Reply:
        body = orjson.dumps(payload(dial, fields))
        return await self._http.post("/dials", body, timeout_s=timeout_s, max_reply_bytes=_MAX_REPLY_BYTES)

    def _change_over(self) -> None:
        if self._fields is not DialFields.CURRENT:
            _log.warning("outboundIQ asks for from_number and to_number; set dials.fields to current")
            self._fields = DialFields.CURRENT


def payload(dial: Dial, fields: DialFields) -> dict[str, str]:
    """The body of one record: all 14 fields, "" where there is nothing to tell."""
    ani, phone = written(dial.ani), written(dial.prospect_phone)
    if fields is DialFields.CURRENT:
        is_inbound = dial.call_direction.lower() == _INBOUND
        caller, called = (phone, ani) if is_inbound else (ani, phone)
        numbers = {"from_number": caller, "to_number": called}
    else:
        numbers = {"ani": ani, "prospect_phone": phone}
    return {
        "campaign_id": dial.campaign_id,
        "campaign_name": dial.campaign_name,
        "agent_name": dial.agent_name,
        **numbers,
        "disposition_name": dial.disposition_name,
        "datetime": utc(dial.at),
        "call_direction": dial.call_direction,
        "zip": dial.zip,
        "sys_created_date_original": dial.sys_created_date_original,
        "total_dial_attempts": dial.total_dial_attempts,
        "skill_name": dial.skill_name,
        "lead_source": dial.lead_source,
        "dial_id": dial.dial_id,
    }


def utc(at: float) -> str:
    """`YYYY-MM-DD HH:MM:SS` in UTC, of seconds since the epoch."""
    return datetime.fromtimestamp(int(at), UTC).isoformat(" ")[:_TIME_CHARS]


def written(number: str) -> str:
    """NANP numbers as the documents write them, 10 digits; others with their country code, or as they are."""
    if _NANP.fullmatch(number) is not None:  # the usual case
        return number[2:]
    phone = parse_phone(number)
    if phone is None:
        return number
    return phone.national if phone.is_nanp else phone.digits


def _asks_for_current(reply: Reply) -> bool:
    return reply.status in _FIELD_FAULTS and (b"from_number" in reply.body or b"to_number" in reply.body)
