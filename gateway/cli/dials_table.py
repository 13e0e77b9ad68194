"""How dial records are shown: masked unless asked otherwise, as tables for people or JSON for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.cli.console import colour, put
from gateway.model.delivery import Delivery, DeliveryState, SpooledDial
from gateway.model.dial import Dial
from gateway.model.phone import parse_phone
from gateway.providers.outboundiq_dials import DialFields, payload

_PIPE_COLUMNS = 1_000
"""Without a terminal a row is one line, so that other programs can cut it."""


def masked(number: str) -> str:
    """A number with its middle starred; one that is no phone number keeps its last two characters."""
    phone = parse_phone(number)
    return number[-2:].rjust(len(number), "*") if phone is None else phone.masked


def shown(dial: Dial, *, unmask: bool) -> Dial:
    """The record as it may be seen."""
    if unmask:
        return dial
    return replace(dial, ani=masked(dial.ani), prospect_phone=masked(dial.prospect_phone))


def written(at: float | None) -> str:
    """Seconds since the epoch as `2026-04-10 14:32:15`, UTC; "" for none."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def state_name(state: DeliveryState) -> str:
    """The state in one word."""
    return state.name.lower()


def api_fields(dial: Dial) -> dict[str, str]:
    """The 14 fields as the Dials API names them; numbers in E.164, or as they are masked."""
    return payload(dial, DialFields.SEED) | {"ani": dial.ani, "prospect_phone": dial.prospect_phone}


def as_object(one: SpooledDial, *, unmask: bool) -> dict[str, Any]:
    """All there is to know of a record, for JSON. Times are UTC; `dial` is null once it is delivered."""
    return {
        "number": one.number,
        "dial_id": one.dial_id,
        "put_at": written(one.put_at),
        "done_at": written(one.done_at) or None,
        "confirmed_at": written(one.confirmed_at) or None,
        "dial": None if one.dial is None else api_fields(shown(one.dial, unmask=unmask)),
        "deliveries": [_delivery_object(delivery) for delivery in one.deliveries],
    }


def _delivery_object(delivery: Delivery) -> dict[str, Any]:
    return {
        "target": delivery.target,
        "state": state_name(delivery.state),
        "attempts": delivery.attempts,
        "next_at": written(delivery.next_at),
        "reason": delivery.reason,
    }


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
