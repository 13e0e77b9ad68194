"""Delivery over a real spool file, to targets in memory."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.dials.delivery import Delivery
from gateway.dials.settings import DeliverySettings
from gateway.dials.spool import DialSpool
from gateway.model.dial import Dial
from gateway.providers.base import (
    ProviderError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
)
from gateway.providers.breaker import BreakerState
from gateway.stores.settings import SpoolSettings
from gateway.telemetry.metrics import DialMetrics, TargetMetrics

QUICK = {"retry_base_s": 0.001, "breaker_open_s": 0.01, "breaker_max_open_s": 0.02, "drain_s": 0.1}


class Target:
    """Takes records as told: `answers` are used up first, then `answer` holds."""

    def __init__(self, name: str = "one", *, repeats_safely: bool = True) -> None:
        self.name = name
        self.repeats_safely = repeats_safely
        self.answers: list[Exception | None] = []
        self.answer: Exception | None = None
        self.taken: Counter[str] = Counter()
        self.attempts = 0
        self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._at_once = 0

    async def post_dial(self, dial: Dial, *, timeout_s: float) -> None:
        self.attempts += 1
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            async with asyncio.timeout(timeout_s):
                await self.gate.wait()
            answer = self.answers.pop(0) if self.answers else self.answer
            if answer is not None:
                raise answer
            self.taken[dial.dial_id] += 1
        finally:
            self._at_once -= 1


class Bench:
    def __init__(self, spool: DialSpool, delivery: Delivery, metrics: DialMetrics) -> None:
        self.spool = spool
        self.delivery = delivery
        self.metrics = metrics

    def of(self, target: Target) -> TargetMetrics:
        return self.metrics.target(target.name)

    async def put(self, count: int) -> None:
        dials = [Dial(f"d{n}", "+15552223333", "+15559876543", 1_760_000_000.0) for n in range(count)]
        await asyncio.gather(*map(self.spool.put, dials))


@asynccontextmanager
async def bench_at(path: Path, *targets: Target, **settings: Any) -> AsyncIterator[Bench]:
    metrics = DialMetrics()
    names = {target.name: target.repeats_safely for target in targets}
    file = str(path / "spool.db")
    spool = DialSpool(SpoolSettings(file=file, settle_s=0.0, group_window_s=0.001), names, metrics)
    await spool.start()
    delivery = Delivery(targets, spool, DeliverySettings(**{**QUICK, **settings}), metrics)
    delivery.start()
    try:
        yield Bench(spool, delivery, metrics)
    finally:
        await delivery.stop()
        await spool.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a test watches from outside
            await asyncio.sleep(0.005)


async def test_every_record_reaches_every_target_once(tmp_path: Path) -> None:
    one, two = Target("one"), Target("two", repeats_safely=False)
    async with bench_at(tmp_path, one, two) as bench:
        await bench.put(300)
        await until(lambda: bench.of(one).delivered_total + bench.of(two).delivered_total == 600)
        assert set(one.taken.values()) == set(two.taken.values()) == {1}
        await until(lambda: bench.of(one).waiting == bench.of(two).waiting == 0)
    async with bench_at(tmp_path, one, two) as bench:
        await bench.put(300)
        await asyncio.sleep(0.3)
    assert one.taken.total() == two.taken.total() == 300


async def test_no_more_are_under_way_than_allowed(tmp_path: Path) -> None:
    target = Target()
    target.gate.clear()
    async with bench_at(tmp_path, target, max_in_flight=7) as bench:
        await bench.put(50)
        await until(lambda: bench.of(target).in_flight == 7)
        target.gate.set()
        await until(lambda: target.taken.total() == 50)
    assert target.most_at_once == 7


async def test_one_targets_silence_does_not_hold_up_another(tmp_path: Path) -> None:
    dumb, well = Target("dumb"), Target("well")
    dumb.gate.clear()
    async with bench_at(tmp_path, dumb, well) as bench:
        await bench.put(200)
        await until(lambda: well.taken.total() == 200)
        assert bench.of(dumb).delivered_total == 0
        dumb.gate.set()
        await until(lambda: dumb.taken.total() == 200)


async def test_an_outage_is_survived_and_opens_the_breaker(tmp_path: Path) -> None:
    target = Target()
    target.answer = UnavailableError("503")
    async with bench_at(tmp_path, target, breaker_failures=3) as bench:
        await bench.put(200)
        await until(lambda: bench.delivery.senders[0].breaker is not BreakerState.CLOSED)
        assert bench.delivery.faults == {"one": "503"}
        attempts = target.attempts
        assert attempts <= 64 + 10
        target.answer = None
        await until(lambda: target.taken.total() == 200)
        await until(lambda: bench.delivery.faults == {})
    assert set(target.taken.values()) == {1}


@pytest.mark.parametrize(
    "error",
    [RateLimitedError("429", retry_after_s=0.01), RateLimitedError("429"), UnavailableError("timeout")],
)
async def test_a_failure_is_retried(tmp_path: Path, error: ProviderError) -> None:
    target = Target()
    target.answers = [error, error]
    async with bench_at(tmp_path, target) as bench:
        await bench.put(1)
        await until(lambda: bench.of(target).delivered_total == 1)
        assert bench.of(target).retried_total == 2
    assert target.attempts == 3


async def test_while_rate_limited_nothing_is_sent(tmp_path: Path) -> None:
    target = Target()
    target.answers = [RateLimitedError("429", retry_after_s=0.5)]
    async with bench_at(tmp_path, target, max_in_flight=1) as bench:
        await bench.put(5)
        await until(lambda: target.attempts == 1)
        loop = asyncio.get_running_loop()
        started = loop.time()
        await until(lambda: target.taken.total() == 5)
        assert loop.time() - started >= 0.45


async def test_a_refused_record_is_a_dead_letter_at_once(tmp_path: Path) -> None:
    target = Target()
    target.answers = [RefusedError("zip is bad", status=422)]
    async with bench_at(tmp_path, target) as bench:
        await bench.put(3)
        await until(lambda: target.taken.total() == 2)
        await until(lambda: (bench.of(target).dead, bench.of(target).waiting) == (1, 0))
        async with asyncio.timeout(5):
            while (stats := await bench.spool.stats())["one"].waiting:  # noqa: ASYNC110 - watched from outside
                await asyncio.sleep(0.01)
        assert (stats["one"].dead, bench.of(target).dead_total) == (1, 1)


async def test_a_wrong_key_loses_nothing_and_is_said(tmp_path: Path) -> None:
    target = Target()
    target.answer = RefusedError("the key was refused (401)", status=401)
    async with bench_at(tmp_path, target, mendable_pause_s=0.05) as bench:
        await bench.put(100)
        await until(lambda: bench.delivery.faults != {})
        await until(lambda: bench.of(target).in_flight == 0)
        before = target.attempts
        await asyncio.sleep(0.6)
        assert target.attempts - before <= 12, "only one at a time tries whether the key is mended"
        assert bench.of(target).dead == 0
        target.answer = None
        await until(lambda: target.taken.total() == 100)
        assert bench.delivery.faults == {}


async def test_a_record_that_may_have_arrived_is_parked_where_repeats_count_twice(tmp_path: Path) -> None:
    target = Target(repeats_safely=False)
    target.answers = [UnavailableError("cannot connect", never_sent=True), UnavailableError("broke")]
    async with bench_at(tmp_path, target) as bench:
        await bench.put(1)
        await until(lambda: bench.of(target).dead_total == 1)
    assert (target.attempts, target.taken.total()) == (2, 0)


async def test_a_fault_of_our_own_harms_no_other_record(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    target = Target()
    target.answers = [RuntimeError("a bug")]
    async with bench_at(tmp_path, target) as bench:
        await bench.put(3)
        await until(lambda: target.taken.total() == 3)
        assert bench.of(target).faults_total == 1
    assert "a bug" in caplog.text


async def test_what_a_stop_cuts_off_is_sent_again_afterwards(tmp_path: Path) -> None:
    target = Target()
    target.gate.clear()
    async with bench_at(tmp_path, target) as bench:
        await bench.put(10)
        await until(lambda: bench.of(target).in_flight == 10)
    target.gate.set()
    async with bench_at(tmp_path, target):
        await until(lambda: target.taken.total() == 10)
    assert set(target.taken.values()) == {1}


async def test_a_stop_waits_for_what_is_under_way(tmp_path: Path) -> None:
    target = Target(repeats_safely=False)
    target.gate.clear()
    async with bench_at(tmp_path, target, drain_s=5.0) as bench:
        await bench.put(3)
        await until(lambda: bench.of(target).in_flight == 3)
        asyncio.get_running_loop().call_later(0.05, target.gate.set)
    assert target.taken.total() == 3
    async with bench_at(tmp_path, target) as bench:
        assert await bench.spool.stats() == {}


async def test_a_stop_does_not_wait_for_a_spool_out_of_order(tmp_path: Path) -> None:
    target = Target()
    async with bench_at(tmp_path / "missing", target) as bench:
        assert bench.spool.fault
        async with asyncio.timeout(2):
            await bench.delivery.stop()


async def test_counts_come_from_the_spool(tmp_path: Path) -> None:
    target = Target()
    target.answer = RefusedError("bad", status=400)
    async with bench_at(tmp_path, target) as bench:
        await bench.put(4)
        await until(lambda: bench.of(target).dead_total == 4)
        await until(lambda: bench.metrics.stored.total() == 4)
    async with bench_at(tmp_path, target) as bench:
        await until(lambda: bench.of(target).dead == 4)
        assert (bench.of(target).waiting, bench.of(target).oldest_s) == (0, 0.0)
