"""The engine's API on a port of its own, over an inventory small enough to change quickly."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from gateway.engine.api.app import make_app
from gateway.engine.provider import EngineProvider
from gateway.engine.settings import ApiKeySettings, ApiSettings, EngineSettings, KeyType

NOW = 1_775_900_000.0
"""April 2026, the day after the documents' dial: the engine forgets what is too old."""
COMPANY = "6C0F3A52-1111-2222-3333-444455556666"
SETTINGS = ApiSettings(keys=("universal-key",), company_guids=("other", COMPANY), max_body_bytes=4_000)
KEYS = {
    "calls": ApiKeySettings(key="assignment-key", type=KeyType.ASSIGNMENT, default_campaign="9001"),
    "gone": ApiKeySettings(key="inactive-key", active=False),
}


@pytest.fixture
def engine(cache_dir: Path, tmp_path: Path) -> Iterator[EngineProvider]:
    """An engine with an empty inventory, in which each number may be used once a day."""
    settings = EngineSettings(database=str(tmp_path / "engine.db"), cache_dir=str(cache_dir), daily_cap=1)
    provider = EngineProvider.open(settings, clock=lambda: NOW)
    yield provider
    provider.close()


@pytest.fixture
async def api(engine: EngineProvider) -> AsyncIterator[ClientSession]:
    """A client of the service over `engine`."""
    async with (
        TestServer(make_app(engine, SETTINGS, KEYS)) as server,
        ClientSession(server.make_url("/")) as session,
    ):
        yield session
