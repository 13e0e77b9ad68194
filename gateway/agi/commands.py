"""AGI commands: bytes that cannot become anything but the commands they were meant to be.

A command is one line. CR, LF, NUL, quotes and backslashes of a value never reach the wire, and a line is at
most 1,500 bytes: Asterisk before 20.16 cuts at 2,048 and runs the rest as a command.
"""

import re
from functools import lru_cache

MAX_LINE_BYTES = 1_500

_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f"\\\u2028\u2029]')


def set_variables(names: tuple[str, ...], values: tuple[str, ...]) -> bytes:
    """`SET VARIABLE` lines in this order. Names are ours; values may come from anywhere."""
    lines = _lines(names) % values
    # The usual values are harmless and short: one look at all lines together tells.
    if len(lines) > MAX_LINE_BYTES or not _is_harmless(lines, len(values)):
        return b"".join([_set_variable(*one) for one in zip(names, values, strict=True)])
    return lines.encode()


def _is_harmless(lines: str, count: int) -> bool:
    """Whether `count` lines hold no line end, quote or other trap but the ones they were made with."""
    return (
        lines.isascii()
        and lines.count("\n") == count
        and lines.count('"') == 2 * count
        and "\r" not in lines
        and "\0" not in lines
        and "\\" not in lines
    )


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
