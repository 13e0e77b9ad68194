"""`ani-gateway campaigns`: the dialler's campaigns at a backend."""

import click

from gateway.cli.inventory_backend import backend_options
from gateway.cli.inventory_commands import add_common, create_item, key_options, update_item
from gateway.model.inventory import Campaign, CampaignType, Kind
from gateway.model.inventory_change import CampaignChange

_TYPES = click.Choice(list(CampaignType), case_sensitive=False)


@click.group()
def campaigns() -> None:
    """Manage campaigns at outboundIQ, outboundANI or the engine."""


@campaigns.command()
@backend_options
@click.option("--id", "key", required=True, help="The dialler's own identifier.")
@click.option("--name", required=True, help="Its name.")
@click.option("--type", "direction", type=_TYPES, required=True, help="Direction of its calls.")
@click.option("--inbound-pool-id", default="", help="Group whose numbers it shows. Default: its own.")
@click.pass_context
def create(
    context: click.Context,
    *,
    key: str,
    name: str,
    direction: CampaignType,
    inbound_pool_id: str,
    as_json: bool,
) -> None:
    """Add a campaign. Exit code 1 when its id is taken."""
    item = Campaign(key, name, CampaignType(direction), inbound_pool_id)
    create_item(context, item, as_json=as_json)


@campaigns.command()
@backend_options
@key_options(Kind.CAMPAIGN)
@click.option("--name", help="New name.")
@click.option("--type", "direction", type=_TYPES, help="New direction of its calls.")
@click.option("--inbound-pool-id", help='New group whose numbers it shows; "" for its own.')
@click.pass_context
def update(
    context: click.Context,
    *,
    key: str,
    name: str | None,
    direction: CampaignType | None,
    inbound_pool_id: str | None,
    as_json: bool,
) -> None:
    """Change what is named of one campaign. Exit code 1 when there is none."""
    kind = None if direction is None else CampaignType(direction)
    update_item(context, CampaignChange(key, name, kind, inbound_pool_id), as_json=as_json)


add_common(campaigns, Kind.CAMPAIGN)
