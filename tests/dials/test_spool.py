import asyncio
import logging
import os
import resource
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.dials.spool import DialSpool, described
from gateway.model.delivery import DeliveryState, Outcome, Stored
from gateway.model.dial import Dial
from gateway.stores.base import StoreCorruptError, StoreError, StoreInUseError
from gateway.stores.settings import SpoolSettings
from gateway.telemetry.metrics import DialMetrics

TARGETS = {"one": True}
PHONE, ANI = "+15559876543", "+15552223333"


def dial(number: int = 0, **fields: Any) -> Dial:
    return replace(Dial(f"d{number}", ANI, PHONE, 1_760_000_000.0), **fields)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "data" / "spool.db")


@asynccontextmanager
async def spool_at(file: str, **settings: Any) -> AsyncIterator[DialSpool]:
    chosen = {"settle_s": 0.0, "group_window_s": 0.0, **settings}
    spool = DialSpool(SpoolSettings(file=file, **chosen), TARGETS, DialMetrics())
    await spool.start()
    try:
        yield spool
    finally:
        await spool.close()


@pytest.fixture
async def spool(file: str) -> AsyncIterator[DialSpool]:
    Path(file).parent.mkdir()
    async with spool_at(file) as one:
        yield one


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a test watches from outside
            await asyncio.sleep(0.01)


async def taken(spool: DialSpool) -> list[str]:
    return [one.dial.dial_id for one in (await spool.take("one", 1_000)).taken]


async def test_a_record_put_comes_out_again(spool: DialSpool) -> None:
    assert await spool.put(dial()) is Stored.NEW
    assert (await spool.take("one", 10)).taken[0].dial == dial()


async def test_records_put_at_once_are_stored_in_order_and_answered_each(spool: DialSpool) -> None:
    stored = await asyncio.gather(*(spool.put(dial(number % 1_000)) for number in range(1_200)))
    assert stored == [Stored.NEW] * 1_000 + [Stored.KNOWN] * 200
    assert await taken(spool) == [f"d{number}" for number in range(1_000)]


