"""One process that serves calls until it is told to stop."""

import asyncio
import contextlib
import logging
import resource
import signal

from gateway.config.settings import Settings
from gateway.service.loop import run, settle_memory
from gateway.service.wiring import Gateway
from gateway.telemetry import logs

log = logging.getLogger(__name__)


def serve(settings: Settings) -> int:
    """Run the gateway until SIGTERM or SIGINT; returns the exit code. Start-up errors are raised."""
    logs.configure(settings.log)
    _raise_file_limit()
    return run(_serve(settings))


async def _serve(settings: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    gateway = Gateway(settings)
    await gateway.start()
    settle_memory()
    for host, port in gateway.agi_addresses:
        log.info("listening for Asterisk on %s port %d", host, port)
    if gateway.admin_address is not None:
        log.info("listening for operators on %s port %d", *gateway.admin_address)
    for host, port in gateway.api_addresses:
        log.info("serving the engine at http://%s:%d", host, port)
    await stop.wait()
    log.info("stopping: calls under way are finished first")
    await gateway.stop()
    calls = gateway.metrics.calls.latency.count
    log.info("stopped after %d calls", calls)
    return 0


def _raise_file_limit() -> None:
    """Each session and each connection upstream is a file; the usual soft limit of 1,024 is too few."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
