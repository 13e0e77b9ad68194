"""`ani-gateway config`: check, show and explain the settings."""

import click

from gateway.cli.console import put
from gateway.cli.options import config_options, load_settings

PURPOSES = ("calls", "api", "dials", "manage", "outdials")
FORMATS = ("text", "markdown", "json", "toml")


@click.group()
def config() -> None:
    """Check, show and explain the settings."""


@config.command()
@config_options
@click.option("--for", "purpose", type=click.Choice(PURPOSES), default="calls", help="Default: calls.")
@click.pass_context
def check(context: click.Context, purpose: str) -> None:
    """Say OK, or everything that is wrong (exit code 3).

    What must be complete differs: `calls` is what `serve` needs, `api` what `api` needs; `outdials` needs
    VoIPBin's token; `dials` and `manage` need nothing but settings without mistakes.
    """
    loaded = load_settings(context, purpose)
    put(f"OK: {loaded.file or 'no file'}; settings given: {len(loaded.origins)}\n")


@config.command()
@config_options
@click.option("--json", "as_json", is_flag=True, help="A list of objects: path, value, origin.")
@click.pass_context
def show(context: click.Context, *, as_json: bool) -> None:
    """Print every setting in force and where it comes from; secrets are masked."""
    loaded = load_settings(context)
    from gateway.config import effective

    put(effective.as_json(loaded) if as_json else effective.as_text(loaded))


@config.command()
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="Default: text.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def reference(form: str, *, as_json: bool) -> None:
    """Print every setting: type, unit, limits, default and its reason, environment variable.

    `--format toml` prints a complete file to start from.
    """
    from gateway.config.reference import FORMATS as WRITERS

    put(WRITERS["json" if as_json else form]())
