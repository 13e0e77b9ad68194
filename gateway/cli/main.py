"""The `ani-gateway` command."""

import click


@click.group()
@click.version_option(package_name="ani-gateway")
def main() -> None:
    """Gives every outbound Asterisk call the right caller ID."""
