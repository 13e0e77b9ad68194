"""The engine's service of the vendors' APIs on a port of its own, for the gateway's own clients."""

import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.engine.api.server import ApiServer
from gateway.engine.provider import EngineProvider
from gateway.engine.settings import ApiKeySettings, ApiSettings, EngineSettings, KeyType

KEY = "universal-key"
CALLS_KEY = "assignment-key"
"""May assign and report; its default campaign is "c1"."""
LOCKED_KEY = "inactive-key"
COMPANY = "6C0F3A52-1111-2222-3333-444455556666"
_KEYS = {
    "calls": ApiKeySettings(key=CALLS_KEY, type=KeyType.ASSIGNMENT, default_campaign="c1"),
    "gone": ApiKeySettings(key=LOCKED_KEY, active=False),
}


@dataclass(frozen=True, slots=True)
class EngineApi:
    """A running service."""

    url: str
    engine: EngineProvider
    database: Path

    def dials(self) -> list[tuple[object, ...]]:
        """Dials in the engine's database: id, ANI, prospect, campaign, disposition, seconds talked."""
        with sqlite3.connect(self.database) as connection:
            rows = connection.execute(
                "SELECT dial_id, ani, prospect_phone, campaign_id, disposition_name, talk_s FROM dials"
            ).fetchall()
        connection.close()
        return rows


ServeApi = Callable[..., Awaitable[EngineApi]]
"""Starts a service, with settings of `[engine]`; `burst` is how many requests it takes of each key."""


async def started(
    folder: Path, cache_dir: Path, *, burst: int = 0, **engine: object
) -> tuple[EngineApi, ApiServer]:
    """A service and what stops it. With `burst` each key is told to wait after so many requests."""
    database = folder / "engine.db"
    provider = EngineProvider.open(
        EngineSettings(database=str(database), cache_dir=str(cache_dir), **engine)  # type: ignore[arg-type] # any setting
    )
    settings = ApiSettings(
        listen="127.0.0.1:0",
        keys=(KEY,),
        company_guids=(COMPANY,),
        requests_per_second=0.01 if burst else 0,
        burst=burst or 1,
    )
    server = ApiServer(provider, settings, _KEYS)
    await server.start()
    host, port = server.addresses[0]
    return EngineApi(f"http://{host}:{port}", provider, database), server
