import asyncio
import logging
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.config.problems import ConfigError, Problem
from gateway.config.service import ServiceSettings
from gateway.config.settings import Settings
from gateway.service.reloading import Reloader, ReloadError
from gateway.service.service_manager import ServiceManager
from gateway.telemetry.settings import LogSettings

FAST = load(environ={"ANI_GATEWAY_OUTBOUNDIQ_KEY": "k", "ANI_GATEWAY_ASSIGNMENT_DEADLINE_S": "0.5"}).settings


class Manager(ServiceManager):
    """Notes when a reload is over."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        super().__init__(environ)
        self.is_told = asyncio.Event()

    def ready(self, status: str) -> None:
        super().ready(status)
        self.is_told.set()


@dataclass
class Rig:
    """A reloader whose configuration and whose gateway are played."""

    wanted: Callable[[], Settings] = Settings
    refusal: Exception | None = None
    applied: list[Settings] = field(default_factory=list)

    async def reload(self) -> Reloader:
        manager = Manager({})
        reloader = Reloader(Settings(), self.wanted, self.apply, manager)
        task = asyncio.create_task(reloader.run())
        reloader.ask()
        await manager.is_told.wait()
        task.cancel()
        return reloader

    async def apply(self, settings: Settings) -> None:
        if self.refusal:
            raise self.refusal
        self.applied.append(settings)


@pytest.fixture(autouse=True)
def logs_stay_as_they_are(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("gateway.telemetry.logs.configure", lambda _settings: None)


async def test_a_good_configuration_is_in_force(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(lambda: FAST)
    reloader = await rig.reload()
    assert rig.applied == [FAST]
    assert reloader.settings == FAST
    assert "reloaded; changed: assignment.deadline_s, outboundiq.key" in caplog.messages


async def test_a_broken_one_is_refused_with_every_problem_and_no_number_in_full(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> Settings:
        number = "1303" + "5550123"
        raise ConfigError(
            [
                Problem("assignment.default_ani", f'"{number}x" is no phone number', "gateway.toml:3"),
                Problem("agi.listen", "is no address", hint="write HOST:PORT"),
            ]
        )

    rig = Rig(broken)
    reloader = await rig.reload()
    assert (rig.applied, reloader.settings) == ([], Settings())
    assert caplog.messages == [
        'reload: assignment.default_ani: "1303*****23x" is no phone number (gateway.toml:3)',
        "reload: agi.listen: is no address; write HOST:PORT",
        "reload refused, the settings before stay in force: 2 problems in the configuration",
    ]


@pytest.mark.parametrize("refusal", [ReloadError("no"), OSError("no"), ValueError("no")])
async def test_what_a_part_refuses_is_not_in_force(
    refusal: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    reloader = await Rig(lambda: FAST, refusal).reload()
    assert reloader.settings == Settings()
    assert "reload refused, the settings before stay in force: no" in caplog.messages


async def test_what_needs_a_restart_is_named_and_the_rest_taken(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(lambda: replace(FAST, service=ServiceSettings(workers=3)))
    await rig.reload()
    assert rig.applied == [FAST]
    assert "reload: service.workers needs a restart; until then it stays as it is" in caplog.messages


async def test_what_does_not_fit_without_a_restart_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The engine is asked for, and its numbers come with the next start only."""
    environ = {
        "ANI_GATEWAY_ASSIGNMENT_PROVIDERS": "engine",
        "ANI_GATEWAY_ENGINE_DATABASE": str(tmp_path / "engine.db"),
    }
    rig = Rig(lambda: load(environ=environ).settings)
    await rig.reload()
    assert rig.applied == []
    assert "reload: engine.database can change only by a restart, and the rest does not fit" in caplog.text
    assert "reload: engine.inventory: is missing" in caplog.text


async def test_a_log_file_that_cannot_be_opened_is_refused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def configure(settings: LogSettings) -> None:
        if settings.file:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("gateway.telemetry.logs.configure", configure)
    rig = Rig(lambda: replace(FAST, log=LogSettings(file="/gateway.log")))
    assert (await rig.reload()).settings == Settings()
    assert rig.applied == []
    assert "Permission denied" in caplog.text
