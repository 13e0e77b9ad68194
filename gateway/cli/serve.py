"""`ani-gateway serve`: the daemon."""

import sys

import click

from gateway.cli.options import config_options, load_settings, setting_option, settings_again


@click.command()
@config_options
@setting_option("--listen", "agi.listen", "Address for FastAGI, HOST:PORT; repeatable.")
@setting_option("--workers", "service.workers", "Processes that answer Asterisk.")
@setting_option("--log-level", "log.level", "debug, info, warning or error.")
@click.option("--part", hidden=True, help="Given by the supervisor to its processes.")
@click.pass_context
def serve(context: click.Context, part: str | None) -> None:
    """Run the gateway.

    Answers Asterisk until SIGTERM or Ctrl-C, then finishes open calls and leaves. SIGHUP reads the
    configuration again. Exit code 3 when it could not start: a wrong configuration, an address in use.
    """
    from gateway.cli.start_up import start_up

    if part:  # it goes by the settings of its supervisor
        from gateway.service.part import serve_part

        with start_up():
            sys.exit(serve_part())
    settings, reread = load_settings(context).settings, settings_again(context)
    with start_up():
        if settings.service.workers > 1:
            from gateway.service.supervisor import supervise

            sys.exit(supervise(settings, [sys.executable, *sys.orig_argv[1:]], reread))
        from gateway.service.worker import serve as serve_all

        sys.exit(serve_all(settings, reread))
