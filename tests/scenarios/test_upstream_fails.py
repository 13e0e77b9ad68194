"""Ten thousand calls while the upstream fails in every way, in turn, against the gateway as it ships."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pytest

from gateway.model.decision import Reason, Source, Status
from gateway.simulator.asterisk import CallResult, place_call
from gateway.simulator.call import CallRequest
from gateway.simulator.res_agi import AgiStatus
from gateway.simulator.scenario import Scenario, run_scenario
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault, ani_for
from tests.scenarios.starvation import Starvation

CALLS = 10_000
DEADLINE_S = 0.25
SLACK_S = 0.05
MOST_STARVED = 0.1
"""Share of calls that may have been kept from the CPU: the proof rests on the others."""
RATE = 600.0
ROUNDS = 2
"""Each fault comes twice, so that each is also met by a gateway that has seen all others."""
CALLS_PER_FAULT = -(-CALLS // (ROUNDS * len(Fault)))

RIGHT = {Fault.NONE, Fault.SLOW, Fault.SHUFFLED_ROWS, Fault.DIAL_REFUSED}
"""Nothing is wrong with these answers to assignments: every call must get its number."""
PARTLY_RIGHT = {Fault.STALE_KEEPALIVE, Fault.MISSING_ROWS, Fault.DUPLICATE_ROWS}
"""Some of these answers are right; a number that is used must be the right one."""
NO_NUMBER = {Fault.NO_ANI_200, Fault.NO_ANI_404, Fault.NO_ANI_422}

SETTINGS = """
fallback = []
breaker_open_s = 0.02
breaker_max_open_s = 0.05
"""
"""The breaker closes soon, so that it does not hide the next fault."""


class Gateway(Protocol):
    """What this file needs of the running gateway."""

    @property
    def port(self) -> int: ...
    def waited_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Call:
    """One call's outcome, with the moment it ended on the monotonic clock."""

    fault: Fault
    phone: str
    status: str
    source: str
    ani: str
    reason: str
    agi_status: AgiStatus
    ended_s: float
    ended_at: float
    errors: tuple[str, ...]
    hijacked: bool


