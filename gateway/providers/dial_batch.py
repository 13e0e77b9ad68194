"""The `dial.batch` webhook on the wire: the same for whoever sends it and whoever takes it.

    POST, 1 to 100 dials
    x-outboundiq-event: dial.batch
    x-outboundiq-delivery-id: the same when a failed delivery is repeated
    x-outboundiq-signature: sha256=<hex HMAC-SHA256 of the raw body, keyed with the shared secret>
    {"event": "dial.batch", "deliveryId", "deliveredAt", "dials": [{…}]}

Source: the vendor's SDKs.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import msgspec

EVENT = "dial.batch"
MAX_DIALS = 100
EVENT_HEADER = "x-outboundiq-event"
DELIVERY_ID_HEADER = "x-outboundiq-delivery-id"
SIGNATURE_HEADER = "x-outboundiq-signature"
_SCHEME = "sha256="
_MAX_ID_CHARS = 200


class DialEvent(msgspec.Struct, rename="camel"):
    """One dial as a webhook tells it. Numbers as the other APIs write them; times ISO 8601, UTC."""

    company_slug: str
    call_id: str
    """Our `dial_id`: what a record that was sent is found by."""
    call_direction: str
    timestamp: str
    ani: str
    phone: str
    campaign: str
    campaign_internal_id: str
    agent: str
    disposition: str
    disposition_id: str
    contact: bool
    success: bool
    is_system_dispo: bool
    total_dial_attempts: int


class _Batch(msgspec.Struct, rename="camel"):
    event: str
    delivery_id: str
    delivered_at: str
    dials: list[DialEvent]


class _Told(msgspec.Struct, rename="camel"):
    """What a taker needs of an event; later versions may change the rest."""

    call_id: str


class _ToldBatch(msgspec.Struct, rename="camel"):
    event: str
    delivery_id: Annotated[str, msgspec.Meta(min_length=1, max_length=_MAX_ID_CHARS)]
    dials: Annotated[list[_Told], msgspec.Meta(max_length=MAX_DIALS)]


@dataclass(frozen=True, slots=True)
class Told:
    """A batch that arrived: its delivery and the dials it tells of."""

    delivery_id: str
    call_ids: tuple[str, ...]


class NoBatchError(ValueError):
    """The body is no `dial.batch`; the text says why."""


def write(events: list[DialEvent], delivery_id: str, delivered_at: float) -> bytes:
    """The body; `delivered_at` is seconds since the epoch."""
    return msgspec.json.encode(_Batch(EVENT, delivery_id, iso(delivered_at), events))


def headers(secret: str, body: bytes, delivery_id: str) -> dict[str, str]:
    """What goes with the body, signature included."""
    return {
        EVENT_HEADER: EVENT,
        DELIVERY_ID_HEADER: delivery_id,
        SIGNATURE_HEADER: signature(secret, body),
    }


def signature(secret: str, body: bytes) -> str:
    """`sha256=` and the HMAC of the raw body in lower-case hex."""
    return _SCHEME + hmac.digest(secret.encode(), body, "sha256").hex()


def is_signed(secret: str, body: bytes, given: Mapping[str, str]) -> bool:
    """Whether the headers `given` carry the body's signature; compared in constant time.

    An empty secret signs nothing: anybody could.
    """
    # Headers arrive as text with undecodable bytes escaped.
    candidate = given.get(SIGNATURE_HEADER, "").strip().lower().encode("utf-8", "surrogateescape")
    return hmac.compare_digest(candidate, signature(secret, body).encode()) and bool(secret)


def read(body: bytes) -> Told:
    """What a signed body tells. Raises `NoBatchError`."""
    try:
        batch = msgspec.json.decode(body, type=_ToldBatch)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NoBatchError(f"not a {EVENT}: {error}") from error
    if batch.event != EVENT:
        raise NoBatchError(f"not a {EVENT}: the event is another")
    return Told(batch.delivery_id, tuple(dial.call_id for dial in batch.dials))


def iso(at: float) -> str:
    """Seconds since the epoch as `2026-04-10T14:32:15Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
