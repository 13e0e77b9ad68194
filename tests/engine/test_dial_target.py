import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.engine.dial_target import EngineDials
from gateway.engine.settings import EngineSettings
from gateway.model.dial import Dial
from gateway.providers.base import RefusedError, UnavailableError
from gateway.stores.engine_dials import EngineDialStore
from gateway.stores.inventory import MIGRATIONS
from gateway.stores.sqlite import SqliteDatabase

NOW = 1_760_000_000.0
DIAL = Dial("d1", "+15552223333", "+15559876543", NOW, campaign_id="9001", disposition_name="sale")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    one = SqliteDatabase.open(str(tmp_path / "engine.db"), MIGRATIONS)
    yield one
    one.close()


def target_on(database: SqliteDatabase) -> EngineDials:
    return EngineDials(EngineDialStore(database), EngineSettings(keep_dials_days=30), clock=lambda: NOW)


def kept(path: Path) -> list[tuple[str, str, str, str]]:
    with sqlite3.connect(path / "engine.db") as other:
        rows = other.execute("SELECT dial_id, ani, campaign_id, disposition_name FROM dials").fetchall()
    other.close()
    return rows


async def test_a_dial_is_on_disk_once_however_often_it_comes(
    database: SqliteDatabase, tmp_path: Path
) -> None:
    target = target_on(database)
    await target.post_dial(DIAL, timeout_s=5)
    await target.post_dial(DIAL, timeout_s=5)
    assert kept(tmp_path) == [("d1", "+15552223333", "9001", "sale")]


async def test_dials_older_than_kept_go(database: SqliteDatabase, tmp_path: Path) -> None:
    target = target_on(database)
    old = Dial("old", "+15552223333", "+15559876543", NOW - 31 * 86_400)
    await target.post_dial(old, timeout_s=5)
    await target.post_dial(DIAL, timeout_s=5)
    assert [row[0] for row in kept(tmp_path)] == ["d1"]


async def test_a_database_that_is_closed_is_unavailable(database: SqliteDatabase) -> None:
    target = target_on(database)
    database.close()
    with pytest.raises(UnavailableError, match="closed"):
        await target.post_dial(DIAL, timeout_s=5)


async def test_a_record_the_table_refuses_is_refused(database: SqliteDatabase) -> None:
    strange = Dial("d2", "+15552223333", "+15559876543", NOW, talk_s="long")  # type: ignore[arg-type]
    with pytest.raises(RefusedError, match="refuses the record"):
        await target_on(database).post_dial(strange, timeout_s=5)


async def test_a_dial_is_told_of_only_once_it_is_kept(database: SqliteDatabase) -> None:
    told: list[Dial] = []
    target = EngineDials(
        EngineDialStore(database),
        EngineSettings(),
        clock=lambda: NOW,
        on_kept=told.extend,
    )
    await target.post_dial(DIAL, timeout_s=5)
    assert told == [DIAL]
    database.close()
    with pytest.raises(UnavailableError):
        await target.post_dial(DIAL, timeout_s=5)
    assert told == [DIAL]
