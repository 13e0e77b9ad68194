"""`GET /api/events`: the status document once a second, as server-sent events, for those who watch.

The document is made once a second for all watchers together, and not at all while nobody watches. A watcher
holds at most one document that is not sent yet: who takes them too slowly gets the newest, who takes none is
dropped, and past the largest number of watchers the next one is told so.

Format: `event: status`, `data:` with the document on one line, an empty line
(https://html.spec.whatwg.org/multipage/server-sent-events.html).
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress

from aiohttp import web

from gateway.admin.app import as_json
from gateway.telemetry.logs import Throttle

PATH = "/api/events"
_EVERY_S = 1.0
_WRITE_S = 5.0
"""A watcher that took nothing for so long is gone or asleep."""
_KERNEL_BYTES = 65_536
"""What the kernel may hold for one watcher: some ten documents. Its own default grows to megabytes."""
_NO_DOCUMENT = b": no figures now; the log has the reason\n\n"
_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would collect events instead of passing each on
}
_log = logging.getLogger(__name__)


class StatusStream:
    """Shows `document()`, JSON on one line, to at most `most_watchers` at a time. Make it within the loop."""

    def __init__(
        self,
        document: Callable[[], bytes],
        *,
        most_watchers: int,
        every_s: float = _EVERY_S,
        write_s: float = _WRITE_S,
    ) -> None:
        self._document = document
        self._most = most_watchers
        self._every_s = every_s
        self._write_s = write_s
        self._throttle = Throttle(_log)
        self._watchers: set[_Watcher] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._newest = b""
        self._is_closed = False

    @property
    def watchers(self) -> int:
        """How many watch now."""
        return len(self._watchers)

    def routes(self) -> list[web.RouteDef]:
        """The route, for `make_app`."""
        return [web.get(PATH, self.show, allow_head=False)]

    def close(self) -> None:
        """End every stream at once and take no more. Safe to call twice."""
        self._is_closed = True
        self._rest()
        for watcher in self._watchers:
            watcher.end()

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Answer with the stream, until the watcher leaves, sleeps or the gateway ends."""
        if self._is_closed:
            return _not_now("the gateway is ending")
        if len(self._watchers) >= self._most:
            return _not_now(f"{self._most} watch already; close one, or raise admin.max_watchers")
        response = web.StreamResponse(headers=_HEADERS)
        watcher = _Watcher(request, response, self._write_s)
        self._enter(watcher)
        try:
            # They vanish: that is how a watcher leaves.
            with suppress(ConnectionError, TimeoutError):
                await response.prepare(request)
                await watcher.watch()
        finally:
            self._leave(watcher)
        return response

    def _enter(self, watcher: "_Watcher") -> None:
        self._watchers.add(watcher)
        if self._timer is None:
            self._tick()
        else:
            watcher.offer(self._newest)

    def _leave(self, watcher: "_Watcher") -> None:
        self._watchers.discard(watcher)
        if not self._watchers:
            self._rest()

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every_s, self._tick)
        self._newest = self._event()
        for watcher in self._watchers:
            watcher.offer(self._newest)

    def _event(self) -> bytes:
        try:
            return b"event: status\ndata: %b\n\n" % self._document()
        except Exception as error:  # noqa: BLE001 - figures are fenced off from calls; the page tells their age
            self._throttle.warning("the status document could not be made: %r", error)
            return _NO_DOCUMENT


class _Watcher:
    """One stream: a box for the newest event, and the task that sends it."""

    def __init__(self, request: web.Request, response: web.StreamResponse, write_s: float) -> None:
        self._request = request
        self._response = response
        self._write_s = write_s
        self._newest = b""
        self._has_news = asyncio.Event()
        self._is_ended = False

    def offer(self, event: bytes) -> None:
        """Have this sent next, instead of one that is not sent yet."""
        self._newest = event
        self._has_news.set()

    def end(self) -> None:
        """Send nothing more."""
        self._is_ended = True
        self._has_news.set()

    async def watch(self) -> None:
        """Send what is offered, until `end`. Raises `ConnectionError`, `TimeoutError` when they are gone."""
        loop = asyncio.get_running_loop()
        transport = self._request.transport
        if transport is None:
            return
        raw: socket.socket = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
        taken_at = loop.time()
        try:
            while True:
                await self._has_news.wait()
                self._has_news.clear()
                if self._is_ended:
                    break
                if transport.get_write_buffer_size() == 0:
                    taken_at = loop.time()
                    async with asyncio.timeout(self._write_s):
                        await self._response.write(self._newest)
                elif loop.time() - taken_at > self._write_s:
                    break
        finally:
            if transport.get_write_buffer_size():
                transport.abort()


def _not_now(why: str) -> web.Response:
    answer = as_json({"error": why}, status=503)
    answer.headers["Retry-After"] = "5"
    return answer
