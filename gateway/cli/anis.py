"""`ani-gateway anis`: the numbers a backend may show."""

from datetime import date

import click

from gateway.cli.inventory_backend import backend_options
from gateway.cli.inventory_commands import add_common, create_item, key_options, number_named, update_item
from gateway.model.inventory import Ani, Kind
from gateway.model.inventory_change import NEVER_PAUSED, AniChange


def _day(context: click.Context, parameter: click.Parameter, text: str | None) -> date | None:
    """The day an option names; `NEVER_PAUSED` for never."""
    if text is None:
        return None
    if text == "never":
        return NEVER_PAUSED
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f"{text!r} is no date; write for example 2026-12-01, or never"
        raise click.BadParameter(message, context, parameter) from error


@click.group()
def anis() -> None:
    """Manage the numbers that may be shown, at outboundIQ, outboundANI or the engine.

    Many at once: ani-gateway sync. Numbers are shown in full: they are your own.
    """


@anis.command()
@backend_options
@key_options(Kind.ANI)
@click.option("--group", default="", help="Campaign or group it belongs to; the vendors demand one.")
@click.option("--branded/--plain", default=False, help="Whether a reputation brand stands behind it.")
@click.option("--brand-name", default="", help="Name of the brand.")
@click.option("--paused-until", metavar="DATE|never", callback=_day, help="First day it may be shown again.")
@click.pass_context
def create(
    context: click.Context,
    *,
    key: str,
    country: str | None,
    group: str,
    branded: bool,
    brand_name: str,
    paused_until: date | None,
    as_json: bool,
) -> None:
    """Add a number. Exit code 1 when it is there already."""
    pause = None if paused_until == NEVER_PAUSED else paused_until
    item = Ani(number_named(key, country), group, branded, brand_name, pause)
    create_item(context, item, as_json=as_json)


@anis.command()
@backend_options
@key_options(Kind.ANI)
@click.option("--group", help='New campaign or group; "" for none.')
@click.option("--branded/--plain", default=None, help="New: whether a reputation brand stands behind it.")
@click.option("--brand-name", help='New name of the brand; "" for none.')
@click.option(
    "--paused-until",
    metavar="DATE|never",
    callback=_day,
    help="New first day it may be shown; never: at once.",
)
@click.pass_context
def update(
    context: click.Context,
    *,
    key: str,
    country: str | None,
    group: str | None,
    branded: bool | None,
    brand_name: str | None,
    paused_until: date | None,
    as_json: bool,
) -> None:
    """Change what is named of one number. Exit code 1 when it is not there."""
    change = AniChange(number_named(key, country), group, branded, brand_name, paused_until)
    update_item(context, change, as_json=as_json)


add_common(anis, Kind.ANI)
