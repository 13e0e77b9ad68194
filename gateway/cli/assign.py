"""`ani-gateway assign`: a list of leads in, the same list with a number for each out."""

from pathlib import Path

import click

from gateway.cli.options import config_options, load_settings

PROVIDERS = ("outboundiq", "outboundani", "engine")
FORMATS = ("national", "e164", "e164-bare")


@click.command()
@config_options
@click.argument("leads", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File to write."
)
@click.option(
    "--provider", type=click.Choice(PROVIDERS), help="Who is asked. Default: first of assignment.providers."
)
@click.option("--batch", type=click.IntRange(1, 10_000), default=500, help="Leads a request. Default: 500.")
@click.option("--in-flight", type=click.IntRange(1, 64), default=4, help="Requests at once. Default: 4.")
@click.option("--tries", type=click.IntRange(1, 100), default=8, help="Times a batch is asked. Default: 8.")
@click.option("--phone-column", default="", metavar="NAME", help="Default: phone, prospect_phone, …")
@click.option("--zip-column", default="", metavar="NAME", help="Default: zip, prospect_zip, postal_code, …")
@click.option("--campaign-column", default="", metavar="NAME", help="Default: campaign, dialer_campaign, …")
@click.option("--campaign", default="", metavar="ID", help="Campaign of leads that name none.")
@click.option(
    "--ani-format",
    type=click.Choice(FORMATS),
    help="Of the column ani. Default: assignment.caller_id_format.",
)
@click.option("--prewarm", is_flag=True, help="Also give the numbers to a running gateway (admin.listen).")
@click.option(
    "--gateway", "gateways", multiple=True, metavar="URL", help="With --prewarm: another one; repeatable."
)
@click.option("--restart", is_flag=True, help="Begin anew, also where an earlier run was broken off.")
@click.option("--force", is_flag=True, help="Write over an output that is complete.")
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON object.")
@click.pass_context
def assign(  # noqa: PLR0913 - one parameter for each option
    context: click.Context,
    *,
    leads: Path,
    output: Path,
    provider: str | None,
    batch: int,
    in_flight: int,
    tries: int,
    phone_column: str,
    zip_column: str,
    campaign_column: str,
    campaign: str,
    ani_format: str | None,
    prewarm: bool,
    gateways: tuple[str, ...],
    restart: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Assign a number to each lead of a CSV file.

    Writes every column again, in order, with the columns ani and assignment_error. A run that was broken off
    goes on with the same command. Exit code 1 when it could not finish; what was done is kept.
    """
    if gateways and not prewarm:
        raise click.UsageError("--gateway means nothing without --prewarm")
    # The whole of what `serve` needs is not needed here: the provider checks its own part.
    settings = load_settings(context, "dials").settings
    from gateway.cli.assign_run import Order, load_list
    from gateway.leads.columns import ColumnNames
    from gateway.model.phone import PhoneFormat

    order = Order(
        leads=leads,
        output=output,
        provider=provider or settings.assignment.providers[0].value,
        batch=batch,
        in_flight=in_flight,
        tries=tries,
        columns=ColumnNames(phone_column, zip_column, campaign_column),
        campaign=campaign,
        ani_format=PhoneFormat(ani_format or settings.assignment.caller_id_format),
        prewarm=prewarm,
        gateways=gateways,
        restart=restart,
        force=force,
    )
    load_list(order, settings, as_json=as_json)
