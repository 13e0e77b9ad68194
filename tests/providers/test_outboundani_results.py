import logging
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from gateway.model.dial import Dial
from gateway.providers import outboundani_guids
from gateway.providers.base import (
    ProviderError,
    UnavailableError,
)
from gateway.providers.outboundani_results import (
    OutboundAniResults,
    OutboundAniResultsSettings,
    SharedGuid,
    parameters,
)
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault
from gateway.simulator.upstream_dials import RESULT_REQUIRED
from tests.providers.faults import DIAL_FAULTS

DIAL = Dial(
    dial_id="pbx1-1760000000.17-1",
    ani="+15551234567",
    prospect_phone="+15559876543",
    at=1_775_831_535.9,
    campaign_id="c123",
    agent_name="Jané & Doe",
    disposition_name="Sale Closed",
    call_direction="Outbound",
    zip="33432",
    talk_s=61.7,
)
PATH = "/api/595F21A2-84D1-4984-818E-3758A8485CC8.php"
SECRET = "6C0F3A52-1111-2222-3333-444455556666"


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamSimulator]:
    async with UpstreamSimulator() as one:
        one.company_guid = SECRET
        yield one


@pytest.fixture
async def target(upstream: UpstreamSimulator) -> AsyncIterator[OutboundAniResults]:
    settings = OutboundAniResultsSettings(url=upstream.url + PATH, company_guid=SECRET)
    one = OutboundAniResults(settings, max_in_flight=4)
    await one.open()
    yield one
    await one.close()


async def failure_of(target: OutboundAniResults) -> ProviderError:
    with pytest.raises(ProviderError) as raised:
        await target.post_dial(DIAL, timeout_s=0.3)
    return raised.value


async def test_a_record_arrives_under_the_documented_names(
    target: OutboundAniResults, upstream: UpstreamSimulator
) -> None:
    await target.post_dial(DIAL, timeout_s=1)
    assert upstream.results.dials == {
        "pbx1-1760000000.17-1": {
            "ec4e634b-aa92-4859-9d16-46aece2b780b": "c123",
            "1eb3164f-2157-43d9-9aa8-ed1e20e97fa7": "Jané & Doe",
            "0be372ee-d1bf-42a4-8891-dbc5ee547a7c": "5551234567",
            "ddb195b9-1f3d-4775-a9b7-fcf9d7c46583": "pbx1-1760000000.17-1",
            "e8ca4a68-d96e-4be8-8ac1-1114fec52cde": "Sale Closed",
            "12929e99-3266-4350-b2c8-592119ffd558": "5559876543",
            "9a1f5867-157f-4620-ae43-b824bc4d81ee": "2026-04-10 14:32:15",
            "6be80ae8-72b5-4ac6-8871-c54fdce3ebbf": "Outbound",
            "82d8779e-ce8f-4e8c-928f-280a45fe1c02": "33432",
        }
    }


def test_what_more_there_is_to_tell_goes_along() -> None:
    more = replace(
        DIAL,
        sys_created_date_original="2026-04-01",
        total_dial_attempts="3",
        skill_name="Sales",
        lead_source="facebook-ads",
    )
    added = (
        parameters(more, OutboundAniResultsSettings()).items()
        - parameters(DIAL, OutboundAniResultsSettings()).items()
    )
    assert dict(added) == {
        "514167c4-1011-4cc8-bbed-3708e0a4b772": "2026-04-01",
        "1ac05504-659d-4e8c-ad1d-c4d2da3ab1be": "3",
        "b6fd9680-7f93-44e0-a534-a3b9e717b7c7": "Sales",
        "ea9aec00-4170-47c6-a187-b0c0f71b4400": "facebook-ads",
    }


def test_what_is_required_is_there_even_when_empty() -> None:
    bare = Dial("d", "anonymous", "+442079460018", 0.0)
    assert parameters(bare, OutboundAniResultsSettings()).keys() == RESULT_REQUIRED.keys()


@pytest.mark.parametrize(
    ("use", "talk_s", "expected"),
    [
        (SharedGuid.CALL_TYPE, 61.7, "Outbound"),
        (SharedGuid.CALL_DURATION, 61.7, "62"),
        (SharedGuid.CALL_DURATION, None, None),
    ],
)
def test_the_guid_documented_twice_is_sent_once(
    use: SharedGuid, talk_s: float | None, expected: str | None
) -> None:
    query = parameters(replace(DIAL, talk_s=talk_s), OutboundAniResultsSettings(shared_guid=use))
    assert query.get(outboundani_guids.CALL_TYPE_OR_DURATION) == expected


def test_kpis_carry_fields_of_the_record() -> None:
    settings = OutboundAniResultsSettings(kpis={"KPI1_Name": "talk_s", "KPI2_Name": "skill_name"})
    query = parameters(DIAL, settings)
    assert query["KPI1_Name"] == "61.7"
    assert "KPI2_Name" not in query


def test_a_kpi_of_no_field_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="no field colour; known are agent_name"):
        OutboundAniResults(OutboundAniResultsSettings(kpis={"KPI1_Name": "colour"}), max_in_flight=1)


@pytest.mark.parametrize("fault", DIAL_FAULTS)
async def test_faults_are_told_apart_and_sent_once_only(
    target: OutboundAniResults, upstream: UpstreamSimulator, fault: Fault
) -> None:
    await upstream.set_fault(fault)
    error = await failure_of(target)
    assert type(error) is DIAL_FAULTS[fault]
    if isinstance(error, UnavailableError):
        assert error.never_sent is (fault is Fault.REFUSED)
    assert upstream.counters.requests <= 1


@pytest.mark.parametrize("fault", DIAL_FAULTS)
async def test_no_error_shows_the_company_guid_or_a_number(
    target: OutboundAniResults, upstream: UpstreamSimulator, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await upstream.set_fault(fault)
    error = await failure_of(target)
    shown = "".join(traceback.format_exception(error)) + repr(error) + caplog.text
    assert SECRET not in shown
    assert DIAL.prospect_phone[2:] not in shown
    assert error.__cause__ is None
    assert error.__context__ is None


async def test_an_address_that_is_none_shows_no_company_guid() -> None:
    settings = OutboundAniResultsSettings(url="http://[broken/", company_guid=SECRET)
    target = OutboundAniResults(settings, max_in_flight=1)
    await target.open()
    error = await failure_of(target)
    await target.close()
    assert SECRET not in "".join(traceback.format_exception(error))


async def test_the_reason_of_a_failure_is_kept(
    target: OutboundAniResults, upstream: UpstreamSimulator
) -> None:
    upstream.company_guid = "another"
    assert str(await failure_of(target)) == "FAIL: unknown company"
    assert upstream.results.dials == {}


async def test_an_idle_connection_is_never_used_again(
    target: OutboundAniResults, upstream: UpstreamSimulator
) -> None:
    """A kept connection that breaks leaves it open whether the record arrived."""
    await upstream.set_fault(Fault.STALE_KEEPALIVE)
    for number in range(3):
        await target.post_dial(replace(DIAL, dial_id=str(number)), timeout_s=1)
    ledger: Any = upstream.results
    assert (len(ledger.dials), ledger.repeats) == (3, 0)
