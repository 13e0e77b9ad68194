"""`ani-gateway serve`: the daemon."""

import sys

import click

from gateway.cli.console import COULD_NOT_START, fail
from gateway.cli.options import config_options, load_settings, setting_option


@click.command()
@config_options
@setting_option("--listen", "agi.listen", "Address for FastAGI, HOST:PORT; repeatable.")
@setting_option("--log-level", "log.level", "debug, info, warning or error.")
@click.pass_context
def serve(context: click.Context) -> None:
    """Run the gateway.

    Answers Asterisk until SIGTERM or Ctrl-C, then finishes open calls and leaves. Exit code 3 when it could
    not start: a wrong configuration, an address in use.
    """
    loaded = load_settings(context)
    from gateway.service.worker import serve as run

    try:
        code = run(loaded.settings)
    except OSError as error:
        fail(
            f"could not start: {error}",
            "another gateway may be running; see agi.listen",
            code=COULD_NOT_START,
        )
    sys.exit(code)
