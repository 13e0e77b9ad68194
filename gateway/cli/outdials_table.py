"""How outdials and targets are shown: phone numbers masked unless asked otherwise."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.cli.tables import masked
from gateway.leads.outdial_rows import written
from gateway.model.outdial import Address, AddressType, Outdial, OutdialTarget, Stamps
from gateway.providers.refusal import without_numbers

OUTDIAL_COLUMNS = ("id", "name", "campaign", "created (UTC)", "detail")
TARGET_COLUMNS = ("id", "name", "status", "tries", "destinations", "created (UTC)")


def shown(target: OutdialTarget, *, unmask: bool) -> OutdialTarget:
    """The target as it may be seen; its texts may hold numbers too."""
    if unmask:
        return target
    return replace(
        target,
        name=without_numbers(target.name),
        detail=without_numbers(target.detail),
        data=without_numbers(target.data),
        destinations=tuple(_masked(each) for each in target.destinations),
    )


def _masked(address: Address | None) -> Address | None:
    if address is None:
        return None
    is_phone = address.type is AddressType.TEL
    return replace(
        address,
        target=masked(address.target) if is_phone else without_numbers(address.target),
        target_name=without_numbers(address.target_name),
        name=without_numbers(address.name),
        detail=without_numbers(address.detail),
    )


def outdial_row(one: Outdial) -> tuple[str, ...]:
    """Under `OUTDIAL_COLUMNS`."""
    return one.id, one.name, one.campaign_id, _at(one.stamps.created), one.detail


def target_row(one: OutdialTarget) -> tuple[str, ...]:
    """Under `TARGET_COLUMNS`. Tries stand in the order of the destinations."""
    places = [place for place, address in enumerate(one.destinations) if address is not None]
    return (
        one.id,
        one.name,
        one.status.value,
        " ".join(str(one.tries[place]) for place in places),
        ", ".join(written(one.destinations[place]) for place in places),
        _at(one.stamps.created),
    )


def outdial_object(one: Outdial) -> dict[str, Any]:
    """All there is to know of an outdial, for JSON. Times are UTC."""
    return {
        "id": one.id,
        "customer_id": one.customer_id or None,
        "campaign_id": one.campaign_id or None,
        "name": one.name,
        "detail": one.detail,
        "data": one.data,
        **_times(one.stamps),
    }


def target_object(one: OutdialTarget) -> dict[str, Any]:
    """All there is to know of a target, for JSON; destinations and tries by their place. Times are UTC."""
    return {
        "id": one.id,
        "outdial_id": one.outdial_id,
        "name": one.name,
        "detail": one.detail,
        "data": one.data,
        "status": one.status.value,
        "destinations": [_address_object(each) for each in one.destinations],
        "tries": list(one.tries),
        **_times(one.stamps),
    }


def _address_object(address: Address | None) -> dict[str, str] | None:
    if address is None:
        return None
    return {
        "type": address.type.value,
        "target": address.target,
        "target_name": address.target_name,
        "name": address.name,
        "detail": address.detail,
    }


def _times(stamps: Stamps) -> dict[str, str | None]:
    return {
        "created_at": _at(stamps.created) or None,
        "updated_at": _at(stamps.updated) or None,
        "deleted_at": _at(stamps.deleted) or None,
    }


def _at(at: datetime | None) -> str:
    return "" if at is None else at.strftime("%Y-%m-%d %H:%M:%S")
