"""Reads what a request brings into typed values; a fault names its field.

Unknown fields are ignored, so that clients of later versions work.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, TypeVar, get_args

import msgspec

from gateway.model.phone import PhoneNumber, parse_phone

T = TypeVar("T")

# Only described, as `name` refuses spaces alone in words of its own. The pattern names what `str.strip`
# takes for a space and another language's `\s` does not.
_NOT_BLANK = {"pattern": r"[^\s\x1c-\x1f\x85]"}
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, extra_json_schema=_NOT_BLANK)]
"""An id or a name: longer than any real one, short enough to keep one bad value from filling the database."""
Text = Annotated[str, msgspec.Meta(max_length=200)]
"""A text that may be empty."""
Phone = Annotated[
    str,
    msgspec.Meta(description="10 to 15 digits; formatting characters do no harm.", examples=["2125550199"]),
]
PHONE_FAULT = "must be a phone number of 10 to 15 digits"

# msgspec ends its messages with the place, written as "- at `$.leads[0].row_id`".
_PLACE = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<where>.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`")


_NO_CHOICE = "Invalid enum value"


class BodyError(ValueError):
    """The input cannot be understood; the text names the field."""


def decode(content: bytes | msgspec.Raw, kind: type[T], *, inside: str = "") -> T:
    """`content` as a `kind`; `inside` is the place of `content` in the body. Raises `BodyError`."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise BodyError(_fault(str(error), inside, kind)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyError(f"body: is not valid JSON: {error}") from error


def decode_query(query: Mapping[str, str], kind: type[T]) -> T:
    """Query parameters as a `kind`, numbers and truth values read from their text. Raises `BodyError`."""
    try:
        return msgspec.convert(dict(query), type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise BodyError(_fault(str(error), "", kind)) from error


def phone(text: str, field: str) -> PhoneNumber:
    """The number in `field`. Raises `BodyError`."""
    found = parse_phone(text.strip())
    if found is None:
        raise BodyError(f"{field}: {PHONE_FAULT}")
    return found


def name(text: str, field: str) -> str:
    """The id or name in `field`, without spaces around it. Raises `BodyError` when nothing is left."""
    found = text.strip()
    if not found:
        raise BodyError(f"{field}: is empty; give it a value")
    return found


def _fault(message: str, inside: str, kind: Any) -> str:
    found = _PLACE.fullmatch(message)
    what, where = (found["what"], found["where"] or "") if found else (message, "")
    missing = _MISSING.fullmatch(what)
    if missing:
        where, what = f"{where}.{missing['field']}", "is required"
    if what.startswith(_NO_CHOICE):
        what = f"{what}; it is one of {', '.join(_choices(kind, where)) or 'a few'}"
    place = ".".join(part.strip(".") for part in (inside, where) if part.strip("."))
    return f"{place or 'body'}: {what[0].lower()}{what[1:]}"


def _choices(kind: Any, field: str) -> list[str]:
    """What a field of the struct `kind` may be, where that is a closed set."""
    hints = [part.type for part in msgspec.structs.fields(kind) if part.encode_name == field]
    found: list[str] = []
    while hints:
        hint = hints.pop(0)
        if isinstance(hint, type) and issubclass(hint, Enum):
            found += [str(member.value) for member in hint]
        elif isinstance(hint, str):
            found.append(hint)
        else:
            hints += get_args(hint)
    return found
