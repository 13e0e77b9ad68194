"""The HTTP service on its own address: `ani-gateway api` runs it alone, `serve` beside the calls."""

import logging
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway.engine.api.app import make_app
from gateway.engine.provider import EngineProvider
from gateway.engine.settings import ApiKeySettings, ApiSettings
from gateway.model.address import split_address

_DRAIN_S = 3.0
"""Longest wait for open requests at the end; one takes microseconds."""
_MAX_LINE_BYTES = 65_536
"""Longest address: Dial Results have 14 texts in theirs, of 200 characters each, which may take 12 bytes."""


class _Discreet(logging.LoggerAdapter[logging.Logger]):
    """What aiohttp logs of requests that are no HTTP: that they came; their bytes may hold keys."""

    def exception(self, msg: object, *args: object, exc_info: Any = True, **_other: Any) -> None:
        kind = type(exc_info).__name__ if isinstance(exc_info, BaseException) else "an exception"
        self.warning(f"{msg}: %s", *args, kind)

    def debug(self, msg: object, *args: object, **_other: Any) -> None:
        self.log(logging.DEBUG, msg, *args)


class ApiServer:
    """Serves `provider`, which the caller keeps, and closes after `stop`."""

    def __init__(
        self, provider: EngineProvider, settings: ApiSettings, keys: Mapping[str, ApiKeySettings]
    ) -> None:
        """Raises `NoApiKeyError`."""
        self._listen = settings.listen
        self._runner = web.AppRunner(
            make_app(provider, settings, keys),
            access_log=None,
            logger=_Discreet(logging.getLogger(__name__)),
            max_line_size=_MAX_LINE_BYTES,
            shutdown_timeout=_DRAIN_S,
        )

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it answers; empty before `start`."""
        return [(address[0], address[1]) for address in self._runner.addresses]

    async def start(self, sockets: Sequence[socket.socket] = ()) -> None:
        """Listen, with these sockets when there are any, which are ours from now on. Raises `OSError`."""
        await self._runner.setup()
        for sock in sockets:
            await web.SockSite(self._runner, sock).start()
        if not sockets:
            host, port = split_address(self._listen)
            await web.TCPSite(self._runner, host, port).start()

    async def stop(self) -> None:
        """Finish open requests and close. Safe to call twice, and before `start`."""
        await self._runner.cleanup()
