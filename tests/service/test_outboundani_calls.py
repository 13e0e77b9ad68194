"""Calls whose number comes from outboundANI, from the AGI request to its `/next` and back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.agi.settings import AgiSettings
from gateway.assignment.settings import AssignmentSettings
from gateway.config.settings import Settings
from gateway.model.decision import Reason, Source, Status
from gateway.model.lead import AssignmentType
from gateway.providers.outboundani import OutboundAniSettings
from gateway.providers.outboundiq_account import OutboundIqSettings
from gateway.service.wiring import Gateway
from gateway.simulator.asterisk import CallResult, place_call
from gateway.simulator.call import CallRequest
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault, ani_for

ALONE = AssignmentSettings(providers=(Source.OUTBOUNDANI,), fallback=())
PHONE = "12125559876"


@asynccontextmanager
async def serving(upstream: UpstreamSimulator, assignment: AssignmentSettings = ALONE) -> AsyncIterator[int]:
    """A gateway that knows both vendors, both at `upstream`; gives its port."""
    settings = Settings(
        agi=AgiSettings(listen=("127.0.0.1:0",)),
        assignment=assignment,
        outboundiq=OutboundIqSettings(url=f"{upstream.url}/nowhere", key=upstream.key),
        outboundani=OutboundAniSettings(url=f"{upstream.url}/dialer", key=upstream.key),
    )
    gateway = Gateway(settings)
    await gateway.start()
    try:
        yield gateway.agi_addresses[0][1]
    finally:
        await gateway.stop()


async def called(port: int, **extra: str) -> CallResult:
    request = CallRequest(PHONE, "10001", "9001", extra=extra)
    return await place_call("127.0.0.1", port, request, timeout_s=5)


@pytest.mark.parametrize("assignment_type", AssignmentType)
async def test_what_the_dialplan_says_reaches_outboundani(assignment_type: AssignmentType) -> None:
    async with UpstreamSimulator() as upstream, serving(upstream) as port:
        result = await called(port, pool="east", assignment_type=assignment_type.value, branded="yes")
    assert (result.status, result.source, result.reason) == (Status.ASSIGNED, Source.OUTBOUNDANI, Reason.NONE)
    assert result.ani == ani_for(PHONE)
    assert list(upstream.next_asked) == [
        {
            "outbound_campaign": "9001",
            "inventory_group_ids": ["east"],
            "prospect_phone": PHONE[1:],
            "prospect_zip": "10001",
            "use_branded": True,
            "assignment_type": assignment_type.value,
        }
    ]


async def test_it_answers_when_the_first_provider_does_not() -> None:
    assignment = replace(ALONE, providers=(Source.OUTBOUNDIQ, Source.OUTBOUNDANI))
    async with UpstreamSimulator() as upstream, serving(upstream, assignment) as port:
        result = await called(port)
    assert (result.status, result.source) == (Status.ASSIGNED, Source.OUTBOUNDANI)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.NO_ANI_404, Reason.NO_NUMBER),
        (Fault.UNAUTHORIZED, Reason.REFUSED),
        (Fault.RATE_LIMITED, Reason.RATE_LIMITED),
        (Fault.SERVER_ERROR, Reason.UNAVAILABLE),
        (Fault.HOSTILE_ANI, Reason.BAD_ANSWER),
    ],
)
async def test_a_call_is_never_lost_for_its_faults(fault: Fault, reason: Reason) -> None:
    async with UpstreamSimulator() as upstream, serving(upstream) as port:
        await upstream.set_fault(fault)
        result = await called(port)
    assert (result.status, result.ani, result.reason) == (Status.UNCHANGED, "", reason)
    assert result.protocol_errors == ()


async def test_calls_at_one_instant_are_asked_for_singly_and_at_once() -> None:
    """Nothing is held back for a batch: outboundANI has none."""
    async with UpstreamSimulator() as upstream, serving(upstream) as port:
        requests = [CallRequest(f"1212555{number:04}", campaign="9001") for number in range(40)]
        results = await asyncio.gather(
            *(place_call("127.0.0.1", port, request, timeout_s=5) for request in requests)
        )
    assert {result.status for result in results} == {Status.ASSIGNED}
    assert [result.ani for result in results] == [ani_for(request.phone) for request in requests]
    assert (upstream.counters.requests, upstream.counters.batches) == (40, 0)
