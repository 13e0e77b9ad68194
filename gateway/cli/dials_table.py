"""How dial records are shown: masked unless asked otherwise, field by field."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gateway.cli.tables import masked
from gateway.model.delivery import Delivery, DeliveryState, SpooledDial
from gateway.model.dial import Dial
from gateway.providers.outboundiq_dials import DialFields, payload


def shown(dial: Dial, *, unmask: bool) -> Dial:
    """The record as it may be seen."""
    if unmask:
        return dial
    return replace(dial, ani=masked(dial.ani), prospect_phone=masked(dial.prospect_phone))


def written(at: float | None) -> str:
    """Seconds since the epoch as `2026-04-10 14:32:15`, UTC; "" for none."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def state_name(state: DeliveryState) -> str:
    """The state in one word."""
    return state.name.lower()


def api_fields(dial: Dial) -> dict[str, str]:
    """The 14 fields as the Dials API names them; numbers in E.164, or as they are masked."""
    return payload(dial, DialFields.SEED) | {"ani": dial.ani, "prospect_phone": dial.prospect_phone}


def as_object(one: SpooledDial, *, unmask: bool) -> dict[str, Any]:
    """All there is to know of a record, for JSON. Times are UTC; `dial` is null once it is delivered."""
    return {
        "number": one.number,
        "dial_id": one.dial_id,
        "put_at": written(one.put_at),
        "done_at": written(one.done_at) or None,
        "confirmed_at": written(one.confirmed_at) or None,
        "dial": None if one.dial is None else api_fields(shown(one.dial, unmask=unmask)),
        "deliveries": [_delivery_object(delivery) for delivery in one.deliveries],
    }


def _delivery_object(delivery: Delivery) -> dict[str, Any]:
    return {
        "target": delivery.target,
        "state": state_name(delivery.state),
        "attempts": delivery.attempts,
        "next_at": written(delivery.next_at),
        "reason": delivery.reason,
    }