async def test_a_thousand_records_cost_a_few_wake_ups(
    spool: DialSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop must not be woken once for each record."""
    loop = asyncio.get_running_loop()
    wake_ups: list[Any] = []
    original = loop.call_soon_threadsafe

    def counted(callback: Any, *arguments: Any, **options: Any) -> Any:
        wake_ups.append(callback)
        return original(callback, *arguments, **options)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    await asyncio.gather(*(spool.put(dial(number)) for number in range(1_000)))
    assert 1 <= len(wake_ups) <= 5


async def test_other_targets_find_written_down_what_the_earlier_ones_took(spool: DialSpool) -> None:
    """Opened anew, the file has everything that was cut off sent once more: nothing that had its answer."""
    for number in range(100):
        spool.put(dial(number))
    await spool.put(dial(100))
    for dial_id in await taken(spool):
        spool.settle(Outcome(dial_id, "one", DeliveryState.DONE, 0.0))
    await spool.retarget({"one": True, "two": True})
    assert await taken(spool) == []
    spool.put(dial(101))
    assert await spool.put(dial(102)) is Stored.NEW
    assert await taken(spool) == ["d101", "d102"]


async def test_a_caller_that_went_away_stops_nothing(spool: DialSpool) -> None:
    spool.put(dial(0)).cancel()
    assert await spool.put(dial(1)) is Stored.NEW
    assert await taken(spool) == ["d0", "d1"]


async def test_text_that_is_no_unicode_is_mended(spool: DialSpool) -> None:
    assert await spool.put(dial(0, agent_name="caf\udce9", dial_id="d\udce9")) is Stored.NEW
    part = await spool.take("one", 1)
    assert (part.taken[0].dial.agent_name, part.taken[0].dial.dial_id) == ("caf?", "d?")


async def test_what_cannot_be_stored_stops_no_other(
    spool: DialSpool, caplog: pytest.LogCaptureFixture
) -> None:
    bad = [dial(1, rank=2**62 * 4), dial(3, rank="much")]
    stored = await asyncio.gather(*map(spool.put, [dial(0), bad[0], dial(2), bad[1], dial(4)]))
    assert stored == [Stored.NEW, Stored.LOST, Stored.NEW, Stored.LOST, Stored.NEW]
    assert "dial_id=d1" in caplog.text
    assert "dial_id=d3" in caplog.text
    assert await taken(spool) == ["d0", "d2", "d4"]


async def test_a_fault_of_the_file_is_not_blamed_on_the_records(spool: DialSpool, file: str) -> None:
    with sqlite3.connect(file) as other:
        other.execute("ALTER TABLE records RENAME TO hidden")
    put = spool.put(dial())
    await until(lambda: "no such table" in spool.fault)
    assert not put.done()
    with other:
        other.execute("ALTER TABLE hidden RENAME TO records")
    other.close()
    assert await put is Stored.NEW


async def test_waiting_is_counted(spool: DialSpool) -> None:
    metrics = spool._metrics
    await asyncio.gather(*(spool.put(dial(number)) for number in (0, 1, 1)))
    assert (metrics.target("one").waiting, metrics.buffered) == (2, 0)
    assert metrics.stored == {Stored.NEW: 2, Stored.KNOWN: 1}


async def test_a_second_instance_refuses_to_start(spool: DialSpool, file: str) -> None:
    with pytest.raises(StoreInUseError, match=f"held by process {os.getpid()}"):
        async with spool_at(file):
            pytest.fail("started")
    assert await spool.put(dial()) is Stored.NEW


async def test_a_missing_folder_is_a_state_and_ends(file: str) -> None:
    async with spool_at(file) as spool:
        assert "folder" in spool.fault
        put = spool.put(dial())
        assert spool._metrics.buffered == 1
        with pytest.raises(StoreError):
            await spool.take("one", 1)
        Path(file).parent.mkdir()
        assert await put is Stored.NEW
        assert spool.fault == ""
        assert await taken(spool) == ["d0"]


async def test_trouble_that_lasts_is_said_once_and_counted_each_time(
    file: str, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = DialMetrics()
    missing = SpoolSettings(file=f"{file}.d/spool.db")
    spool = DialSpool(missing, {"a": True}, metrics)
    await spool.start()
    await until(lambda: metrics.spool_failures_total >= 3)
    await spool.close()
    assert caplog.text.count("the spool is out of order") == 1


async def test_beyond_the_buffer_records_are_lost_loudly_and_masked(
    file: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with spool_at(file, buffer_records=2) as spool:
        puts = [spool.put(dial(number)) for number in range(4)]
        assert await asyncio.gather(*puts[2:]) == [Stored.LOST] * 2
        assert spool._metrics.stored[Stored.LOST] == 2
        Path(file).parent.mkdir()
        assert await asyncio.gather(*puts[:2]) == [Stored.NEW] * 2
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert [f"dial_id=d{number}" in line for number, line in zip((2, 3), lines, strict=True)] == [True, True]
    assert PHONE not in caplog.text
    assert "+1555*****43" in caplog.text


def size_of(file: str) -> int:
    return Path(file).stat().st_size


@contextmanager
def no_file_may_grow_beyond(size: int) -> Iterator[None]:
    """The kernel refuses writes beyond it, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_a_state_and_loses_nothing(spool: DialSpool, file: str) -> None:
    await spool.put(dial(0))
    with no_file_may_grow_beyond(size_of(file + "-wal") + 4096):
        puts = [spool.put(dial(number, campaign_name="x" * 200)) for number in range(1, 200)]
        await until(lambda: spool.fault != "")
        assert spool._metrics.spool_failures_total > 0
        assert not puts[-1].done()
    assert set(await asyncio.gather(*puts)) == {Stored.NEW}
    assert spool.fault == ""
    assert len(await taken(spool)) == 200


def tear_texts(file: str) -> None:
    """Damage the pages that hold the records' text; the indexes stay whole, so opening notices nothing."""
    raw = bytearray(Path(file).read_bytes())
    for start in range(4096, len(raw), 4096):
        if b"x" * 200 in raw[start : start + 4096]:
            raw[start : start + 4096] = b"\xa5" * 4096
    Path(file).write_bytes(raw)


async def test_a_file_found_damaged_while_in_use_is_replaced(file: str) -> None:
    Path(file).parent.mkdir()
    async with spool_at(file) as spool:
        await asyncio.gather(*(spool.put(dial(number, campaign_name="x" * 200)) for number in range(400)))
    tear_texts(file)
    async with spool_at(file) as spool:
        assert spool.fault == ""
        with pytest.raises(StoreCorruptError):
            await spool.take("one", 1)
        assert await spool.put(dial(1_000)) is Stored.NEW
        assert await taken(spool) == ["d1000"]
    assert len([path for path in Path(file).parent.glob("*.corrupt-*") if path.suffix != ".lock"]) >= 1


async def test_outcomes_for_a_replaced_file_are_harmless(spool: DialSpool) -> None:
    await spool.settle(Outcome("of the old file", "one", DeliveryState.DONE))
    assert await spool.put(dial()) is Stored.NEW


async def test_close_writes_what_is_waiting(file: str) -> None:
    Path(file).parent.mkdir()
    async with spool_at(file) as spool:
        puts = [spool.put(dial(number)) for number in range(3)]
    assert [put.result() for put in puts] == [Stored.NEW] * 3
    async with spool_at(file) as spool:
        assert await taken(spool) == ["d0", "d1", "d2"]


async def test_put_after_close_is_told(spool: DialSpool) -> None:
    await spool.close()
    assert await spool.put(dial()) is Stored.LOST


async def test_a_spool_taken_away_comes_back(spool: DialSpool, file: str, tmp_path: Path) -> None:
    await spool.put(dial())
    await spool.close()
    shutil.move(str(Path(file).parent), tmp_path / "elsewhere")
    async with spool_at(file) as other:
        shutil.move(tmp_path / "elsewhere", str(Path(file).parent))
        await until(lambda: other.fault == "")
        assert await taken(other) == ["d0"]


def test_a_record_is_described_without_its_numbers() -> None:
    text = described(dial(0, ani="unknown-4711"))
    assert text == "dial_id=d0 ani=**********11 phone=+1555*****43 campaign= at=1760000000"
