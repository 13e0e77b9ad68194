"""One process that serves calls until it is told to stop: the whole gateway, or a part of it.

A part is started by the supervisor (`gateway.service.supervisor`) and told by it what to be.
"""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
from collections.abc import Sequence

from gateway.config.settings import Settings
from gateway.service import supervisor_control as control
from gateway.service.loop import run, settle_memory
from gateway.service.supervisor_control import Cover, LineError, Order, Ready, Retire, Start, Uncover
from gateway.service.wiring import Gateway, ReportingPart, WorkerPart
from gateway.telemetry import logs
from gateway.telemetry.metrics import Histogram

log = logging.getLogger(__name__)

_ORDER_S = 10.0
"""Longest wait of a part for the order what to be, which was sent before it began to run."""


def serve(settings: Settings) -> int:
    """Run the gateway until SIGTERM or SIGINT; returns the exit code. Start-up errors are raised."""
    _prepare(settings)
    return run(_serve(settings))


def serve_part(settings: Settings) -> int:
    """Be what the supervisor says on standard input, until it says stop; as `serve` else.

    Raises `OSError` when there is no supervisor.
    """
    _prepare(settings)
    return run(_serve_part(settings))


def told(latency: Histogram) -> str:
    """How many calls there were, and within which times they were decided; bounds of buckets, in ms."""
    calls = f"{latency.count} calls"
    if not latency.count:
        return calls
    shares = ((0.5, "p50"), (0.99, "p99"), (0.999, "p99.9"))
    within = (f"{name} {latency.quantile(share) * 1000:g} ms" for share, name in shares)
    return f"{calls}, decided within {', '.join(within)}"


async def _serve(settings: Settings) -> int:
    stop = _stop_on_signals()
    gateway = Gateway(settings)
    await gateway.start()
    settle_memory()
    for host, port in gateway.agi_addresses:
        log.info("listening for Asterisk on %s port %d", host, port)
    for note in _notes(gateway.admin_address, gateway.api_addresses):
        log.info("%s", note)
    await stop.wait()
    log.info("stopping: calls under way are finished first")
    await gateway.stop()
    log.info("stopped after %s", told(gateway.metrics.calls.latency))
    return 0


async def _serve_part(settings: Settings) -> int:
    stop = _stop_on_signals()
    line = _line()
    with line:
        start, sockets = _first_order(line)
        if start.slot:
            worker = WorkerPart(settings, slot=start.slot, feed=start.feed)
            await worker.start(sockets)
            settle_memory()
            is_retired = False
            try:
                is_retired = await _obey(line, worker, stop)
            finally:
                await worker.stop(patient=is_retired)
            log.info("worker-%d: stopped after %s", start.slot, told(worker.metrics.calls.latency))
        else:
            await _report(settings, line, sockets[0], stop)
    return 0


async def _report(settings: Settings, line: socket.socket, feed: socket.socket, stop: asyncio.Event) -> None:
    part = ReportingPart(settings)
    await part.start(feed)
    settle_memory()
    try:
        await _obey(line, None, stop, notes=_notes(part.admin_address, part.api_addresses))
    finally:
        await part.stop()


async def _obey(
    line: socket.socket, worker: WorkerPart | None, stop: asyncio.Event, notes: Sequence[str] = ()
) -> bool:
    """Say that all is open, then do what the supervisor says until it is to stop; whether it was retired."""
    loop = asyncio.get_running_loop()
    orders: asyncio.Queue[tuple[Order, list[socket.socket]] | None] = asyncio.Queue()
    line.settimeout(0)
    loop.add_reader(line, _hear, line, orders)
    stopping = loop.create_task(stop.wait())
    stopping.add_done_callback(lambda _: orders.put_nowait(None))
    try:
        control.send(line, Ready(notes))
        while (order := await orders.get()) is not None:
            match order:
                case Cover(slot), sockets if worker is not None:
                    await worker.cover(slot, sockets)
                case Uncover(slot), _ if worker is not None:
                    worker.uncover(slot)
                case Retire(), _:
                    return True
    except LineError as error:
        log.warning("the supervisor %s", error)
    finally:
        stopping.cancel()
        loop.remove_reader(line)
    return False


def _hear(line: socket.socket, orders: "asyncio.Queue[tuple[Order, list[socket.socket]] | None]") -> None:
    try:
        orders.put_nowait(control.receive(line, Order))
    except BlockingIOError:
        return
    except LineError as error:
        log.warning("the supervisor's line %s: leaving", error)
        asyncio.get_running_loop().remove_reader(line)
        orders.put_nowait(None)


def _line() -> socket.socket:
    try:
        line = socket.socket(fileno=os.dup(0))
    except OSError as error:
        raise OSError("--part is given by the supervisor only; leave it out") from error
    line.settimeout(_ORDER_S)
    return line


def _first_order(line: socket.socket) -> tuple[Start, list[socket.socket]]:
    try:
        return control.receive(line, Start)
    except (LineError, TimeoutError) as error:
        raise OSError(f"the supervisor's line {error}") from error


def _notes(admin: tuple[str, int] | None, api: Sequence[tuple[str, int]]) -> list[str]:
    notes = [] if admin is None else [f"listening for operators on {admin[0]} port {admin[1]}"]
    return notes + [f"serving the engine at http://{host}:{port}" for host, port in api]


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _prepare(settings: Settings) -> None:
    """Logs, signals, and the file limit: each session is a file, and the usual 1,024 are too few."""
    logs.configure(settings.log)
    # Meant for a supervisor; sent to all processes of the service it must not end them.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
