"""outboundIQ's Dials API: POST /dials, kept in the engine's own database.

Source: the Dials API document; the other pair of number fields comes from the vendor's SDKs. The document's
fields must be there, empty or not; the numbers, the time and the disposition must say something. A record
with the `dial_id` of an earlier one takes its place. A record without one gets an id made of its content, so
that sending it twice counts once.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from gateway.engine.api.bodies import BodyError, Phone, Text, name, phone
from gateway.engine.api.endpoint import Answered, Asked, Endpoint, Place
from gateway.engine.api.envelopes import OUTBOUNDIQ
from gateway.engine.provider import EngineProvider
from gateway.model.dial import Dial
from gateway.model.phone import PhoneNumber

KEEP_TIMEOUT_S = 5.0
"""Longest wait for the database, which takes milliseconds unless its disk is in trouble."""
_INBOUND = "inbound"
_ID_OF = uuid.UUID("6d0c8f0e-5c0e-4b57-9d0a-0f5b4a1d7c11")
"""Namespace of the ids made of a record's content (RFC 9562 §5.5)."""
DialTime = Annotated[
    str,
    msgspec.Meta(
        max_length=200,
        description="UTC, `YYYY-MM-DD HH:MM:SS` or ISO 8601.",
        examples=["2026-04-10 14:32:15"],
    ),
]


_NOTES = (
    "All fields but `dial_id` must be there; texts may be empty. The numbers are `ani` and `prospect_phone`, "
    "or `from_number` and `to_number`, which an inbound call turns round. The same `dial_id` again replaces "
    "the record. Without one, the record's content tells a repeat."
)


class _Facts(msgspec.Struct, kw_only=True):
    """What a record says beside its numbers."""

    campaign_id: Text
    campaign_name: Text
    agent_name: Text
    disposition_name: Text
    datetime: DialTime
    call_direction: Text
    zip: Text
    sys_created_date_original: Text
    total_dial_attempts: Text | int | float
    skill_name: Text
    lead_source: Annotated[str, msgspec.Meta(max_length=2_000)]
    """Longer than the others: it may be a URL."""
    dial_id: Text | None = None


class DialBody(_Facts, kw_only=True):
    """Body of `POST /dials`, numbers as in the document."""

    ani: Phone
    prospect_phone: Phone


class FromToDialBody(_Facts, kw_only=True):
    """Body of `POST /dials`, numbers as in the vendor's SDKs: who called whom."""

    from_number: Phone
    to_number: Phone


class AnyDialBody(_Facts, kw_only=True):
    """Either; one pair must be there, and the document's is looked at first."""

    ani: str | None = None
    prospect_phone: str | None = None
    from_number: str | None = None
    to_number: str | None = None

    def numbers(self) -> tuple[PhoneNumber, PhoneNumber]:
        """The number shown and the prospect's. Raises `BodyError`."""
        if self.ani is None and self.prospect_phone is None and (self.from_number or self.to_number):
            caller = _number(self.from_number, "from_number", "")
            called = _number(self.to_number, "to_number", "")
            is_inbound = self.call_direction.strip().lower() == _INBOUND
            return (called, caller) if is_inbound else (caller, called)
        return (
            _number(self.ani, "ani", ", or from_number and to_number"),
            _number(self.prospect_phone, "prospect_phone", ""),
        )


class Queued(msgspec.Struct):
    """Answer of `POST /dials`."""

    message: str


class DialsApi:
    """The endpoint over one engine."""

    def __init__(self, provider: EngineProvider) -> None:
        self._target = provider.dial_target()

    def endpoints(self) -> Sequence[Endpoint]:
        """The one."""
        return (
            Endpoint(
                "POST", "/dials", "Post a dial", OUTBOUNDIQ, self.post, {200: (Queued,)}, Place.BODY,
                AnyDialBody, shows=DialBody | FromToDialBody, universal=False, notes=_NOTES,
            ),
        )  # fmt: skip

    async def post(self, asked: Asked[AnyDialBody]) -> Answered:
        """`POST /dials`: answered when the record is on disk."""
        dial = _dial(asked.given, asked.key.default_campaign)
        await self._target.post_dial(dial, timeout_s=KEEP_TIMEOUT_S)
        return Answered(Queued("dial queued"))


def call_time(text: str, field: str) -> float:
    """Seconds since the epoch of an ISO 8601 time, UTC where it names no zone. Raises `BodyError`."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise BodyError(f"{field}: is no time; write UTC as YYYY-MM-DD HH:MM:SS, or ISO 8601") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _dial(body: AnyDialBody, default_campaign: str) -> Dial:
    """The record. Raises `BodyError`."""
    ani, prospect = body.numbers()
    at = call_time(body.datetime, "datetime")
    disposition = name(body.disposition_name, "disposition_name")
    campaign = body.campaign_id.strip() or default_campaign
    content = "\n".join([ani.e164, prospect.e164, f"{at:.6f}", campaign, disposition])
    return Dial(
        dial_id=(body.dial_id or "").strip() or str(uuid.uuid5(_ID_OF, content)),
        ani=ani.e164,
        prospect_phone=prospect.e164,
        at=at,
        campaign_id=campaign,
        campaign_name=body.campaign_name,
        agent_name=body.agent_name,
        disposition_name=disposition,
        call_direction=body.call_direction,
        zip=body.zip,
        sys_created_date_original=body.sys_created_date_original,
        total_dial_attempts=str(body.total_dial_attempts),
        skill_name=body.skill_name,
        lead_source=body.lead_source,
    )


def _number(text: str | None, field: str, otherwise: str) -> PhoneNumber:
    if text is None:
        raise BodyError(f"{field}: is required{otherwise}")
    return phone(text, field)
