"""`ani-gateway outdials`: VoIPBin's lists to be dialled, seen, changed, brought in and filled."""

from typing import TYPE_CHECKING
from uuid import UUID

import click

from gateway.cli.console import put, say
from gateway.cli.options import config_options, json_option
from gateway.cli.outdials_client import ask
from gateway.cli.outdials_files import pull_command, push_command
from gateway.cli.outdials_targets import limit_option, most, targets

if TYPE_CHECKING:
    from gateway.model.outdial import Outdial
    from gateway.providers.voipbin import VoipBin

NO_CAMPAIGN = "none"


def _campaign(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """A campaign's id as VoIPBin writes it, "" for none."""
    if value is None or value == NO_CAMPAIGN:
        return None if value is None else ""
    return str(click.UUID.convert(value, parameter, context))


@click.group()
def outdials() -> None:
    """See and change VoIPBin's outdials and their targets; bring targets in and send leads out.

    An outdial is a list to be dialled, a target one prospect of it. Numbers are masked unless --unmask is
    given. The account is in [voipbin].
    """


@outdials.command("list")
@config_options
@limit_option
@json_option
@click.pass_context
def list_outdials(context: click.Context, *, limit: int, as_json: bool) -> None:
    """List outdials, newest first."""
    found = ask(context, lambda voipbin: most(voipbin.outdials(), limit + 1))
    from gateway.cli.outdials_table import OUTDIAL_COLUMNS, outdial_object, outdial_row
    from gateway.cli.tables import put_json, put_table

    if as_json:
        put_json([outdial_object(one) for one in found[:limit]])
    else:
        put_table(OUTDIAL_COLUMNS, (outdial_row(one) for one in found[:limit]))
    if len(found) > limit:
        say("there are more: a greater --limit")


@outdials.command()
@config_options
@click.argument("outdial_id", type=click.UUID)
@json_option
@click.pass_context
def get(context: click.Context, *, outdial_id: UUID, as_json: bool) -> None:
    """Show one outdial."""
    _put(ask(context, lambda voipbin: voipbin.outdial(str(outdial_id))), as_json=as_json)


@outdials.command()
@config_options
@click.option("--name", required=True, help="What it is called.")
@click.option("--detail", default="", help="What it is.")
@click.option("--data", default="", help="Anything you want to keep with it.")
@click.option("--campaign", type=click.UUID, help="The campaign that dials it.")
@json_option
@click.pass_context
def create(
    context: click.Context, *, name: str, detail: str, data: str, campaign: UUID | None, as_json: bool
) -> None:
    """Create an outdial and show it. Asked twice, VoIPBin makes two."""
    from gateway.model.outdial import Outdial

    one = Outdial(name, detail, data, campaign_id=str(campaign) if campaign else "")
    _put(ask(context, lambda voipbin: voipbin.create_outdial(one)), as_json=as_json)


@outdials.command()
@config_options
@click.argument("outdial_id", type=click.UUID)
@click.option("--name", help="A new name.")
@click.option("--detail", help="A new description.")
@click.option("--data", help="New data.")
@click.option("--campaign", callback=_campaign, help=f"Another campaign, or {NO_CAMPAIGN}.")
@json_option
@click.pass_context
def update(
    context: click.Context,
    *,
    outdial_id: UUID,
    name: str | None,
    detail: str | None,
    data: str | None,
    campaign: str | None,
    as_json: bool,
) -> None:
    """Change what is named, leave the rest, and show the outdial."""
    if name is None and detail is None and data is None and campaign is None:
        raise click.UsageError("name what to change: --name, --detail, --data or --campaign")
    key = str(outdial_id)

    async def work(voipbin: "VoipBin") -> "Outdial":
        before = await voipbin.outdial(key)
        if name is not None or detail is not None:
            await voipbin.update_outdial(
                key,
                name=before.name if name is None else name,
                detail=before.detail if detail is None else detail,
            )
        if data is not None:
            await voipbin.set_data(key, data)
        if campaign is not None:
            await voipbin.set_campaign(key, campaign)
        return await voipbin.outdial(key)

    _put(ask(context, work), as_json=as_json)


@outdials.command()
@config_options
@click.argument("outdial_id", type=click.UUID)
@click.confirmation_option(prompt="Delete the outdial?")
@click.pass_context
def delete(context: click.Context, *, outdial_id: UUID) -> None:
    """Delete an outdial."""
    ask(context, lambda voipbin: voipbin.delete_outdial(str(outdial_id)))
    put(f"deleted: {outdial_id}\n")


def _put(one: "Outdial", *, as_json: bool) -> None:
    from gateway.cli.outdials_table import outdial_object
    from gateway.cli.tables import put_json, put_table

    value = outdial_object(one)
    if as_json:
        put_json(value)
    else:
        put_table(("field", "value"), ((key, "" if cell is None else cell) for key, cell in value.items()))


for command in (targets, pull_command, push_command):
    outdials.add_command(command)
