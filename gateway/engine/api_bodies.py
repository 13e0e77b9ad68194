"""Request bodies of the Assignment API: checked once, into leads.

Unknown fields are ignored, so that clients of later versions work. A fault names its field.
"""

import re
from typing import TypeVar

import msgspec

from gateway.model.lead import Lead, parse_zip
from gateway.model.phone import PhoneNumber, parse_phone

T = TypeVar("T")

_PHONE_FAULT = "must be a phone number of 10 to 15 digits"
# msgspec ends its messages with the place, written as "- at `$.leads[0].row_id`".
_PLACE = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<where>.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`")


class BodyError(ValueError):
    """The body cannot be understood; the text names the field."""


class AssignmentBody(msgspec.Struct):
    """Body of `POST /assignment`."""

    prospect_phone: str
    prospect_zip: str | None = None
    dialer_campaign: str | None = None
    real_time: bool | None = None
    e164: bool | None = None


class BatchBody(msgspec.Struct):
    """Body of `POST /assignment/batch`. The rows are checked one by one."""

    leads: list[msgspec.Raw]
    real_time: bool | None = None
    e164: bool | None = None


class RowId(msgspec.Struct):
    """What a batch's row must have for its fault to be reported in the row's own result."""

    row_id: str


class RowBody(msgspec.Struct):
    """One row of a batch."""

    row_id: str
    prospect_phone: str
    prospect_zip: str | None = None
    dialer_campaign: str | None = None


def decode(content: bytes | msgspec.Raw, kind: type[T], *, inside: str = "") -> T:
    """`content` as a `kind`; `inside` is the place of `content` in the body. Raises `BodyError`."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise BodyError(_fault(str(error), inside)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyError(f"body: is not valid JSON: {error}") from error


def lead(body: AssignmentBody | RowBody, *, real_time: bool) -> Lead:
    """The lead a body asks for. A zip that is none is as good as no zip. Raises `BodyError`."""
    return Lead(
        phone=_phone(body.prospect_phone),
        zip=parse_zip((body.prospect_zip or "").strip()),
        campaign=(body.dialer_campaign or "").strip(),
        real_time=real_time,
    )


def _phone(text: str) -> PhoneNumber:
    phone = parse_phone(text.strip())
    if phone is None:
        raise BodyError(f"prospect_phone: {_PHONE_FAULT}")
    return phone


def _fault(message: str, inside: str) -> str:
    found = _PLACE.fullmatch(message)
    what, where = (found["what"], found["where"] or "") if found else (message, "")
    missing = _MISSING.fullmatch(what)
    if missing:
        where, what = f"{where}.{missing['field']}", "is required"
    place = ".".join(part.strip(".") for part in (inside, where) if part.strip("."))
    return f"{place or 'body'}: {what[0].lower()}{what[1:]}"
