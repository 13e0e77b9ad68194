"""`ani-gateway dials export`: records out of the spool, for audits and for another spool."""

import csv
import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from gateway.cli.console import put, say
from gateway.cli.dials_spool import STATES, each, opened, spool_option, state_named
from gateway.cli.options import config_options, unmask_option

if TYPE_CHECKING:
    from gateway.model.dial import Dial

FORMATS = ("jsonl", "csv")


@click.command()
@config_options
@spool_option
@click.option("--state", type=click.Choice(STATES[:2]), help="Only those that stand so.")
@click.option("--target", default="", help="Only those that one target has yet to take.")
@click.option("--limit", type=click.IntRange(1), help="Most records written. Default: all.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="jsonl", help="Default: jsonl.")
@unmask_option
@click.pass_context
def export(
    context: click.Context, *, state: str | None, target: str, limit: int | None, form: str, unmask: bool
) -> None:
    """Write records to stdout, oldest first: all fields of each.

    `jsonl` is a JSON object a line, as the target `file` writes them; with --unmask, `replay` reads it. `csv`
    has a header line and the 14 fields of the Dials API. Delivered records have no text left and are not
    among them.
    """
    from gateway.cli.dials_table import shown

    line = _LINES[form]
    unreadable = written = 0
    with opened(context) as (view, _):
        if form == "csv":
            put(_csv_header())
        for one in each(view, state=state_named(state), target=target):
            if one.dial is not None:
                put(line(shown(one.dial, unmask=unmask)))
                written += 1
                if written == limit:
                    break
            elif one.done_at is None:
                unreadable += 1
    say(f"records: {written}" + (f"; unreadable: {unreadable}" if unreadable else ""))


def _json_line(dial: "Dial") -> str:
    from gateway.stores.spool_rows import encoded

    return encoded(dial) + "\n"


def _csv_header() -> str:
    from gateway.cli.dials_table import api_fields
    from gateway.model.dial import Dial

    return _csv(iter(api_fields(Dial("", "", "", 0.0))))


def _csv_line(dial: "Dial") -> str:
    from gateway.cli.dials_table import api_fields

    return _csv(iter(api_fields(dial).values()))


def _csv(cells: Iterator[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


_LINES: dict[str, Callable[["Dial"], str]] = {"jsonl": _json_line, "csv": _csv_line}
