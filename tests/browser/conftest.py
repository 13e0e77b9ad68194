from collections.abc import AsyncIterator, Callable
from pathlib import Path

import orjson
import pytest

from gateway.admin.app import AdminServer
from gateway.admin.events import StatusStream
from gateway.admin.page import page_routes
from gateway.admin.settings import AdminSettings
from tests.browser.chromium import Browser, running
from tests.browser.documents import Document
from tests.browser.fetch import Program, fetch
from tests.debian import required


@pytest.fixture(scope="session")
def chromium() -> Program:
    return required(fetch, "THE DASHBOARD IN A REAL CHROMIUM")


@pytest.fixture
async def browser(chromium: Program, tmp_path: Path) -> AsyncIterator[Browser]:
    async with running(chromium, tmp_path / "profile") as browser:
        yield browser


class Shown:
    """A gateway as far as the page sees it: an admin listener whose document the test sets."""

    def __init__(self, *, token: str = "", every_s: float = 0.05, most_watchers: int = 5) -> None:
        self.document: Callable[[], Document] | None = None
        """Called for each event; while it is `None` no figures can be told."""
        self._every_s = every_s
        self._most_watchers = most_watchers
        self._token = token
        self._address = "127.0.0.1:0"
        self._server: AdminServer | None = None
        self.stream: StatusStream | None = None

    @property
    def url(self) -> str:
        return f"http://{self._address}/"

    async def start(self) -> None:
        """Listen; again at the same address after `stop`."""
        self.stream = StatusStream(self._told, most_watchers=self._most_watchers, every_s=self._every_s)
        settings = AdminSettings(listen=self._address, token=self._token)
        self._server = AdminServer(settings, [*page_routes(), *self.stream.routes()])
        await self._server.start()
        assert self._server.address is not None
        self._address = "{}:{}".format(*self._server.address)

    async def stop(self) -> None:
        if self._server is not None and self.stream is not None:
            self.stream.close()
            await self._server.stop()
        self._server = self.stream = None

    def _told(self) -> bytes:
        if self.document is None:
            raise LookupError("the test has no document now")
        return orjson.dumps(self.document())


@pytest.fixture
async def shown() -> AsyncIterator[Shown]:
    gateway = Shown()
    await gateway.start()
    yield gateway
    await gateway.stop()


@pytest.fixture
async def locked() -> AsyncIterator[Shown]:
    """The same with a token."""
    gateway = Shown(token="made-up")
    await gateway.start()
    yield gateway
    await gateway.stop()
