"""`ani-gateway serve`: the daemon."""

import sys

import click

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
    from gateway.cli.start_up import start_up
    from gateway.service.worker import serve as run

    with start_up():
        code = run(loaded.settings)
    sys.exit(code)
