import asyncio
import logging
import threading
import time
from collections.abc import Iterable

import pytest

from gateway.doctor.examination import Shared, appoint, examine, in_thread
from gateway.doctor.finding import Check, Finding, NotExaminedError, Part, Verdict, right


async def fine(_looked: str) -> Iterable[Finding]:
    return [right("fine")]


async def nothing_to_look_at(_looked: str) -> Iterable[Finding]:
    return []


async def blind(_looked: str) -> Iterable[Finding]:
    raise NotExaminedError("no light")


async def broken(_looked: str) -> Iterable[Finding]:
    raise RuntimeError("secret words")


async def endless(_looked: str) -> Iterable[Finding]:
    await asyncio.Event().wait()
    return []


def check(name: str) -> Check[str]:
    return Check(name, Part.GATEWAY, globals()[name], ())


async def test_right_answer_bears_the_checks_name_part_and_subject() -> None:
    (finding,) = await examine(appoint([check("fine")], "x", "pbx"))
    assert (finding.name, finding.part, finding.subject) == ("fine", Part.GATEWAY, "pbx")


async def test_check_without_anything_to_look_at_says_nothing() -> None:
    assert await examine(appoint([check("nothing_to_look_at")], "x")) == []


async def test_what_cannot_be_seen_is_unchecked_with_the_reason() -> None:
    (finding,) = await examine(appoint([check("blind")], "x"))
    assert (finding.verdict, finding.what) == (Verdict.UNCHECKED, "no light")


async def test_broken_check_spoils_no_other_and_tells_no_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    found = await examine(appoint([check("broken"), check("fine")], "x"))
    assert [finding.verdict for finding in found] == [Verdict.UNCHECKED, Verdict.RIGHT]
    assert "secret" not in found[0].what


async def test_endless_check_ends_after_its_own_time_and_holds_up_no_other() -> None:
    found = await examine(appoint([check("endless"), check("fine")], "x"), check_s=0.05)
    assert [(finding.name, finding.verdict) for finding in found] == [
        ("endless", Verdict.UNCHECKED),
        ("fine", Verdict.RIGHT),
    ]


async def test_all_of_it_ends_after_the_total_time() -> None:
    started = time.monotonic()
    found = await examine(appoint([check("endless")] * 5, "x"), check_s=30, total_s=0.05)
    assert [finding.verdict for finding in found] == [Verdict.UNCHECKED] * 5
    assert time.monotonic() - started < 5


async def test_checks_run_side_by_side() -> None:
    both = asyncio.Barrier(2)

    async def meet(_looked: str) -> Iterable[Finding]:
        await both.wait()
        return [right("met")]

    found = await examine(appoint([Check(name, Part.GATEWAY, meet, ()) for name in "ab"], "x"), check_s=5)
    assert [finding.what for finding in found] == ["met", "met"]


async def test_shared_fact_is_fetched_once_and_outlives_who_gave_up_on_it() -> None:
    shared, ready, fetches = Shared(), asyncio.Event(), []

    async def get() -> str:
        fetches.append(1)
        await ready.wait()
        return "fact"

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await shared.fetch("it", get)
    assert shared.known("it") is None
    ready.set()
    assert [await shared.fetch("it", get) for _ in range(3)] == ["fact"] * 3
    assert (len(fetches), shared.known("it")) == (1, "fact")
    await shared.close()


async def test_error_of_a_shared_fact_reaches_everyone_who_asks() -> None:
    shared = Shared()

    async def get() -> str:
        raise OSError("gone")

    for _ in range(2):
        with pytest.raises(OSError, match="gone"):
            await shared.fetch("it", get)
    await shared.close()


async def test_hung_disk_holds_up_neither_the_check_nor_what_follows() -> None:
    release = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await in_thread(lambda: release.wait(5))
    release.set()
    assert await in_thread(lambda: "next") == "next"


async def test_error_in_a_thread_is_raised_where_it_is_awaited() -> None:
    def work() -> None:
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        await in_thread(work)
