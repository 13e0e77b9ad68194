"""AGI commands: bytes that cannot become anything but the commands they were meant to be.

A command is one line. CR, LF, NUL, other control characters, quotes and backslashes never reach the wire,
and a line is at most 1,500 bytes: Asterisk before 20.16 cuts at 2,048 and runs the rest as a command.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

MAX_LINE_BYTES = 1_500

_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f"\\\u2028\u2029]')


def set_variables(variables: Sequence[tuple[str, str]]) -> bytes:
    """`SET VARIABLE` lines for (name, value) pairs. Names are ours; values may come from anywhere."""
    names, values = zip(*variables, strict=True) if variables else ((), ())
    together = "".join(values)
    # The usual values are harmless and short: one look at all of them, and one format for all lines.
    if len(together) >= MAX_LINE_BYTES - 100 or not _is_harmless(together):
        return b"".join([_set_variable(name, value) for name, value in variables])
    return (_lines(names) % values).encode()


def _is_harmless(text: str) -> bool:
    return text.isascii() and text.isprintable() and '"' not in text and "\\" not in text


@lru_cache(maxsize=64)
def _lines(names: tuple[str, ...]) -> str:
    """The lines for these names, to be filled in by `%`."""
    return "".join(f'SET VARIABLE {name} "%s"\n' for name in names)


def _set_variable(name: str, value: str) -> bytes:
    line = f'SET VARIABLE {name} "{_UNSAFE.sub("", value)}"\n'.encode("utf-8", "replace")
    return line if len(line) <= MAX_LINE_BYTES else _cut(line)


def _cut(line: bytes) -> bytes:
    """The line shortened to its limit, its closing quote kept, no character split."""
    return line[: MAX_LINE_BYTES - 2].decode("utf-8", "ignore").encode() + b'"\n'
