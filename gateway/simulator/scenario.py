"""Places many calls at a given rate and tells what became of them: the demo and the load tests.

Open loop: a call starts when its time has come, whether earlier ones have ended or not, so a slow gateway
cannot slow the callers down and hide its own slowness. The number of open calls is bounded; a call that would
exceed it is counted as skipped, never silently left out.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

from gateway.simulator.asterisk import CallResult, place_call
from gateway.simulator.call import CallRequest

_AREAS = ("212", "213", "303", "305", "312", "404", "415", "512", "602", "617", "702", "713", "818", "917")
_ZIPS = ("10001", "90210", "80202", "33101", "60601", "30303", "94103", "78701", "85004", "02108", "89101")
_SAMPLES = 20_000
"""Latencies kept for the percentiles of one interval: more calls than one process can place in it."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is dialled, how fast, and for how long."""

    calls_per_s: float = 50.0
    duration_s: float | None = None
    """`None` until stopped."""
    max_calls: int | None = None
    """`None` for as many as the duration gives."""
    max_open: int = 2_000
    """Most calls open at once; 2,000 is a second of 2,000 calls/s."""
    call_timeout_s: float = 5.0
    repeat_share: float = 0.3
    """Share of calls to a number dialled before, 0 to 1; redials are what a cache is for."""
    campaigns: tuple[str, ...] = ("9001",)
    one_write: bool = False
    interval_s: float = 1.0
    """Time between two figures."""
    seed: int = 1
    """Equal seeds dial equal numbers at equal times."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the callers saw. Counts are since the start; rates and percentiles of the last interval."""

    elapsed_s: float
    placed: int
    ended: int
    open: int
    skipped: int
    """Calls not placed because `max_open` were open already."""
    calls_per_s: float
    p50_ms: float | None
    """`None` when no call ended in the interval."""
    p99_ms: float | None
    by_status: dict[str, int] = field(default_factory=dict)
    """By `GATEWAY_STATUS`; "" for calls that got none."""
    by_source: dict[str, int] = field(default_factory=dict)
    protocol_errors: int = 0
    timed_out: int = 0


def sample_calls(scenario: Scenario) -> Iterator[CallRequest]:
    """An endless mix of calls all over North America, some of them redials."""
    chance = random.Random(scenario.seed)  # noqa: S311 - a mix of leads needs no secrecy
    dialled: list[CallRequest] = []
    while True:
        if dialled and chance.random() < scenario.repeat_share:
            yield chance.choice(dialled)
            continue
        phone = f"1{chance.choice(_AREAS)}{chance.randrange(2_000_000, 9_999_999)}"
        request = CallRequest(
            phone,
            chance.choice(_ZIPS),
            chance.choice(scenario.campaigns),
            one_write=scenario.one_write,
        )
        dialled.append(request)
        del dialled[:-1000]
        yield request


async def run_scenario(
    host: str,
    port: int,
    scenario: Scenario,
    *,
    requests: Iterator[CallRequest] | None = None,
    on_result: Callable[[CallRequest, CallResult], None] | None = None,
) -> AsyncGenerator[Figures, None]:
    """Place the calls, and yield figures once an interval and once at the end, when every call has ended.

    `requests` replaces the sample mix; the scenario also ends when it is exhausted. `on_result` sees
    every call. Leaving the iterator early cancels the calls that are open.
    """
    run = _Run(host, port, scenario, requests or sample_calls(scenario), on_result)
    placing = asyncio.create_task(run.place_all())
    try:
        while not placing.done():
            await asyncio.wait([placing], timeout=scenario.interval_s)
            yield run.figures()
        placing.result()
    finally:
        placing.cancel()
        await asyncio.gather(placing, return_exceptions=True)


class _Run:
    """The state of one running scenario."""

    def __init__(
        self,
        host: str,
        port: int,
        scenario: Scenario,
        requests: Iterator[CallRequest],
        on_result: Callable[[CallRequest, CallResult], None] | None,
    ) -> None:
        self._target = (host, port)
        self._scenario = scenario
        self._requests = requests
        self._on_result = on_result
        self._clock = time.monotonic
        self._start = self._last_figures = self._clock()
        self._open: set[asyncio.Task[None]] = set()
        self._placed = self._ended = self._skipped = self._errors = self._timed_out = 0
        self._ended_before = 0
        self._latencies: list[float] = []
        self._by_status: Counter[str] = Counter()
        self._by_source: Counter[str] = Counter()

    async def place_all(self) -> None:
        try:
            async for request in self._arrivals():
                if len(self._open) >= self._scenario.max_open:
                    self._skipped += 1
                    continue
                self._placed += 1
                task = asyncio.create_task(self._call(request))
                self._open.add(task)
                task.add_done_callback(self._open.discard)
            await asyncio.gather(*self._open)
        finally:
            left = tuple(self._open)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _arrivals(self) -> AsyncIterator[CallRequest]:
        """The requests, each at its time: exponential gaps, as calls of many agents come."""
        scenario = self._scenario
        gaps = random.Random(scenario.seed + 1)  # noqa: S311 - arrival times need no secrecy
        due = self._start
        for number, request in enumerate(self._requests):
            due += gaps.expovariate(scenario.calls_per_s)
            if number == scenario.max_calls:
                return
            if scenario.duration_s is not None and due > self._start + scenario.duration_s:
                return
            await asyncio.sleep(max(0.0, due - self._clock()))
            yield request

    async def _call(self, request: CallRequest) -> None:
        result = await place_call(
            *self._target, request, timeout_s=self._scenario.call_timeout_s, transcript=False
        )
        self._ended += 1
        self._by_status[result.status] += 1
        self._by_source[result.source] += 1
        self._errors += len(result.protocol_errors)
        self._timed_out += result.timed_out
        if len(self._latencies) < _SAMPLES:
            self._latencies.append(result.ended_s)
        if self._on_result is not None:
            self._on_result(request, result)

    def figures(self) -> Figures:
        now = self._clock()
        ended = self._ended - self._ended_before
        latencies = sorted(self._latencies)
        figures = Figures(
            elapsed_s=now - self._start,
            placed=self._placed,
            ended=self._ended,
            open=len(self._open),
            skipped=self._skipped,
            calls_per_s=ended / max(now - self._last_figures, 1e-9),
            p50_ms=_percentile_ms(latencies, 0.50),
            p99_ms=_percentile_ms(latencies, 0.99),
            by_status=dict(self._by_status),
            by_source=dict(self._by_source),
            protocol_errors=self._errors,
            timed_out=self._timed_out,
        )
        self._latencies.clear()
        self._ended_before, self._last_figures = self._ended, now
        return figures


def _percentile_ms(ordered: list[float], share: float) -> float | None:
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000
