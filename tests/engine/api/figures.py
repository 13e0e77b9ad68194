"""A small engine with some dials, served over HTTP, for the tests of what is told about numbers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from gateway.engine.api.app import make_app
from gateway.engine.provider import EngineProvider
from gateway.engine.settings import ApiKeySettings, ApiSettings, EngineSettings, KeyType
from gateway.model.dial import Dial

NOW = 1_775_831_535.0
"""Friday, 10 April 2026, 14:32:15 UTC."""
DAY = 86_400
ONE, TWO, TOLL_FREE, LONDON = "+12125550100", "+13055550100", "+18005550100", "+442079460100"
INVENTORY = """
campaigns:
  - {id: "9001", name: Sales, type: Outbound}
  - {id: "9002", name: Service, type: Outbound}
dispos:
  - {id: sale, name: Sale, type: Agent, contact: true, success: true}
  - {id: busy, name: Busy, type: System, contact: false, success: false}
anis:
  - {number: "2125550100", country_code: "+1", inbound_group_id: "9001", is_branded: true, brand_name: Acme}
  - {number: "3055550100", country_code: "+1", inbound_group_id: shared}
  - {number: "8005550100", country_code: "+1"}
  - {number: "2079460100", country_code: "+44", paused_until: 2026-05-01}
"""
KEY = {"Authorization": "Bearer right"}
KEYS = {"small": ApiKeySettings(key="small", type=KeyType.ASSIGNMENT)}


@asynccontextmanager
async def serving(
    tmp_path: Path, cache_dir: Path, dials: Sequence[Dial] = ()
) -> AsyncIterator[tuple[ClientSession, EngineProvider]]:
    file = tmp_path / "inventory.yaml"
    file.write_text(INVENTORY)
    settings = EngineSettings(inventory=str(file), cache_dir=str(cache_dir), timezone="UTC")
    provider = EngineProvider.open(settings, clock=lambda: NOW)
    target = provider.dial_target()
    await asyncio.gather(*(target.post_dial(dial, timeout_s=5) for dial in dials))
    async with (
        TestServer(make_app(provider, ApiSettings(keys=("right",)), KEYS)) as server,
        ClientSession(server.make_url("/")) as session,
    ):
        yield session, provider
    provider.close()


async def post(client: ClientSession, path: str, body: Any, headers: dict[str, str] = KEY) -> tuple[int, Any]:
    async with client.post(path, json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def get(client: ClientSession, path: str, headers: dict[str, str] = KEY) -> tuple[int, Any]:
    async with client.get(path, headers=headers) as answer:
        return answer.status, await answer.json()
