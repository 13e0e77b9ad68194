"""`ani-gateway dispos`: the dialler's dispositions at a backend."""

import click

from gateway.cli.inventory_backend import backend_options
from gateway.cli.inventory_commands import add_common, create_item, key_options, update_item
from gateway.model.inventory import Dispo, DispoType, Kind
from gateway.model.inventory_change import DispoChange

_TYPES = click.Choice(list(DispoType), case_sensitive=False)


@click.group()
def dispos() -> None:
    """Manage dispositions at outboundIQ, outboundANI or the engine."""


@dispos.command()
@backend_options
@click.option("--id", "key", required=True, help="The dialler's own identifier.")
@click.option("--name", required=True, help="Its name.")
@click.option("--type", "setter", type=_TYPES, required=True, help="Who sets it.")
@click.option("--contact/--no-contact", required=True, help="Whether the prospect was reached.")
@click.option("--success/--no-success", required=True, help="Whether the call did what it was for.")
@click.pass_context
def create(
    context: click.Context,
    *,
    key: str,
    name: str,
    setter: DispoType,
    contact: bool,
    success: bool,
    as_json: bool,
) -> None:
    """Add a disposition. Exit code 1 when its id is taken."""
    item = Dispo(key, name, DispoType(setter), contact=contact, success=success)
    create_item(context, item, as_json=as_json)


@dispos.command()
@backend_options
@key_options(Kind.DISPO)
@click.option("--name", help="New name.")
@click.option("--type", "setter", type=_TYPES, help="New: who sets it.")
@click.option("--contact/--no-contact", default=None, help="New: whether the prospect was reached.")
@click.option("--success/--no-success", default=None, help="New: whether the call did what it was for.")
@click.pass_context
def update(
    context: click.Context,
    *,
    key: str,
    name: str | None,
    setter: DispoType | None,
    contact: bool | None,
    success: bool | None,
    as_json: bool,
) -> None:
    """Change what is named of one disposition. Exit code 1 when there is none."""
    kind = None if setter is None else DispoType(setter)
    change = DispoChange(key, name, kind, contact=contact, success=success)
    update_item(context, change, as_json=as_json)


add_common(dispos, Kind.DISPO)
