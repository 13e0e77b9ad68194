"""One of several processes, started by the supervisor (`gateway.service.supervisor`) and told what to be."""

import asyncio
import logging
import os
import socket
from collections.abc import Sequence

from gateway.service import supervisor_control as control
from gateway.service.loop import run, settle_memory
from gateway.service.reloading import logging_as
from gateway.service.settings_file import read_settings
from gateway.service.supervisor_control import (
    Cover,
    LineError,
    Order,
    Ping,
    Pong,
    Ready,
    Reload,
    Reloaded,
    Retire,
    Start,
    Uncover,
)
from gateway.service.wiring import ReportingPart, WorkerPart
from gateway.service.worker import http_notes, prepare, stop_on_signals, told
from gateway.stores.base import StoreError

log = logging.getLogger(__name__)

_ORDER_S = 10.0
"""Longest wait of a part for the order what to be, which was sent before it began to run."""

_Given = tuple[Order, list[int]]


def serve_part() -> int:
    """Be what the supervisor says on standard input, until it says stop; returns the exit code.

    Start-up errors are raised, `OSError` also when there is no supervisor.
    """
    line = _line()
    with line:
        start, (settings, *descriptors) = _first_order(line)
        in_force = read_settings(settings)
        prepare(in_force)
        sockets = _sockets(descriptors)
        if start.slot:
            worker = WorkerPart(in_force, slot=start.slot, feed=start.feed)
            return run(_work(line, worker, sockets, start.slot))
        return run(_report(line, ReportingPart(in_force), sockets[0]))


async def _work(line: socket.socket, worker: WorkerPart, sockets: Sequence[socket.socket], slot: int) -> int:
    stop = stop_on_signals()
    await worker.start(sockets)
    settle_memory()
    is_retired = False
    try:
        async for order, descriptors in _Orders(line, stop):
            match order:
                case Cover(other):
                    await worker.cover(other, _sockets(descriptors))
                case Uncover(other):
                    worker.uncover(other)
                case Retire():
                    is_retired = True
                    break
    finally:
        await worker.stop(patient=is_retired)
    log.info("worker-%d: stopped after %s", slot, told(worker.metrics.calls.latency))
    return 0


async def _report(line: socket.socket, part: ReportingPart, feed: socket.socket) -> int:
    stop = stop_on_signals()
    await part.start(feed)
    settle_memory()
    try:
        notes = http_notes(part.admin_address, part.api_addresses)
        async for order, descriptors in _Orders(line, stop, notes):
            match order:
                case Reload():
                    control.send(line, Reloaded(await _reload(part, descriptors[0])))
                case Retire():
                    break
    except LineError as error:
        log.warning("the supervisor %s", error)
    finally:
        await part.stop()
    return 0


async def _reload(part: ReportingPart, descriptor: int) -> str:
    """What keeps the settings from being taken into force, "" when nothing does."""
    settings = read_settings(descriptor)
    try:
        async with logging_as(settings.log, before=part.settings.log):
            await part.reload(settings)
    except (OSError, ValueError, StoreError) as error:
        return str(error) or type(error).__name__
    settle_memory()
    return ""


class _Orders:
    """What the supervisor says, until it is to stop; that all is open is said first.

    A question whether the loop turns is answered here, whatever else is being done.
    """

    def __init__(self, line: socket.socket, stop: asyncio.Event, notes: Sequence[str] = ()) -> None:
        self._line = line
        self._stop = stop
        self._notes = notes
        self._orders: asyncio.Queue[_Given | None] = asyncio.Queue()

    def __aiter__(self) -> "_Orders":
        loop = asyncio.get_running_loop()
        self._line.settimeout(0)
        loop.add_reader(self._line, self._hear)
        self._stopping = loop.create_task(self._stop.wait())
        self._stopping.add_done_callback(lambda _: self._orders.put_nowait(None))
        self._say(Ready(self._notes))
        return self

    async def __anext__(self) -> _Given:
        given = await self._orders.get()
        if given is None:
            raise StopAsyncIteration
        return given

    def _hear(self) -> None:
        try:
            order, descriptors = control.receive(self._line, Order)
        except BlockingIOError:
            return
        except LineError as error:
            log.warning("the supervisor's line %s: leaving", error)
            asyncio.get_running_loop().remove_reader(self._line)
            self._orders.put_nowait(None)
            return
        if isinstance(order, Ping):
            self._say(Pong())
        else:
            self._orders.put_nowait((order, descriptors))

    def _say(self, word: Ready | Pong) -> None:
        try:
            control.send(self._line, word)
        except LineError as error:
            log.warning("the supervisor %s", error)
            self._orders.put_nowait(None)


def _line() -> socket.socket:
    try:
        line = socket.socket(fileno=os.dup(0))
    except OSError as error:
        raise OSError("--part is given by the supervisor only; leave it out") from error
    line.settimeout(_ORDER_S)
    return line


def _first_order(line: socket.socket) -> tuple[Start, list[int]]:
    try:
        return control.receive(line, Start)
    except (LineError, TimeoutError) as error:
        raise OSError(f"the supervisor's line {error}") from error


def _sockets(descriptors: Sequence[int]) -> list[socket.socket]:
    return [socket.socket(fileno=descriptor) for descriptor in descriptors]
