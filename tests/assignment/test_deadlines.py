import asyncio

import pytest

from gateway.assignment.deadlines import Deadlines

pytestmark = pytest.mark.simulated_time


class Watching:
    """Deadlines of one second over names, and what expired when."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.started = self.loop.time()
        self.expired: list[tuple[str, float]] = []
        self.deadlines: Deadlines[str] = Deadlines(self.loop, 1.0, self.expire)

    def expire(self, item: str) -> None:
        self.expired.append((item, self.loop.time() - self.started))
        if item == "repeats":
            self.deadlines.watch("again")
        if item == "releases":
            self.deadlines.release("neighbour")

    @property
    def names(self) -> list[str]:
        return [item for item, _ in self.expired]


async def test_items_expire_in_order_each_at_its_own_time() -> None:
    watching = Watching()
    watching.deadlines.watch("a")
    await asyncio.sleep(0.4)
    watching.deadlines.watch("b")
    await asyncio.sleep(2)
    assert watching.names == ["a", "b"]
    assert [at for _, at in watching.expired] == pytest.approx([1.0, 1.4], abs=0.002)


async def test_released_items_do_not_expire_and_the_others_do_in_time() -> None:
    watching = Watching()
    for number in range(100):
        watching.deadlines.watch(str(number))
        await asyncio.sleep(0.001)
    for number in range(100):
        if number % 10:
            watching.deadlines.release(str(number))
    assert len(watching.deadlines.waiting()) == 10
    await asyncio.sleep(3)
    assert watching.names == [str(number) for number in range(0, 100, 10)]
    assert [at for _, at in watching.expired] == pytest.approx(
        [1 + number / 1000 for number in range(0, 100, 10)], abs=0.004
    )


async def test_what_is_released_is_let_go_at_once() -> None:
    watching = Watching()
    for number in range(100):
        watching.deadlines.watch(str(number))
        watching.deadlines.release(str(number))
    assert watching.deadlines.waiting() == []
    watching.deadlines.release("never watched")


async def test_an_item_released_while_others_expire_does_not_expire_itself() -> None:
    watching = Watching()
    watching.deadlines.watch("releases")
    watching.deadlines.watch("neighbour")
    await asyncio.sleep(2)
    assert watching.names == ["releases"]


async def test_an_item_watched_while_others_expire_gets_its_full_time() -> None:
    watching = Watching()
    watching.deadlines.watch("repeats")
    await asyncio.sleep(3)
    assert watching.names == ["repeats", "again"]
    assert watching.expired[1][1] == pytest.approx(2.0, abs=0.005)


async def test_nothing_expires_after_closing() -> None:
    watching = Watching()
    watching.deadlines.watch("a")
    watching.deadlines.close()
    await asyncio.sleep(2)
    assert watching.names == []
