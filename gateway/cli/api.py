"""`ani-gateway api`: the engine as a service of its own, over HTTP."""

import asyncio
import signal
from typing import TYPE_CHECKING

import click

from gateway.cli.console import put, say
from gateway.cli.options import config_options, load_settings, setting_option

if TYPE_CHECKING:
    from gateway.config.settings import Settings


FORMATS = ("json", "markdown")


@click.command()
@config_options
@setting_option("--listen", "api.listen", "Address for HTTP, HOST:PORT.")
@click.option("--describe", type=click.Choice(FORMATS), help="Print the API's description and serve nothing.")
@click.pass_context
def api(context: click.Context, describe: str | None) -> None:
    """Serve the engine over HTTP.

    Speaks the APIs of outboundIQ, outboundANI and VoIPBin's outdials, each with its own kind of key. Needs
    numbers (engine.inventory or engine.database) and a key (api.keys). Runs until SIGTERM or Ctrl-C; exit
    code 3 when it could not start.
    """
    if describe:
        _describe(describe)
        return
    loaded = load_settings(context, "api")
    from gateway.cli.start_up import start_up
    from gateway.service.loop import run
    from gateway.telemetry import logs

    logs.configure(loaded.settings.log)
    with start_up():
        run(_serve(loaded.settings))


def _describe(form: str) -> None:
    from gateway.engine.api import reference

    writers = {"json": reference.as_json, "markdown": reference.as_markdown}
    put(writers[form](reference.described()))


async def _serve(settings: "Settings") -> None:
    from gateway.engine.api.server import ApiServer
    from gateway.engine.provider import EngineProvider
    from gateway.engine.webhooks import Webhooks
    from gateway.service.loop import settle_memory
    from gateway.service.wiring_redis import SharedPath

    engine = EngineProvider.open(settings.engine)
    webhooks = Webhooks(settings.webhooks, engine.inventory())
    engine.tell_kept_dials(webhooks.put)
    server = ApiServer(engine, settings.api, settings.api_keys)
    shared = SharedPath.wanted(settings, engine)
    try:
        settle_memory()
        if shared is not None:
            await shared.start()
        await webhooks.start()
        await server.start()
        for host, port in server.addresses:
            say(f"serving the engine at http://{host}:{port}")
        await _signalled()
    finally:
        await server.stop()
        await webhooks.stop()
        if shared is not None:
            await shared.stop()
        engine.close()


async def _signalled() -> None:
    """Return at SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