class Callers:
    """Places calls to ever new numbers and keeps what became of them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._phones = (str(number) for number in itertools.count(2_125_550_000))
        self.calls: list[Call] = []

    async def place(self, fault: Fault, count: int) -> None:
        """Place `count` calls, Poisson arrivals, and wait until all have ended."""
        scenario = Scenario(calls_per_s=RATE, max_calls=count, call_timeout_s=5.0, seed=len(self.calls))
        requests = (CallRequest(f"1{phone}", "90210", "9001") for phone in self._phones)
        async for _figures in run_scenario(
            "127.0.0.1", self._port, scenario, requests=requests, on_result=self._keeper(fault)
        ):
            pass

    async def place_until_assigned(self) -> None:
        """Let the gateway find out that the upstream is well again; a 429 may ask for a second of rest."""
        for _ in range(150):
            await self.place(Fault.NONE, 10)
            if self.calls[-1].status == Status.ASSIGNED:
                return
        pytest.fail("the gateway does not use an upstream that is well again")

    def _keeper(self, fault: Fault) -> Callable[[CallRequest, CallResult], None]:
        def keep(request: CallRequest, result: CallResult) -> None:
            call = Call(
                fault=fault,
                phone=request.phone,
                status=result.status,
                source=result.source,
                ani=result.ani,
                reason=result.reason,
                agi_status=result.agi_status,
                ended_s=result.ended_s,
                ended_at=result.began_at + result.ended_s,
                errors=result.protocol_errors,
                hijacked="HIJACKED" in result.variables,
            )
            self.calls.append(call)

        return keep


def assert_answered(call: Call) -> None:
    """Every call has its own number, or an explicit status and a reason; nothing else was done to it."""
    assert call.errors == (), call
    assert call.agi_status is AgiStatus.SUCCESS, call
    assert not call.hijacked, call
    if call.status == Status.ASSIGNED:
        assert (call.ani, call.source) == (ani_for(call.phone), Source.OUTBOUNDIQ), call
        assert call.reason == Reason.NONE, call
        assert call.fault in RIGHT | PARTLY_RIGHT, call
    else:
        assert (call.status, call.ani) == (Status.UNCHANGED, ""), call
        assert call.reason in set(Reason) - {Reason.NONE, Reason.INTERNAL}, call


def assert_fault_was_met(fault: Fault, calls: list[Call]) -> None:
    """The outcome is the one this fault leads to, in the end: the breaker may rest in between."""
    statuses = {call.status for call in calls}
    reasons = {call.reason for call in calls}
    if fault in RIGHT:
        assert calls[-1].status == Status.ASSIGNED, (fault, statuses, reasons)
    elif fault in NO_NUMBER:
        assert calls[-1].reason == Reason.NO_NUMBER, (fault, reasons)
    elif fault not in PARTLY_RIGHT:
        assert statuses == {Status.UNCHANGED}, (fault, statuses)


@pytest.mark.timeout(120)
async def test_ten_thousand_calls_end_in_time_with_an_answer(start_gateway: Callable[..., Gateway]) -> None:
    async with UpstreamSimulator(delay_s=0.02) as upstream:
        gateway = start_gateway(upstream.url, deadline_s=DEADLINE_S, assignment=SETTINGS)
        callers, starvation = Callers(gateway.port), Starvation(gateway)
        async with starvation.watched():
            for fault in list(Fault) * ROUNDS:
                await upstream.set_fault(Fault.NONE)
                await callers.place_until_assigned()
                await upstream.set_fault(fault)
                await callers.place(fault, CALLS_PER_FAULT)
        calls = callers.calls
        assert len(calls) >= CALLS
        for call in calls:
            assert_answered(call)
        for fault in Fault:
            assert_fault_was_met(fault, [call for call in calls if call.fault is fault])
        missed = set(Fault) - {Fault.REFUSED} - set(upstream.counters.by_fault)
        assert missed == set(), "the breaker kept these from being asked"
        assert upstream.counters.batches > 0
    over = [call for call in calls if call.ended_s > DEADLINE_S + SLACK_S]
    assert len(over) <= MOST_STARVED * len(calls), "the machine was too busy for this to say anything"
    assert [
        (call, starved)
        for call, starved in zip(over, starvation.of(over), strict=True)
        if call.ended_s > DEADLINE_S + SLACK_S + starved
    ] == []


async def test_default_number_answers_when_upstream_is_down(start_gateway: Callable[..., Gateway]) -> None:
    async with UpstreamSimulator() as upstream:
        await upstream.set_fault(Fault.REFUSED)
        fallback = 'fallback = ["default"]\ndefault_ani = "3105550100"'
        gateway = start_gateway(upstream.url, assignment=fallback)
        result = await place_call("127.0.0.1", gateway.port, CallRequest("12125559876"), timeout_s=5)
    assert (result.status, result.source, result.ani) == (Status.FALLBACK, Source.DEFAULT, "3105550100")
    assert result.reason == Reason.UNAVAILABLE


async def test_old_number_answers_when_upstream_is_silent(start_gateway: Callable[..., Gateway]) -> None:
    request = CallRequest("12125559876")
    async with UpstreamSimulator() as upstream:
        gateway = start_gateway(upstream.url, assignment='fallback = ["stale"]\ncache_ttl_s = 0.05')
        first = await place_call("127.0.0.1", gateway.port, request, timeout_s=5)
        await asyncio.sleep(0.1)  # the answer is no longer fresh; the gateway runs on real time here
        await upstream.set_fault(Fault.SILENT)
        second = await place_call("127.0.0.1", gateway.port, request, timeout_s=5)
    assert (first.status, first.source) == (Status.ASSIGNED, Source.OUTBOUNDIQ)
    assert (second.status, second.source, second.reason) == (Status.FALLBACK, Source.STALE, Reason.TIMEOUT)
    assert first.ani == second.ani == ani_for("2125559876")


async def test_callers_who_hang_up_early_disturb_nobody(start_gateway: Callable[..., Gateway]) -> None:
    async with UpstreamSimulator() as upstream:
        await upstream.set_fault(Fault.SILENT)
        gateway = start_gateway(upstream.url, deadline_s=3.0, assignment="fallback = []")
        early = [
            CallRequest(f"1212555{number:04}", hangup_after_s=0.02, exit_on_hangup=number % 2 == 0)
            for number in range(200)
        ]
        results = await asyncio.gather(
            *(place_call("127.0.0.1", gateway.port, request, timeout_s=5) for request in early)
        )
        assert {result.agi_status for result in results} == {AgiStatus.HANGUP}
        assert not any(result.timed_out or result.protocol_errors for result in results)
        await upstream.set_fault(Fault.NONE)
        await asyncio.sleep(1.5)  # longer than the breaker rests
        after = await place_call("127.0.0.1", gateway.port, CallRequest("13105559876"), timeout_s=5)
    assert (after.status, after.ani) == (Status.ASSIGNED, ani_for("3105559876"))


async def test_calls_opened_at_one_instant_are_all_answered(start_gateway: Callable[..., Gateway]) -> None:
    """A short listen backlog would lose some of the first packets, to be repeated a second later."""
    async with UpstreamSimulator() as upstream:
        gateway = start_gateway(upstream.url, deadline_s=0.5)
        requests = [CallRequest(f"1212555{number:04}", one_write=True) for number in range(500)]
        results = await asyncio.gather(
            *(place_call("127.0.0.1", gateway.port, request, timeout_s=5) for request in requests)
        )
    assert {result.status for result in results} == {Status.ASSIGNED}
    assert max(result.ended_s for result in results) < 0.9


async def test_health_checks_are_answered_by_silence(start_gateway: Callable[..., Gateway]) -> None:
    async with UpstreamSimulator() as upstream:
        gateway = start_gateway(upstream.url)
        for _ in range(50):
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
        result = await place_call("127.0.0.1", gateway.port, CallRequest("12125559876"), timeout_s=5)
    assert result.status == Status.ASSIGNED
