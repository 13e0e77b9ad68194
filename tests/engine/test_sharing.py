"""Several engines over one file, as several workers have them: counters, caps and what prospects saw."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.engine.provider import EngineProvider
from gateway.engine.settings import EngineSettings
from gateway.model.inventory import Ani, Campaign, CampaignType, Inventory
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.stores.inventory import MIGRATIONS, InventoryStore
from gateway.stores.sqlite import SqliteDatabase
from gateway.stores.usage import UsageStore

NOON_S = 1_772_452_800.0  # 2026-03-02 12:00 UTC
ANIS = [Ani(PhoneNumber(f"+1212555{number:04}"), "c1") for number in range(10)]
LEAD = Lead(PhoneNumber("+12125550199"), campaign="c1")


@dataclass
class Clock:
    now_s: float = NOON_S

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Shop:
    """Engines over one file, each as good as a process of its own: they share nothing else."""

    path: str
    clock: Clock
    open_one: Callable[..., EngineProvider]

    def used(self) -> Counter[str]:
        database = SqliteDatabase.open(self.path, MIGRATIONS)
        found = UsageStore(database).load().others
        database.close()
        return Counter({row.number.e164: row.count for row in found})


@pytest.fixture
def shop(cache_dir: Path, tmp_path: Path) -> Iterator[Shop]:
    path, clock = str(tmp_path / "engine.db"), Clock()
    database = SqliteDatabase.open(path, MIGRATIONS)
    InventoryStore(database).save(
        Inventory(anis=tuple(ANIS), campaigns=(Campaign("c1", "One", CampaignType.OUTBOUND),))
    )
    database.close()
    with ExitStack() as stack:

        def open_one(**limits: float) -> EngineProvider:
            settings = EngineSettings(database=path, cache_dir=str(cache_dir), timezone="UTC", **limits)  # type: ignore[arg-type]
            engine = EngineProvider.open(settings, clock=clock)
            stack.callback(engine.close)
            return engine

        yield Shop(path, clock, open_one)


def hear(shop: Shop, *engines: EngineProvider) -> None:
    """Let the interval pass, and writes end: each engine writes its uses and takes over the others'."""
    for _ in range(3):
        shop.clock.now_s += 1.1
        for engine in engines:
            engine._usage._rows._flush()
            if engine._sticky._rows is not None:
                engine._sticky._rows._flush()
            give_up_s = time.monotonic() + 10
            while engine._usage.expects_news or engine._sticky.expects_news:
                assert time.monotonic() < give_up_s
                engine._learn()


def test_no_use_is_lost_when_engines_share_a_file(shop: Shop) -> None:
    engines = [shop.open_one() for _ in range(3)]
    for turn in range(60):
        shop.clock.now_s += 0.1
        assert engines[turn % 3].choose(LEAD) is not None
    for engine in engines:
        engine.close()
    assert shop.used().total() == 60


def test_a_cap_holds_over_all_engines_but_for_what_is_not_told_yet(shop: Shop) -> None:
    untold = 5
    one, other = (shop.open_one(daily_cap=10) for _ in range(2))
    for _ in range(20):
        for _ in range(untold):
            one.choose(LEAD)
            other.choose(LEAD)
        hear(shop, one, other)
    assert one.choose(LEAD) is None
    assert other.choose(LEAD) is None
    assert len(shop.used()) == len(ANIS)
    assert all(10 <= uses <= 10 + untold for uses in shop.used().values())


def test_the_least_used_number_is_the_least_used_of_all_engines(shop: Shop) -> None:
    one, other = (shop.open_one() for _ in range(2))
    shown = {choice.ani.e164 for _ in range(5) if (choice := one.choose(LEAD))}
    hear(shop, one, other)
    rest = {choice.ani.e164 for _ in range(5) if (choice := other.choose(LEAD))}
    assert (len(shown), len(rest), shown & rest) == (5, 5, set())


def test_an_hourly_cap_and_a_rest_hold_over_all_engines(shop: Shop) -> None:
    one, other = (shop.open_one(hourly_cap=1, cool_down_s=60) for _ in range(2))
    for _ in range(10):
        assert one.choose(LEAD) is not None
    hear(shop, one, other)
    assert other.choose(LEAD) is None
    shop.clock.now_s += 3_600
    assert other.choose(LEAD) is not None


def test_a_prospect_sees_the_same_number_whichever_engine_is_asked(shop: Shop) -> None:
    one, other = (shop.open_one(sticky_days=7) for _ in range(2))
    leads = [LEAD._replace(phone=PhoneNumber(f"+1212556{number:04}")) for number in range(5)]
    shown = [choice and choice.ani for lead in leads if (choice := one.choose(lead))]
    hear(shop, one, other)
    again = [choice and choice.ani for lead in leads if (choice := other.choose(lead))]
    assert again == shown
