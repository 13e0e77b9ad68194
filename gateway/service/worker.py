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
from gateway.telemetry.metrics import Histogram

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
    log.info("stopped after %s", told(gateway.metrics.calls.latency))
    return 0


def told(latency: Histogram) -> str:
    """How many calls there were, and within which times they were decided; bounds of buckets, in ms."""
    calls = f"{latency.count} calls"
    if not latency.count:
        return calls
    shares = ((0.5, "p50"), (0.99, "p99"), (0.999, "p99.9"))
    within = (f"{name} {latency.quantile(share) * 1000:g} ms" for share, name in shares)
    return f"{calls}, decided within {', '.join(within)}"


def _raise_file_limit() -> None:
    """Each session and each connection upstream is a file; the usual soft limit of 1,024 is too few."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
