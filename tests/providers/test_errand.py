import asyncio
from collections.abc import Coroutine, Generator
from typing import Any

import pytest

from gateway.providers.errand import Errand, Wait


class Bell(Wait):
    """Over when it rings."""

    rang = False

    def __await__(self) -> Generator["Bell", None, None]:
        if not self.rang:
            yield self

    def ring(self) -> None:
        self.rang = True
        on_over, self.on_over = self.on_over, None
        if on_over is not None:
            on_over(self)


class Course:
    """What became of an errand, step by step."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def begin(self, coroutine: Coroutine[Any, None, None]) -> Errand:
        errand = Errand(coroutine, lambda _errand: self.steps.append("end"))
        errand.start()
        return errand


async def test_it_goes_on_within_what_ends_its_wait() -> None:
    course, bell = Course(), Bell()

    async def ring_for() -> None:
        course.steps.append("begin")
        await bell
        course.steps.append("rung")

    errand = course.begin(ring_for())
    assert course.steps == ["begin"]
    assert not errand.is_over
    bell.ring()
    assert course.steps == ["begin", "rung", "end"]
    assert errand.is_over


async def test_it_may_be_over_at_once() -> None:
    course, bell = Course(), Bell()
    bell.ring()

    async def pass_by() -> None:
        await bell

    assert course.begin(pass_by()).is_over
    assert course.steps == ["end"]


async def test_it_may_wait_for_tasks_futures_and_turns_of_the_loop() -> None:
    course = Course()
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def wait_for_all() -> None:
        course.steps.append(await future)
        await asyncio.sleep(0)
        course.steps.append(await asyncio.create_task(asyncio.sleep(0, "task")))

    course.begin(wait_for_all())
    future.set_result("future")
    async with asyncio.timeout(1):
        while "end" not in course.steps:  # noqa: ASYNC110 - the test watches from outside
            await asyncio.sleep(0)
    assert course.steps == ["future", "task", "end"]


async def test_cancelled_it_hears_so_where_it_waits() -> None:
    course = Course()
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait() -> None:
        try:
            await future
        except asyncio.CancelledError:
            course.steps.append("cancelled")
            raise

    errand = course.begin(wait())
    errand.cancel()
    await asyncio.sleep(0)
    assert course.steps == ["cancelled", "end"]
    errand.cancel()
    assert course.steps == ["cancelled", "end"]


async def test_a_fault_in_it_is_logged_and_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    course, bell = Course(), Bell()

    async def stumble() -> None:
        await bell
        raise ValueError("a stone")

    course.begin(stumble())
    bell.ring()
    assert course.steps == ["end"]
    assert "a stone" in caplog.text
