"""How every listing is shown: a table for people or JSON for programs, phone numbers masked."""

import json
import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.cli.console import colour, put
from gateway.model.phone import parse_phone

_PIPE_COLUMNS = 1_000
"""Without a terminal a row is one line, so that other programs can cut it."""


def masked(number: str) -> str:
    """A number with its middle starred; one that is no phone number keeps its last two characters."""
    phone = parse_phone(number)
    return number[-2:].rjust(len(number), "*") if phone is None else phone.masked


def put_json(value: object) -> None:
    """Write one JSON value to stdout."""
    put(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def put_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """Write a table to stdout; control characters of others' texts do not reach the terminal."""
    console = Console(file=sys.stdout, highlight=False, no_color=colour() is False)
    if not console.is_terminal:
        console = Console(file=sys.stdout, highlight=False, width=_PIPE_COLUMNS, color_system=None)
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_printable(str(cell))) for cell in row))
    with console.capture() as capture:
        console.print(table)
    put("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines() if line.strip()))


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
