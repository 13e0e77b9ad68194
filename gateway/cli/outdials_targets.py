"""`ani-gateway outdials targets`: the prospects of one outdial."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import click

from gateway.cli.console import put, say
from gateway.cli.options import config_options, json_option, unmask_option
from gateway.cli.outdials_client import ask

if TYPE_CHECKING:
    from gateway.model.outdial import Address, OutdialTarget
    from gateway.providers.voipbin import VoipBin

STATUSES = ("idle", "progressing", "done")
_MOST_DESTINATIONS = 5

limit_option = click.option("--limit", default=100, type=click.IntRange(1), help="Most shown. Default: 100.")

_Row = TypeVar("_Row")


async def most(rows: AsyncIterator[_Row], limit: int) -> list[_Row]:
    """The first `limit` rows; nothing more is asked for."""
    found: list[_Row] = []
    generator: AsyncGenerator[_Row] = rows  # type: ignore[assignment]  # every listing is one
    async with aclosing(generator):
        async for row in generator:
            found.append(row)
            if len(found) == limit:
                break
    return found


@click.group()
def targets() -> None:
    """See, create and delete the targets of an outdial."""


@targets.command("list")
@config_options
@click.argument("outdial_id", type=click.UUID)
@click.option("--status", type=click.Choice(STATUSES), help="Only those that stand so.")
@limit_option
@unmask_option
@json_option
@click.pass_context
def list_targets(
    context: click.Context,
    *,
    outdial_id: UUID,
    status: str | None,
    limit: int,
    unmask: bool,
    as_json: bool,
) -> None:
    """List targets, newest first. Tries stand in the order of the destinations."""

    async def wanted(voipbin: "VoipBin") -> AsyncIterator["OutdialTarget"]:
        async for one in voipbin.targets(str(outdial_id)):
            if status in {None, one.status.value}:
                yield one

    found = ask(context, lambda voipbin: most(wanted(voipbin), limit + 1))
    from gateway.cli.outdials_table import TARGET_COLUMNS, shown, target_object, target_row
    from gateway.cli.tables import put_json, put_table

    seen = [shown(one, unmask=unmask) for one in found[:limit]]
    if as_json:
        put_json([target_object(one) for one in seen])
    else:
        put_table(TARGET_COLUMNS, (target_row(one) for one in seen))
    if len(found) > limit:
        say("there are more: a greater --limit, or outdials pull for all")


@targets.command()
@config_options
@click.argument("outdial_id", type=click.UUID)
@click.argument("target_id", type=click.UUID)
@unmask_option
@json_option
@click.pass_context
def get(context: click.Context, *, outdial_id: UUID, target_id: UUID, unmask: bool, as_json: bool) -> None:
    """Show one target."""
    one = ask(context, lambda voipbin: voipbin.target(str(outdial_id), str(target_id)))
    _put(one, unmask=unmask, as_json=as_json)


@targets.command()
@config_options
@click.argument("outdial_id", type=click.UUID)
@click.option("--destination", "texts", multiple=True, required=True, help="+1…, sip:… or e-mail; up to 5.")
@click.option("--name", default="", help="Who it is.")
@click.option("--detail", default="", help="What there is to say.")
@click.option("--data", default="", help="Anything the campaign's flow wants.")
@unmask_option
@json_option
@click.pass_context
def create(
    context: click.Context,
    *,
    outdial_id: UUID,
    texts: tuple[str, ...],
    name: str,
    detail: str,
    data: str,
    unmask: bool,
    as_json: bool,
) -> None:
    """Create a target and show it. Destinations are dialled in their order."""
    from gateway.model.outdial import OutdialTarget

    wanted = OutdialTarget(tuple(_destinations(texts)), name, detail, data)
    one = ask(context, lambda voipbin: voipbin.create_target(str(outdial_id), wanted))
    _put(one, unmask=unmask, as_json=as_json)


@targets.command()
@config_options
@click.argument("outdial_id", type=click.UUID)
@click.argument("target_id", type=click.UUID)
@click.confirmation_option(prompt="Delete the target?")
@click.pass_context
def delete(context: click.Context, *, outdial_id: UUID, target_id: UUID) -> None:
    """Delete a target."""
    ask(context, lambda voipbin: voipbin.delete_target(str(outdial_id), str(target_id)))
    put(f"deleted: {target_id}\n")


def _destinations(texts: tuple[str, ...]) -> Iterator["Address"]:
    from gateway.leads.outdial_rows import parse_destination

    if len(texts) > _MOST_DESTINATIONS:
        raise click.UsageError(f"a target has {_MOST_DESTINATIONS} destinations at most")
    for place, text in enumerate(texts):
        address = parse_destination(text.strip())
        if address is None:
            message = f"--destination number {place + 1} is no phone number, sip: address or e-mail address"
            raise click.UsageError(message)
        yield address


def _put(one: "OutdialTarget", *, unmask: bool, as_json: bool) -> None:
    from gateway.cli.outdials_table import shown, target_object
    from gateway.cli.tables import put_json, put_table
    from gateway.leads.outdial_rows import written

    seen = shown(one, unmask=unmask)
    value = target_object(seen)
    if as_json:
        put_json(value)
        return
    del value["destinations"], value["tries"]
    for place, address in enumerate(seen.destinations):
        if address is not None:
            value[f"destination_{place}"] = written(address)
            value[f"tries_{place}"] = seen.tries[place]
    put_table(("field", "value"), ((key, "" if cell is None else cell) for key, cell in value.items()))
