"""The HTTP listeners: each keeps its address while the server behind it is replaced by another."""

import socket
from collections.abc import Sequence
from typing import Protocol

from gateway.service.supervisor_sockets import bind_slots, close_all


class HttpServer(Protocol):
    """What listens behind a door: `AdminServer`, `ApiServer`."""

    async def start(self, sockets: Sequence[socket.socket] = ()) -> None:
        """Answer on these sockets. Raises `OSError`."""
        ...

    async def stop(self) -> None:
        """Finish open requests and close. Safe to call twice."""
        ...


class Door:
    """One address. `prepare` a server for it, then `commit` to it or `abandon` it; `close` at the end."""

    def __init__(self, setting: str) -> None:
        """`setting` is the path of the address, for errors."""
        self._setting = setting
        self._address = ""
        self._sockets: list[socket.socket] = []
        self._server: HttpServer | None = None
        self._next: tuple[str, list[socket.socket], HttpServer | None] | None = None

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it is open: (host, port)."""
        return [sock.getsockname()[:2] for sock in self._sockets]

    async def prepare(self, address: str, server: HttpServer | None) -> None:
        """Have `server` answer at `address` too; `None` when nobody shall. Raises `OSError`: it does not.

        At an address that is open already, both servers answer until one of them is left.
        """
        sockets: list[socket.socket] = []
        if server is not None:
            is_open = address == self._address
            sockets = self._sockets if is_open else bind_slots([address], 1, setting=self._setting)[0]
        self._next = (address, sockets, server)
        try:
            if server is not None:
                await server.start([sock.dup() for sock in sockets])
        except BaseException:
            await self.abandon()
            raise

    async def commit(self) -> None:
        """Leave the earlier server, which finishes its open requests."""
        if self._next is None:
            return
        server, sockets = self._server, self._sockets
        (self._address, self._sockets, self._server), self._next = self._next, None
        if sockets is not self._sockets:
            close_all([sockets])
        if server is not None:
            await server.stop()

    async def abandon(self) -> None:
        """Leave the server that was prepared. Safe to call without one."""
        if self._next is None:
            return
        (_, sockets, server), self._next = self._next, None
        if sockets is not self._sockets:
            close_all([sockets])
        if server is not None:
            await server.stop()

    async def close(self) -> None:
        """Let nobody in any more. Safe to call twice."""
        await self.abandon()
        await self.prepare("", None)
        await self.commit()
