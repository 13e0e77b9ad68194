"""The gateway in one process: serves calls until it is told to stop."""

import asyncio
import contextlib
import logging
import os
import resource
import signal
from collections.abc import Sequence

from gateway.config.settings import Settings
from gateway.service.loop import run, settle_memory
from gateway.service.reloading import Reloader, Reread
from gateway.service.service_manager import ServiceManager
from gateway.service.wiring import Gateway
from gateway.telemetry import logs
from gateway.telemetry.metrics import Histogram

log = logging.getLogger(__name__)


def serve(settings: Settings, reread: Reread) -> int:
    """Run the gateway until SIGTERM or SIGINT; returns the exit code. Start-up errors are raised."""
    prepare(settings)
    return run(_serve(settings, reread))


def prepare(settings: Settings) -> None:
    """Logs, signals, and the file limit: each session is a file, and the usual 1,024 are too few.

    Raises `OSError` when the log cannot be opened.
    """
    logs.configure(settings.log)
    # Meant for a supervisor; sent to all processes of the service they must not end them.
    for number in (signal.SIGUSR2, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def told(latency: Histogram) -> str:
    """How many calls there were, and within which times they were decided; bounds of buckets, in ms."""
    calls = f"{latency.count} calls"
    if not latency.count:
        return calls
    shares = ((0.5, "p50"), (0.99, "p99"), (0.999, "p99.9"))
    within = (f"{name} {latency.quantile(share) * 1000:g} ms" for share, name in shares)
    return f"{calls}, decided within {', '.join(within)}"


def http_notes(admin: tuple[str, int] | None, api: Sequence[tuple[str, int]]) -> list[str]:
    """Where people reach us, in words."""
    notes = [] if admin is None else [f"listening for operators on {admin[0]} port {admin[1]}"]
    return notes + [f"serving the engine at http://{host}:{port}" for host, port in api]


def stop_on_signals() -> asyncio.Event:
    """Set once SIGTERM or SIGINT came."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _serve(settings: Settings, reread: Reread) -> int:
    loop, stop = asyncio.get_running_loop(), stop_on_signals()
    manager = ServiceManager(os.environ)
    gateway = Gateway(settings)
    await gateway.start()
    settle_memory()
    for host, port in gateway.agi_addresses:
        log.info("listening for Asterisk on %s port %d", host, port)
    for note in http_notes(gateway.admin_address, gateway.api_addresses):
        log.info("%s", note)
    reloader = Reloader(settings, reread, gateway.reload, manager)
    loop.add_signal_handler(signal.SIGHUP, reloader.ask)
    tasks = [
        loop.create_task(reloader.run(), name="reload"),
        loop.create_task(manager.feed_watchdog(lambda: True), name="watchdog"),
    ]
    manager.ready("answering calls")
    await stop.wait()
    manager.stopping()
    log.info("stopping: calls under way are finished first")
    tasks[0].cancel()
    await asyncio.gather(tasks[0], return_exceptions=True)
    await gateway.stop()
    tasks[1].cancel()
    await asyncio.gather(tasks[1], return_exceptions=True)
    manager.close()
    log.info("stopped after %s", told(gateway.metrics.calls.latency))
    return 0
