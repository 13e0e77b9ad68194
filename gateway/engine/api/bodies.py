"""Reads what a request brings into typed values; a fault names its field.

Unknown fields are ignored, so that clients of later versions work.
"""

import re
from collections.abc import Mapping
from typing import Annotated, TypeVar

import msgspec

T = TypeVar("T")

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""An id or a name: longer than any real one, short enough to keep one bad value from filling the database."""
Text = Annotated[str, msgspec.Meta(max_length=200)]
"""A text that may be empty."""

# msgspec ends its messages with the place, written as "- at `$.leads[0].row_id`".
_PLACE = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<where>.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<field>.*)`")


class BodyError(ValueError):
    """The input cannot be understood; the text names the field."""


def decode(content: bytes | msgspec.Raw, kind: type[T], *, inside: str = "") -> T:
    """`content` as a `kind`; `inside` is the place of `content` in the body. Raises `BodyError`."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise BodyError(_fault(str(error), inside)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyError(f"body: is not valid JSON: {error}") from error


def decode_query(query: Mapping[str, str], kind: type[T]) -> T:
    """Query parameters as a `kind`, numbers and truth values read from their text. Raises `BodyError`."""
    try:
        return msgspec.convert(dict(query), type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise BodyError(_fault(str(error), "")) from error


def _fault(message: str, inside: str) -> str:
    found = _PLACE.fullmatch(message)
    what, where = (found["what"], found["where"] or "") if found else (message, "")
    missing = _MISSING.fullmatch(what)
    if missing:
        where, what = f"{where}.{missing['field']}", "is required"
    place = ".".join(part.strip(".") for part in (inside, where) if part.strip("."))
    return f"{place or 'body'}: {what[0].lower()}{what[1:]}"
