import asyncio
from collections.abc import Sequence

import pytest

from gateway.simulator.clock import SimulatedTimeLoop
from gateway.stores.base import StoreBusyError, StoreError, StoreRefusedError
from gateway.stores.redis_link import RedisLink
from gateway.stores.redis_settings import RedisSettings, fault_of, shown

SETTINGS = RedisSettings(url="redis://127.0.0.1/0", timeout_s=0.02, failures=3, probe_s=1.0)


class Scripted:
    """A store that answers after `delay_s`, or fails."""

    name = "redis://somewhere"

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.error: StoreError | None = None
        self.asked = 0

    async def _answer(self) -> None:
        self.asked += 1
        await asyncio.sleep(self.delay_s)
        if self.error is not None:
            raise self.error

    async def ping(self) -> None:
        await self._answer()

    async def run(self, script: str, args: Sequence[str | int | float]) -> str:
        await self._answer()
        return f"{script} {len(args)}"

    async def read(self, keys: Sequence[str]) -> list[str | None]:
        await self._answer()
        return [None for _ in keys]

    async def write(self, rows: Sequence[tuple[str, str, float]]) -> None:
        assert rows
        await self._answer()

    async def close(self) -> None:
        pass


pytestmark = pytest.mark.simulated_time


async def test_an_answer_in_time_is_handed_on() -> None:
    link = RedisLink(Scripted(), SETTINGS)
    await link.start()
    assert link.is_up
    assert await link.run("script", [1]) == "script 1"
    await link.close()


async def test_nobody_waits_longer_than_the_budget() -> None:
    store = Scripted()
    link = RedisLink(store, SETTINGS)
    await link.start()
    store.delay_s = 5.0
    began_s = asyncio.get_running_loop().time()
    with pytest.raises(StoreBusyError, match=r"within 0\.02 s"):
        await link.read(["key"])
    assert asyncio.get_running_loop().time() - began_s == pytest.approx(0.02)
    await link.close()


async def test_after_some_failures_nobody_waits_at_all() -> None:
    store = Scripted()
    link = RedisLink(store, SETTINGS)
    await link.start()
    store.delay_s = 5.0
    for _ in range(3):
        with pytest.raises(StoreError):
            await link.read(["key"])
    asked, began_s = store.asked, asyncio.get_running_loop().time()
    with pytest.raises(StoreBusyError, match="is away"):
        await link.read(["key"])
    assert (store.asked, asyncio.get_running_loop().time()) == (asked, began_s)
    await link.close()


async def test_a_process_that_had_no_time_to_hear_the_answer_does_not_blame_the_store() -> None:
    store = Scripted()
    link = RedisLink(store, SETTINGS)
    await link.start()
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedTimeLoop)
    for _ in range(5):
        loop.call_soon(setattr, loop._jumping, "now", loop.time() + 1.0)
        store.delay_s = 0.5
        with pytest.raises(StoreBusyError):
            await link.read(["key"])
    store.delay_s = 0.0
    assert await link.read(["key"]) == [None]
    await link.close()


async def test_a_slow_store_stays_away_until_it_answers_as_fast_as_calls_need_it() -> None:
    store = Scripted()
    store.delay_s = 0.5
    link = RedisLink(store, SETTINGS)
    await link.start()
    await asyncio.sleep(10)
    with pytest.raises(StoreBusyError):
        await link.read(["key"])
    store.delay_s = 0.001
    await asyncio.sleep(3)
    assert await link.read(["key"]) == [None]
    await link.close()


async def test_a_store_that_refuses_the_login_is_away_as_well() -> None:
    store = Scripted()
    store.error = StoreRefusedError("redis://somewhere refuses: WRONGPASS")
    link = RedisLink(store, SETTINGS)
    await link.start()
    assert not link.is_up
    await link.close()


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("redis://host:6379/0", ""),
        ("rediss://host", ""),
        ("unix:///run/redis/redis.sock", ""),
        ("http://host", "begin"),
        ("redis://:secret@host", "password"),
        ("redis://user@host", "user"),
        ("redis:///0", "no host"),
        ("unix://", "no socket"),
        ("redis://host:99999", "no address"),
        ("redis://host?socket_timeout=9", "query"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_without_repeating_it(url: str, fault: str) -> None:
    found = fault_of(url)
    assert (fault in found) if fault else not found
    assert "secret" not in found.replace("not kept secret", "")


def test_the_address_is_shown_without_user_and_password() -> None:
    assert shown("redis://user:secret@host:6379/0") == "redis://host:6379/0"
