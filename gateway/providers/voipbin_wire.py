"""VoIPBin's JSON: outdials, targets, lists, errors and three ways to write a time.

Sources: VoIPBin's outdial tutorial; today's server for RFC 3339 times, empty objects in place of `null`, and
the envelope of errors. Unknown fields are ignored, missing texts are empty.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

import orjson

from gateway.model.outdial import (
    DESTINATIONS,
    Address,
    AddressType,
    Outdial,
    OutdialTarget,
    Stamps,
    TargetStatus,
)
from gateway.providers.base import BadAnswerError

NIL_ID = "00000000-0000-0000-0000-000000000000"
"""How the service writes "no id"."""

_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:]{8})(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})?")
_NEVER = ("9999-", "0001-")
"""Years of times that stand for none: the tutorial's sentinel, and the zero of the server's language."""
_MICROSECOND_DIGITS = 6

_Row = TypeVar("_Row")
_Word = TypeVar("_Word", bound=StrEnum)


def stamp(value: object) -> datetime | None:
    """A time in UTC, to the microsecond; `None` for never. Raises `BadAnswerError`."""
    if value is None or value == "":
        return None
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise BadAnswerError("a time in the answer cannot be read")
    if found[0].startswith(_NEVER):
        return None
    fraction = (found[2] or "").ljust(_MICROSECOND_DIGITS, "0")[:_MICROSECOND_DIGITS]
    try:
        at = datetime.fromisoformat(f"{found[1]}.{fraction}{found[3] or '+00:00'}")
    except ValueError:
        raise BadAnswerError("a time in the answer cannot be read") from None
    return at.astimezone(UTC)


def just_after(token: str) -> str | None:
    """The time a microsecond after `token`, written the same way; `None` when `token` is no time."""
    found = _TIME.fullmatch(token)
    try:
        at = stamp(token)
    except BadAnswerError:
        return None
    if found is None or at is None:
        return None
    at += timedelta(microseconds=1)
    return f"{at:%Y-%m-%d}{token[10]}{at:%H:%M:%S.%f}{'Z' if found[3] else ''}"


def address(value: object) -> Address | None:
    """A destination; `null`, an empty object and one without type and target are none."""
    if value is None:
        return None
    row = _object(value, "a destination")
    kind, target = _text(row, "type"), _text(row, "target")
    if not kind and not target:
        return None
    return Address(
        _word(AddressType, kind, "a destination's type"),
        target,
        _text(row, "target_name"),
        _text(row, "name"),
        _text(row, "detail"),
    )


def outdial(value: object) -> Outdial:
    """An outdial of an answer. Raises `BadAnswerError`."""
    row = _object(value, "an outdial")
    return Outdial(
        name=_text(row, "name"),
        detail=_text(row, "detail"),
        data=_text(row, "data"),
        campaign_id=_id(row, "campaign_id"),
        id=_own_id(row),
        customer_id=_id(row, "customer_id"),
        stamps=_stamps(row),
    )


def target(value: object) -> OutdialTarget:
    """A target of an answer. Raises `BadAnswerError`."""
    row = _object(value, "a target")
    status = _text(row, "status")
    return OutdialTarget(
        destinations=tuple(address(row.get(f"destination_{place}")) for place in range(DESTINATIONS)),
        name=_text(row, "name"),
        detail=_text(row, "detail"),
        data=_text(row, "data"),
        id=_own_id(row),
        outdial_id=_id(row, "outdial_id"),
        status=_word(TargetStatus, status, "a target's status") if status else TargetStatus.IDLE,
        tries=tuple(_count(row, f"try_count_{place}") for place in range(DESTINATIONS)),
        stamps=_stamps(row),
    )


def page(value: object, read: Callable[[object], _Row]) -> tuple[list[_Row], str]:
    """The rows of a list and its `next_page_token`. Raises `BadAnswerError`."""
    row = _object(value, "a list")
    rows = row.get("result")
    if rows is not None and not isinstance(rows, list):
        raise BadAnswerError("the list in the answer is no list")
    return [read(each) for each in rows or ()], _text(row, "next_page_token")


def outdial_body(one: Outdial) -> bytes:
    """What creates an outdial. Without a campaign there is no `campaign_id`, as in the tutorial."""
    fields = {"name": one.name, "detail": one.detail, "data": one.data}
    return orjson.dumps(fields | ({"campaign_id": one.campaign_id} if one.campaign_id else {}))


def target_body(one: OutdialTarget) -> bytes:
    """What creates a target: only the destinations there are, each with the fields it has."""
    fields: dict[str, Any] = {"name": one.name, "detail": one.detail, "data": one.data}
    for place, each in enumerate(one.destinations):
        if each is not None:
            written = {"type": each.type.value, "target": each.target}
            more = {"target_name": each.target_name, "name": each.name, "detail": each.detail}
            fields[f"destination_{place}"] = written | {name: text for name, text in more.items() if text}
    return orjson.dumps(fields)


def complaint(body: bytes) -> bytes:
    """The reason and message of an error's envelope; any other body as it is."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    inner = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(inner, dict):
        return body
    told = [text for key in ("reason", "message") if isinstance(text := inner.get(key), str) and text]
    if not told and isinstance(inner.get("status"), str):
        told = [inner["status"]]
    return ": ".join(told).encode() or body


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadAnswerError(f"{what} in the answer is no object")
    return value


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadAnswerError(f"{name} in the answer is no text")
    return value


def _id(row: dict[str, Any], name: str) -> str:
    value = _text(row, name)
    return "" if value == NIL_ID else value


def _own_id(row: dict[str, Any]) -> str:
    value = _id(row, "id")
    if not value:
        raise BadAnswerError("something in the answer has no id")
    return value


def _count(row: dict[str, Any], name: str) -> int:
    value = row.get(name)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadAnswerError(f"{name} in the answer is no number")
    return value


def _word(words: type[_Word], value: str, what: str) -> _Word:
    try:
        return words(value)
    except ValueError:
        known = ", ".join(words)
        raise BadAnswerError(f'{what} is "{value[:40]}"; known are {known}') from None


def _stamps(row: dict[str, Any]) -> Stamps:
    return Stamps(stamp(row.get("tm_create")), stamp(row.get("tm_update")), stamp(row.get("tm_delete")))
