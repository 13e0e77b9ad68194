from collections.abc import Iterator
from datetime import date

import pytest

from gateway.engine.rules import Rule
from gateway.engine.selector import Choice
from gateway.engine.usage import UsageLog
from gateway.model.phone import PhoneNumber
from gateway.stores.inventory import MIGRATIONS
from gateway.stores.sqlite import SqliteDatabase
from gateway.stores.usage import Usage, UsageStore

DAY = date(2026, 3, 2)
ONE, TWO = PhoneNumber("+12125550100"), PhoneNumber("+12125550101")


@pytest.fixture
def database() -> Iterator[SqliteDatabase]:
    database = SqliteDatabase.open("", MIGRATIONS, group_window_s=0)
    yield database
    database.close()


def kept(database: SqliteDatabase) -> dict[str, int]:
    return {entry.number.e164: entry.count for entry in UsageStore(database).load().others}


def test_lone_use_is_written_at_once(database: SqliteDatabase) -> None:
    log = UsageLog(UsageStore(database), 1.0)
    log.count(Choice(ONE, Rule.ANY, 1), DAY, 100.0)
    assert kept(database) == {ONE.e164: 1}


def test_uses_within_the_interval_are_written_with_the_next(database: SqliteDatabase) -> None:
    log = UsageLog(UsageStore(database), 1.0)
    log.count(Choice(ONE, Rule.ANY, 1), DAY, 100.0)
    log.count(Choice(ONE, Rule.ANY, 2), DAY, 100.4)
    log.count(Choice(TWO, Rule.ANY, 1), DAY, 100.9)
    assert kept(database) == {ONE.e164: 1}
    log.count(Choice(ONE, Rule.ANY, 3), DAY, 101.0)
    assert kept(database) == {ONE.e164: 3, TWO.e164: 1}


def test_clock_set_back_does_not_silence_the_log(database: SqliteDatabase) -> None:
    log = UsageLog(UsageStore(database), 1.0)
    log.count(Choice(ONE, Rule.ANY, 1), DAY, 100_000.0)
    assert kept(database) == {ONE.e164: 1}
    log.count(Choice(TWO, Rule.ANY, 1), DAY, 100.0)
    assert kept(database) == {ONE.e164: 1, TWO.e164: 1}


def test_close_writes_what_is_left(database: SqliteDatabase) -> None:
    log = UsageLog(UsageStore(database), 1.0)
    log.count(Choice(ONE, Rule.ANY, 1), DAY, 100.0)
    log.count(Choice(ONE, Rule.ANY, 2), DAY, 100.1)
    log.close()
    assert kept(database) == {ONE.e164: 2}


def test_failed_write_is_made_good_by_the_next(
    database: SqliteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    log = UsageLog(UsageStore(database), 1.0)
    database.run(lambda tx: tx.execute("ALTER TABLE usage RENAME TO hidden"))
    log.count(Choice(ONE, Rule.ANY, 1), DAY, 100.0)
    database.run(lambda tx: tx.execute("ALTER TABLE hidden RENAME TO usage"))
    log.count(Choice(TWO, Rule.ANY, 1), DAY, 102.0)
    assert kept(database) == {ONE.e164: 1, TWO.e164: 1}
    assert "usage counters wait" in caplog.text


def test_hour_is_kept_with_the_day(database: SqliteDatabase) -> None:
    log = UsageLog(UsageStore(database), 1.0)
    for use in range(1, 4):
        log.count(Choice(ONE, Rule.ANY, use, 90.0, use), DAY, 99.0 + use / 3)
    log.close()
    assert UsageStore(database).load().others == [Usage(ONE, DAY, 3, 100.0, 90.0, 3)]
