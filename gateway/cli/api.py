"""`ani-gateway api`: the engine as a service of its own, over HTTP."""

import asyncio
import signal
from typing import TYPE_CHECKING

import click

from gateway.cli.console import say
from gateway.cli.options import config_options, load_settings, setting_option

if TYPE_CHECKING:
    from gateway.config.settings import Settings

_DRAIN_S = 3.0
"""Longest wait for open requests on SIGTERM; one takes microseconds."""


@click.command()
@config_options
@setting_option("--listen", "api.listen", "Address for HTTP, HOST:PORT.")
@click.pass_context
def api(context: click.Context) -> None:
    """Serve the engine over HTTP.

    Speaks outboundIQ's API: POST /assignment and /assignment/batch, with Bearer keys. Needs numbers
    (engine.inventory or engine.database) and a key (api.keys). Runs until SIGTERM or Ctrl-C; exit code 3
    when it could not start.
    """
    loaded = load_settings(context, "api")
    from gateway.cli.start_up import start_up
    from gateway.service.loop import run
    from gateway.telemetry import logs

    logs.configure(loaded.settings.log)
    with start_up():
        run(_serve(loaded.settings))


async def _serve(settings: "Settings") -> None:
    from aiohttp import web

    from gateway.engine.api.app import make_app
    from gateway.engine.provider import EngineProvider
    from gateway.engine.webhooks import Webhooks
    from gateway.service.loop import settle_memory

    host, _, port = settings.api.listen.rpartition(":")
    engine = EngineProvider.open(settings.engine)
    webhooks = Webhooks(settings.webhooks, engine.inventory())
    engine.tell_kept_dials(webhooks.put)
    runner = web.AppRunner(
        make_app(engine, settings.api, settings.api_keys), access_log=None, shutdown_timeout=_DRAIN_S
    )
    try:
        settle_memory()
        await webhooks.start()
        await runner.setup()
        await web.TCPSite(runner, host.strip("[]"), int(port)).start()
        for address in runner.addresses:
            say(f"serving the engine at http://{address[0]}:{address[1]}")
        await _signalled()
    finally:
        await runner.cleanup()
        await webhooks.stop()
        engine.close()


async def _signalled() -> None:
    """Return at SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
