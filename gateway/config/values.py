"""From what was written (TOML, or text of the environment and of flags) to the type of the setting."""

import difflib
import json
import math
import tomllib
import types
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Union, get_args, get_origin

_TRUTH = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_NAMES = {str: "text", int: "number", float: "number", bool: "true or false", list: "list", dict: "table"}


class WrongValueError(ValueError):
    """The value cannot be meant. `expected` and `found` complete "expected …, found …"."""

    def __init__(self, expected: str, found: object, hint: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.found = found
        self.hint = hint


def shown(raw: object) -> str:
    """A raw value as it would be written in the file."""
    return json.dumps(raw, ensure_ascii=False, default=str)


def kind(raw: object) -> str:
    """What a raw value is, in plain words, without showing it."""
    return _NAMES.get(type(raw), "date or time")


def described(hint: Any) -> str:
    """The type of a setting, in plain words."""
    inner, origin = get_args(hint), get_origin(hint)
    if _optional(hint) is not None:
        return f"{described(_optional(hint))}, or empty"
    if origin is tuple:
        return f"a list of {_plural(inner[0])}"
    if origin is dict:
        return f"a table of {_plural(inner[1])}"
    if issubclass(hint, Enum):
        return "one of " + ", ".join(str(member.value) for member in hint)
    return _WORDS[hint]


def _plural(hint: Any) -> str:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "these: " + ", ".join(str(member.value) for member in hint)
    return {str: "texts", int: "whole numbers", float: "numbers", bool: "true or false"}[hint]


def _optional(hint: Any) -> Any:
    """`X` of `X | None`, or `None` for any other hint."""
    if get_origin(hint) in {Union, types.UnionType}:
        return next(each for each in get_args(hint) if each is not types.NoneType)
    return None


def from_text(text: str, hint: Any) -> object:
    """`text` as TOML would have given it. What does not fit stays text, for `read` to refuse.

    Lists are separated by commas, tables are `name=value` separated by commas; both may be TOML as well.
    """
    if _optional(hint) is not None:
        return from_text(text, _optional(hint)) if text else text
    if get_origin(hint) in {tuple, dict}:
        return _collection_from_text(text.strip(), hint)
    if hint is bool:
        return _TRUTH.get(text.strip().lower(), text)
    if hint in {int, float}:
        return _number_from_text(text, hint)
    return text


def _number_from_text(text: str, hint: Callable[[str], float]) -> object:
    try:
        return hint(text)
    except ValueError:
        return text


def _collection_from_text(text: str, hint: Any) -> object:
    inner, is_table = get_args(hint), get_origin(hint) is dict
    if text.startswith("{" if is_table else "["):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text
    pieces = [piece.strip() for piece in text.split(",")] if text else []
    if not is_table:
        return [from_text(piece, inner[0]) for piece in pieces]
    if not all("=" in piece for piece in pieces):
        return text
    pairs = (piece.split("=", 1) for piece in pieces)
    return {name.strip(): from_text(value.strip(), inner[1]) for name, value in pairs}


def read(raw: object, hint: Any, choices: Sequence[str] = ()) -> Any:
    """`raw`, as TOML gives it, in the type of `hint`; `choices` narrow an enum. Raises `WrongValueError`."""
    if _optional(hint) is not None:
        return None if raw == "" else read(raw, _optional(hint), choices)
    if get_origin(hint) is tuple:
        if not isinstance(raw, list):
            raise WrongValueError(described(hint), raw, f"write it in square brackets: [{shown(raw)}]")
        return tuple(read(each, get_args(hint)[0], choices) for each in raw)
    if get_origin(hint) is dict:
        if not isinstance(raw, dict):
            raise WrongValueError(described(hint), raw, 'write it in braces: { name = "value" }')
        return {name: read(each, get_args(hint)[1], choices) for name, each in raw.items()}
    if issubclass(hint, Enum):
        return _member(raw, hint, choices)
    return _scalar(raw, hint)


def _member(raw: object, hint: type[Enum], choices: Sequence[str]) -> Enum:
    allowed = choices or [str(member.value) for member in hint]
    if raw not in allowed:
        raise WrongValueError(f"one of {', '.join(allowed)}", raw, _closest(str(raw), allowed))
    return hint(raw)


def _closest(text: str, allowed: Sequence[str]) -> str:
    close = difflib.get_close_matches(text.lower(), allowed, 1)
    return f'did you mean "{close[0]}"?' if close else ""


def _scalar(raw: object, hint: type[Any]) -> Any:
    if hint is float and type(raw) in {int, float}:
        return _finite(raw)
    if type(raw) is not hint:
        raise WrongValueError(_WORDS[hint], raw, _mend(raw, hint))
    return raw


def _finite(raw: Any) -> float:
    if not math.isfinite(raw):
        raise WrongValueError("a number that is not infinite", str(raw))
    return float(raw)


def _mend(raw: object, hint: type[Any]) -> str:
    """How to write `raw` so that it fits, when that is plain; "" otherwise."""
    if hint is str and isinstance(raw, int | float):
        return f'write it in quotes: "{raw}"'
    if isinstance(raw, str) and type(as_number := from_text(raw, hint)) is hint:
        return f"write it without quotes: {shown(as_number)}"
    return ""
