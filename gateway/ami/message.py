"""One AMI message as text: its headers, and the channel variables it carries with their escapes undone."""

import re
from dataclasses import dataclass

_VARIABLE = "ChanVariable"
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


def unescape(text: str) -> str:
    r"""Undo the C escapes Asterisk puts into values (`\r \n \t \" \' \? \\ …`); others stay as they are.

    Source: ast_escape_c of Asterisk's utils.c.
    """
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda match: _ESCAPES[match[1]], text)
