from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config.problems import ConfigError
from gateway.config.settings import Settings
from gateway.engine.settings import EngineSettings
from gateway.model.inventory import Campaign, CampaignType, Kind
from gateway.providers.outboundani import OutboundAniSettings
from gateway.providers.outboundiq_account import OutboundIqSettings
from gateway.service.backends import BACKENDS, open_inventory
from gateway.simulator.upstream import UpstreamSimulator

CAMPAIGN = Campaign("c123", "Sales 2025", CampaignType.OUTBOUND)


def settings_for(upstream: UpstreamSimulator, folder: Path) -> Settings:
    return Settings(
        outboundani=OutboundAniSettings(url=f"{upstream.url}/dialer", key=upstream.key),
        outboundiq=OutboundIqSettings(url=upstream.url, key=upstream.key),
        engine=EngineSettings(database=str(folder / "engine.db")),
    )


@pytest.mark.parametrize("name", BACKENDS)
async def test_what_is_created_in_one_context_is_there_in_the_next(name: str, tmp_path: Path) -> None:
    async with UpstreamSimulator() as upstream:
        settings = settings_for(upstream, tmp_path)
        async with open_inventory(name, settings) as service:
            assert service.name == name
            await service.create(CAMPAIGN, timeout_s=5)
        async with open_inventory(name, settings) as service:
            assert await service.get(Kind.CAMPAIGN, "c123", timeout_s=5) == CAMPAIGN


@pytest.mark.parametrize(
    ("name", "missing"),
    [("outboundiq", "outboundiq.key"), ("outboundani", "outboundani.key"), ("engine", "engine.database")],
)
async def test_a_missing_setting_is_named(name: str, missing: str) -> None:
    with pytest.raises(ConfigError, match=f"{missing}: is missing, and managing {name} needs it"):
        async with open_inventory(name, Settings()):
            pass


async def test_a_name_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r'"voipbin"; known are .*engine'):
        async with open_inventory("voipbin", Settings()):
            pass


async def test_a_fault_inside_the_context_closes_the_database(tmp_path: Path) -> None:
    settings = replace(Settings(), engine=EngineSettings(database=str(tmp_path / "engine.db")))
    with pytest.raises(ZeroDivisionError):
        async with open_inventory("engine", settings):
            raise ZeroDivisionError
    async with open_inventory("engine", settings) as service:
        await service.create(CAMPAIGN, timeout_s=5)
