"""Outdials and targets as VoIPBin writes them.

Source: VoIPBin's outdial tutorial; the fields stand in its order.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import msgspec

from gateway.model.outdial import Address, AddressType, Outdial, OutdialTarget

NIL_ID = str(UUID(int=0))
"""Stands for "none"."""
_NEVER = "9999-01-01 00:00:00.000000"
"""Stands for a time that has not come."""


class OutdialAnswer(msgspec.Struct):
    """An outdial."""

    id: str
    customer_id: str
    campaign_id: str
    name: str
    detail: str
    data: str
    tm_create: str
    tm_update: str
    tm_delete: str

    @classmethod
    def of(cls, outdial: Outdial) -> Self:
        """As VoIPBin writes it."""
        return cls(
            id=outdial.id,
            customer_id=outdial.customer_id,
            campaign_id=outdial.campaign_id or NIL_ID,
            name=outdial.name,
            detail=outdial.detail,
            data=outdial.data,
            tm_create=written(outdial.stamps.created),
            tm_update=written(outdial.stamps.updated),
            tm_delete=written(outdial.stamps.deleted),
        )


class OutdialPage(msgspec.Struct):
    """Some outdials, newest first."""

    result: list[OutdialAnswer]
    next_page_token: str
    """For the page after; "" when this one is empty: there are no more."""


class AddressAnswer(msgspec.Struct):
    """One destination."""

    type: AddressType
    target: str
    target_name: str
    name: str
    detail: str


class TargetAnswer(msgspec.Struct):
    """A target."""

    id: str
    outdial_id: str
    name: str
    detail: str
    data: str
    status: str
    destination_0: AddressAnswer | None
    destination_1: AddressAnswer | None
    destination_2: AddressAnswer | None
    destination_3: AddressAnswer | None
    destination_4: AddressAnswer | None
    try_count_0: int
    try_count_1: int
    try_count_2: int
    try_count_3: int
    try_count_4: int
    tm_create: str
    tm_update: str
    tm_delete: str

    @classmethod
    def of(cls, target: OutdialTarget) -> Self:
        """As VoIPBin writes it."""
        numbered: dict[str, Any] = {}
        for place, one in enumerate(target.destinations):
            numbered[f"destination_{place}"] = _address_answer(one)
            numbered[f"try_count_{place}"] = target.tries[place]
        return cls(
            id=target.id,
            outdial_id=target.outdial_id,
            name=target.name,
            detail=target.detail,
            data=target.data,
            status=target.status.value,
            tm_create=written(target.stamps.created),
            tm_update=written(target.stamps.updated),
            tm_delete=written(target.stamps.deleted),
            **numbered,
        )


class TargetPage(msgspec.Struct):
    """Some targets of an outdial, newest first."""

    result: list[TargetAnswer]
    next_page_token: str
    """For the page after; "" when this one is empty: there are no more."""


def written(moment: datetime | None) -> str:
    """A `tm_` field: UTC to the microsecond."""
    if moment is None:
        return _NEVER
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")


def token_after(rows: Sequence[Outdial] | Sequence[OutdialTarget]) -> str:
    """`next_page_token` of a page with these rows."""
    return written(rows[-1].stamps.created) if rows else ""


def _address_answer(address: Address | None) -> AddressAnswer | None:
    if address is None:
        return None
    return AddressAnswer(address.type, address.target, address.target_name, address.name, address.detail)
