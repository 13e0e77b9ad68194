"""One AMI message as text: its headers, and the channel variables it carries with their escapes undone."""

import re
from dataclasses import dataclass

_VARIABLE = "ChanVariable"
_VARIABLE_LINE = f"\r\n{_VARIABLE}: "
_ESCAPES = dict(zip("abfnrtv\\'\"?", "\a\b\f\n\r\t\v\\'\"?", strict=True))
_ESCAPED = re.compile(r"\\([abfnrtv\\'\"?])")


@dataclass(frozen=True, slots=True)
class Message:
    """The lines of a message. Where a name comes twice, the first value counts."""

    headers: dict[str, str]
    variables: dict[str, str]
    """From `ChanVariable: NAME=value`; a variable that is not set on the channel is there and empty."""


def read_message(body: bytes) -> Message:
    """The message in `body`. Never raises: a line that is no header is left out, bad UTF-8 is replaced."""
    headers: dict[str, str] = {}
    variables: dict[str, str] = {}
    for line in body.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(": ")
        if name == _VARIABLE:
            variable, equals, text = value.partition("=")
            if equals:
                variables.setdefault(variable, unescape(text))
        elif name != line:
            headers.setdefault(name, value)
    return Message(headers, variables)


def header(text: str, name: str) -> str:
    """The value of one header of a message, its first line aside; "" when it has none.

    For those who want a few of many lines: reading a message as a whole costs three times as much.
    """
    start = text.find(f"\r\n{name}: ")
    if start < 0:
        return ""
    start += len(name) + 4
    end = text.find("\r\n", start)
    return text[start:] if end < 0 else text[start:end]


def variables(text: str) -> dict[str, str]:
    """The channel variables of a message, as `Message.variables`."""
    found: dict[str, str] = {}
    for lines in text.split(_VARIABLE_LINE)[1:]:
        name, equals, value = lines.partition("\r\n")[0].partition("=")
        if equals:
            found.setdefault(name, unescape(value))
    return found


def unescape(text: str) -> str:
    r"""Undo the C escapes Asterisk puts into values (`\r \n \t \" \' \? \\ …`); others stay as they are.

    Source: ast_escape_c of Asterisk's utils.c.
    """
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda match: _ESCAPES[match[1]], text)
