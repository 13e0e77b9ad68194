from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gateway.engine.provider import EngineProvider
from gateway.engine.settings import EngineSettings
from gateway.model.inventory_change import AniChange
from gateway.model.phone import PhoneNumber
from gateway.stores.inventory import MIGRATIONS
from gateway.stores.sqlite import SqliteDatabase
from gateway.stores.usage import Usage, UsageStore

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()
ONE, TWO = "+12125550100", "+12125550101"


TODAY, YESTERDAY = date(2026, 3, 2), date(2026, 3, 1)
USED = (
    Usage(PhoneNumber(ONE), TODAY, 2, NOON - 300),
    Usage(PhoneNumber(TWO), TODAY, 5, NOON - 20),
    Usage(PhoneNumber("+12125550102"), YESTERDAY, 9, NOON - 86_400),
    Usage(PhoneNumber("+12125550103"), TODAY, 7, NOON - 10),
)
"""The last one is no number of the inventory any more."""


@pytest.fixture
def engine(tmp_path: Path, cache_dir: Path) -> Iterator[EngineProvider]:
    database = SqliteDatabase.open(str(tmp_path / "engine.db"), MIGRATIONS)
    UsageStore(database).add(USED, 0).result(5)
    database.close()
    inventory = tmp_path / "numbers.csv"
    inventory.write_text(f"number\n{ONE}\n{TWO}\n+12125550102\n")
    settings = EngineSettings(
        inventory=str(inventory),
        database=str(tmp_path / "engine.db"),
        cache_dir=str(cache_dir),
        timezone="UTC",
        daily_cap=10,
        cool_down_s=60.0,
    )
    engine = EngineProvider.open(settings, clock=lambda: NOON)
    yield engine
    engine.close()


async def test_a_survey_tells_todays_uses_and_who_rests(engine: EngineProvider) -> None:
    survey = await engine.surveyor().look()
    assert (survey.numbers, survey.uses_today, survey.daily_cap) == (3, 14, 10)
    assert survey.busiest == [(TWO, 5), (ONE, 2)]
    assert [(one.number, one.until) for one in survey.resting] == [(TWO, NOON + 40)]


async def test_a_paused_number_rests_until_its_day(engine: EngineProvider) -> None:
    until = date(2026, 3, 9)
    change = AniChange(PhoneNumber(ONE), paused_until=until)
    await engine.inventory().update(change, timeout_s=5.0)
    survey = await engine.surveyor().look()
    assert [(one.number, one.paused_until) for one in survey.resting] == [
        (ONE, until),
        (TWO, None),
    ]
