import asyncio

import pytest

from gateway.assignment.deadlines import Deadlines

pytestmark = pytest.mark.simulated_time


async def test_items_expire_in_order_each_at_its_own_time() -> None:
    loop = asyncio.get_running_loop()
    expired: list[tuple[str, float]] = []
    started = loop.time()
    deadlines: Deadlines[str] = Deadlines(
        loop, 1.0, lambda item: expired.append((item, loop.time() - started))
    )
    deadlines.watch("a")
    await asyncio.sleep(0.4)
    deadlines.watch("b")
    await asyncio.sleep(2)
    assert [item for item, _ in expired] == ["a", "b"]
    assert [at for _, at in expired] == pytest.approx([1.0, 1.4], abs=0.002)


async def test_forgotten_items_do_not_expire() -> None:
    loop = asyncio.get_running_loop()
    expired: list[int] = []
    deadlines: Deadlines[int] = Deadlines(loop, 1.0, expired.append)
    for item in range(100):
        deadlines.watch(item)
    for item in range(0, 100, 2):
        deadlines.forget(item)
        deadlines.forget(item)
    await asyncio.sleep(1.1)
    assert expired == list(range(1, 100, 2))
    assert len(deadlines) == 0


async def test_an_item_watched_while_others_expire_gets_its_full_time() -> None:
    loop = asyncio.get_running_loop()
    expired: list[tuple[str, float]] = []
    started = loop.time()

    def expire(item: str) -> None:
        expired.append((item, loop.time() - started))
        if item == "a":
            deadlines.watch("again")

    deadlines: Deadlines[str] = Deadlines(loop, 1.0, expire)
    deadlines.watch("a")
    await asyncio.sleep(3)
    assert expired[1][0] == "again"
    assert expired[1][1] == pytest.approx(2.0, abs=0.005)


async def test_nothing_expires_after_closing() -> None:
    expired: list[str] = []
    deadlines: Deadlines[str] = Deadlines(asyncio.get_running_loop(), 1.0, expired.append)
    deadlines.watch("a")
    deadlines.close()
    await asyncio.sleep(2)
    assert expired == []
