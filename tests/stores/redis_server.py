"""A real Redis of this machine's Debian on a loopback port, and a door before it that can be slow or shut."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from gateway.stores.redis_settings import RedisSettings
from tests.asterisk.ports import free_tcp_port
from tests.asterisk.wait import wait_for
from tests.debian import Program, program

REAL_REDIS = [
    pytest.mark.redis,
    pytest.mark.xdist_group("redis"),
    # the first test of a run may have to fetch Redis
    pytest.mark.timeout(400),
]
"""Marks of every test with a real Redis: one worker, one server."""
PASSWORD = "s3cret-of-redis"


def fetched() -> Program:
    """The server's program; see `debian.program`."""
    return program("redis-server", "usr/bin/redis-server", title="REDIS")


class RedisServer:
    """The server, without files of its own; a context manager. It can be stopped and started again."""

    def __init__(self, program: Program, folder: Path, *options: str) -> None:
        self._program = program
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_tcp_port()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        command = [
            self._program.command,
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)),
            *("--save", "", "--appendonly", "no", *self._options),
        ]
        self._process = subprocess.Popen(
            command, env=self._program.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self._answers, "Redis to answer", within_s=20)

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
            self._process = None

    def cli(self, *words: str) -> str:
        """What it answers to a command."""
        # Bytes on a socket: redis-cli is another package.
        import socket

        parts = [f"*{len(words)}\r\n", *(f"${len(word.encode())}\r\n{word}\r\n" for word in words)]
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall("".join(parts).encode())
            return connection.recv(1_000_000).decode()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "Redis ended while starting"
        try:
            return self.cli("PING").startswith(("+PONG", "-NOAUTH"))
        except OSError:
            return False


class Door:
    """Passes bytes on to a port: at once, late, or not at all."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._late: list[asyncio.TimerHandle] = []
        self.delay_s = 0.0
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._enter, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Refuse connections, and break those there are."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for timer in self._late:
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        for held in (self._late, self._tasks, self._writers):
            held.clear()
        await asyncio.sleep(0)

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, answers = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers += [writer, answers]
        for source, target in ((reader, answers), (there, writer)):
            self._tasks.append(asyncio.get_running_loop().create_task(self._pass(source, target)))

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            while chunk := await source.read(65_536):
                if self.delay_s:
                    self._late.append(loop.call_later(self.delay_s, self._write, target, chunk))
                else:
                    target.write(chunk)
        self._late.append(loop.call_later(self.delay_s, target.close))

    @staticmethod
    def _write(target: asyncio.StreamWriter, chunk: bytes) -> None:
        if not target.is_closing():
            target.write(chunk)


@asynccontextmanager
async def door_to(port: int) -> AsyncIterator[Door]:
    """A door that is open, and shut at the end."""
    door = Door(port)
    await door.open()
    try:
        yield door
    finally:
        await door.shut()


def settings_for(port: int, **changed: object) -> RedisSettings:
    """Quick to notice, quick to return; a budget that a busy machine keeps."""
    settings: dict[str, object] = {"timeout_s": 0.25, "probe_s": 0.05, **changed}
    return RedisSettings(url=f"redis://127.0.0.1:{port}/0", **settings)  # type: ignore[arg-type]
