"""`ani-gateway outdials pull` and `push`: targets into a CSV of leads, and a CSV of leads into targets."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from gateway.cli.console import fail, say
from gateway.cli.options import config_options
from gateway.cli.outdials_client import ask_with
from gateway.cli.outdials_targets import STATUSES
from gateway.cli.progress import Progress

if TYPE_CHECKING:
    from gateway.leads.outdial_pull import Pulled
    from gateway.leads.outdial_push import Pushed
    from gateway.providers.voipbin import VoipBin
    from gateway.providers.voipbin_requests import VoipBinSettings

_AGAIN = "run the same command again: it goes on where it stopped"

_COMPARE = "the file has all that can be listed; compare it with what you loaded"


@click.command("pull")
@config_options
@click.argument("outdial_id", type=click.UUID)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The CSV."
)
@click.option("--status", type=click.Choice(STATUSES), help="Only targets that stand so.")
@click.pass_context
def pull_command(context: click.Context, *, outdial_id: UUID, output: Path, status: str | None) -> None:
    """Write the targets of an outdial to a CSV of leads, one row a target, newest first.

    Numbers are in full: the file is data. Broken off, the same command goes on where it stopped.
    """
    from gateway.leads.outdial_pull import PullOrder, pull
    from gateway.model.outdial import TargetStatus

    async def work(voipbin: "VoipBin", settings: "VoipBinSettings") -> "Pulled":
        order = PullOrder(str(outdial_id), output, TargetStatus(status) if status else None, settings.url)
        with closing(line):
            return await pull(voipbin, order, line.show)

    line = Progress("targets")
    with _files():
        pulled = ask_with(context, work, _AGAIN)
    say(f"targets: {pulled.rows}; written to {output}")
    if pulled.may_hide:
        fail("100 targets or more were created in one microsecond; VoIPBin lists none beyond those", _COMPARE)


@click.command("push")
@config_options
@click.argument("outdial_id", type=click.UUID)
@click.argument("leads", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--errors", type=click.Path(path_type=Path, dir_okay=False), help="Where bad rows go.")
@click.pass_context
def push_command(context: click.Context, *, outdial_id: UUID, leads: Path, errors: Path | None) -> None:
    """Make each row of a CSV of leads a target of an outdial, each once.

    Columns: phone, or destination_0 to destination_4; name, detail, data; others are left alone. Bad rows go
    to a file of their own, LEADS.errors.csv. Broken off, the same command goes on where it stopped.
    """
    from gateway.leads.outdial_push import PushOrder, push

    bad_rows = errors or leads.with_name(f"{leads.stem}.errors.csv")

    async def work(voipbin: "VoipBin", settings: "VoipBinSettings") -> "Pushed":
        order = PushOrder(str(outdial_id), leads, bad_rows, settings.url, settings.settle_s)
        with closing(line):
            return await push(voipbin, order, lambda done: line.show(done.line, done.lines))

    line = Progress("lines")
    with _files():
        pushed = ask_with(context, work, _AGAIN)
    if pushed.was_whole:
        say("all of it was pushed before; to push it again, remove the file with its progress")
    say(f"targets created: {pushed.created}; bad rows: {pushed.bad}")
    if pushed.bad:
        say(f"the bad rows are in {bad_rows}, with the reason; mend them there and push that file")


@contextmanager
def _files() -> Iterator[None]:
    """A file that cannot be used ends the command with 1."""
    from gateway.leads.outdial_rows import LeadFileError
    from gateway.leads.progress import ProgressError

    try:
        yield
    except (LeadFileError, ProgressError) as error:
        fail(str(error))
