import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.model.dial import Dial
from gateway.providers.base import (
    ProviderError,
    RateLimitedError,
    RefusedError,
)
from gateway.providers.call_http import HttpKind
from gateway.providers.outboundiq_account import OutboundIqSettings
from gateway.providers.outboundiq_dials import DialFields, OutboundIqDials, OutboundIqDialsSettings, payload
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault
from tests.providers.faults import DIAL_FAULTS

DIAL = Dial(
    dial_id="550e8400-e29b-41d4-a716-446655440000",
    ani="+15551234567",
    prospect_phone="+15559876543",
    at=1_775_831_535.9,
    campaign_id="abc-123",
    campaign_name="Q2 Outbound Push",
    agent_name="Jane Doe",
    disposition_name="Sale",
    call_direction="Outbound",
    zip="90210",
    sys_created_date_original="2026-04-01",
    total_dial_attempts="3",
    skill_name="Sales Tier 1",
    lead_source="facebook-ads",
)
DOCUMENTED = {
    "campaign_id": "abc-123",
    "campaign_name": "Q2 Outbound Push",
    "agent_name": "Jane Doe",
    "ani": "5551234567",
    "disposition_name": "Sale",
    "prospect_phone": "5559876543",
    "datetime": "2026-04-10 14:32:15",
    "call_direction": "Outbound",
    "zip": "90210",
    "sys_created_date_original": "2026-04-01",
    "total_dial_attempts": "3",
    "skill_name": "Sales Tier 1",
    "lead_source": "facebook-ads",
    "dial_id": "550e8400-e29b-41d4-a716-446655440000",
}


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamSimulator]:
    async with UpstreamSimulator() as one:
        yield one


async def target_for(
    upstream: UpstreamSimulator, fields: DialFields = DialFields.AUTO, http: HttpKind = HttpKind.LEAN
) -> OutboundIqDials:
    account = OutboundIqSettings(url=upstream.url, key=upstream.key, http=http)
    target = OutboundIqDials(account, OutboundIqDialsSettings(fields=fields), max_in_flight=8)
    await target.open()
    return target


@pytest.fixture(params=HttpKind)
async def target(
    upstream: UpstreamSimulator, request: pytest.FixtureRequest
) -> AsyncIterator[OutboundIqDials]:
    one = await target_for(upstream, http=request.param)
    yield one
    await one.close()


async def failure_of(target: OutboundIqDials) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        await target.post_dial(DIAL, timeout_s=0.3)
    return raised.value


async def test_the_documented_example_arrives_as_documented(
    target: OutboundIqDials, upstream: UpstreamSimulator
) -> None:
    await target.post_dial(DIAL, timeout_s=1)
    assert upstream.dials.dials == {DIAL.dial_id: DOCUMENTED}


def test_every_field_is_there_when_nothing_is_known() -> None:
    bare = payload(Dial("d", "anonymous", "+442079460018", 0.0), DialFields.SEED)
    assert bare.keys() == DOCUMENTED.keys()
    assert (bare["ani"], bare["prospect_phone"], bare["zip"]) == ("anonymous", "442079460018", "")


@pytest.mark.parametrize(
    ("direction", "numbers"),
    [
        ("Outbound", ("5551234567", "5559876543")),
        ("", ("5551234567", "5559876543")),
        ("Inbound", ("5559876543", "5551234567")),
    ],
)
def test_the_current_names_tell_who_called_whom(direction: str, numbers: tuple[str, str]) -> None:
    body = payload(replace(DIAL, call_direction=direction), DialFields.CURRENT)
    assert (body["from_number"], body["to_number"]) == numbers
    assert not {"ani", "prospect_phone"} & body.keys()


async def test_auto_changes_over_and_loses_no_record(
    target: OutboundIqDials, upstream: UpstreamSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.dial_fields = "current"
    dials = [replace(DIAL, dial_id=str(number)) for number in range(8)]
    await asyncio.gather(*(target.post_dial(dial, timeout_s=1) for dial in dials))
    assert set(upstream.dials.times.values()) == {1}
    assert len(upstream.dials.dials) == 8
    assert [record.getMessage() for record in caplog.records].count(
        "outboundIQ asks for from_number and to_number; set dials.fields to current"
    ) == 1
    before = upstream.counters.requests
    await target.post_dial(replace(DIAL, dial_id="9"), timeout_s=1)
    assert upstream.counters.requests == before + 1


@pytest.mark.parametrize(("fields", "asked"), [(DialFields.SEED, "current"), (DialFields.CURRENT, "seed")])
async def test_chosen_names_stay_and_are_refused(
    upstream: UpstreamSimulator, fields: DialFields, asked: str
) -> None:
    upstream.dial_fields = asked
    target = await target_for(upstream, fields)
    error = await failure_of(target)
    await target.close()
    assert isinstance(error, RefusedError)
    assert error.status == 422


@pytest.mark.parametrize("fault", DIAL_FAULTS)
async def test_faults_are_told_apart_by_type_and_tell_no_secret(
    target: OutboundIqDials, upstream: UpstreamSimulator, fault: Fault
) -> None:
    await upstream.set_fault(fault)
    error = await failure_of(target)
    assert type(error) is DIAL_FAULTS[fault]
    assert upstream.key not in repr(error)
    assert DIAL.prospect_phone[2:] not in repr(error)


@pytest.mark.parametrize(
    ("fault", "least", "most"), [(Fault.RATE_LIMITED_SECONDS, 1, 1), (Fault.RATE_LIMITED_DATE, 0, 1)]
)
async def test_retry_after_comes_as_seconds_and_as_a_date(
    target: OutboundIqDials, upstream: UpstreamSimulator, fault: Fault, least: float, most: float
) -> None:
    await upstream.set_fault(fault)
    error = await failure_of(target)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after_s is not None
    assert least <= error.retry_after_s <= most


async def test_the_reason_of_a_refusal_is_kept(target: OutboundIqDials, upstream: UpstreamSimulator) -> None:
    await upstream.set_fault(Fault.DIAL_REFUSED)
    assert "disposition is unknown" in str(await failure_of(target))
    assert upstream.dials.dials == {}


async def test_a_repeat_bears_the_same_dial_id(target: OutboundIqDials, upstream: UpstreamSimulator) -> None:
    await upstream.set_fault(Fault.RESET)
    await failure_of(target)
    await upstream.set_fault(Fault.NONE)
    await target.post_dial(DIAL, timeout_s=1)
    ledger: Any = upstream.dials
    assert (len(ledger.dials), ledger.changed) == (1, set())
    assert ledger.repeats >= 1
