import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from gateway.assignment.settings import AssignmentSettings
from gateway.config.settings import DialsSettings, Settings
from gateway.doctor.checks_upstream import CHECKS, accounts
from gateway.doctor.examination import appoint, examine
from gateway.doctor.finding import Finding, Verdict
from gateway.model.decision import Source
from gateway.providers.outboundani import OutboundAniSettings
from gateway.providers.outboundani_results import OutboundAniResultsSettings
from gateway.providers.outboundiq_account import OutboundIqSettings
from gateway.providers.probe import PROBED_NAME
from gateway.providers.voipbin_requests import VoipBinAuth, VoipBinSettings
from gateway.simulator.upstream import DEFAULT_KEY, UpstreamSimulator
from gateway.simulator.upstream_answers import Fault
from gateway.simulator.voipbin import VoipBinSimulator


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamSimulator]:
    async with UpstreamSimulator(delay_s=0.05) as one:
        yield one


def settings(upstream: UpstreamSimulator, key: str = DEFAULT_KEY) -> Settings:
    return Settings(
        assignment=AssignmentSettings(providers=(Source.OUTBOUNDIQ, Source.OUTBOUNDANI)),
        outboundiq=OutboundIqSettings(url=upstream.url, key=key),
        outboundani=OutboundAniSettings(url=f"{upstream.url}/dialer", key=key),
        outboundani_results=OutboundAniResultsSettings(
            url=f"{upstream.url}/api/x.php", company_guid="secret-guid"
        ),
        dials=DialsSettings(targets=("outboundiq", "outboundani")),
    )


async def looked(given: Settings, **changes: object) -> list[Finding]:
    asked = [replace(account, **changes) for account in accounts(given)]  # type: ignore[arg-type]
    return await examine([one for account in asked for one in appoint(CHECKS, account)])


async def test_right_keys_are_proven_without_a_number_assigned_or_a_record_made(
    upstream: UpstreamSimulator,
) -> None:
    found = await looked(settings(upstream))
    assert [finding.verdict for finding in found] == [Verdict.RIGHT] * 3
    assert (upstream.counters.leads, dict(upstream.dials.dials), dict(upstream.results.dials)) == (0, {}, {})
    assert PROBED_NAME in str(upstream.dialer.received)


async def test_what_was_sent_is_said(upstream: UpstreamSimulator) -> None:
    found = await looked(settings(upstream))
    assert "sent POST /assignment/batch without a lead" in found[0].what
    assert f"sent GET /campaigns for {PROBED_NAME}" in found[1].what
    assert "sent nothing" in found[2].what


async def test_wrong_key_is_found_and_not_shown(upstream: UpstreamSimulator) -> None:
    found = await looked(settings(upstream, key="not-the-key"))
    assert [finding.name for finding in found[:2]] == ["upstream.key-refused"] * 2
    assert "not-the-key" not in str(found)
    assert "secret-guid" not in str(found)


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (Fault.REFUSED, "upstream.unreachable"),
        (Fault.RESET, "upstream.unreachable"),
        (Fault.FORBIDDEN, "upstream.key-refused"),
        (Fault.SERVER_ERROR, "upstream.sick"),
        (Fault.UNAVAILABLE, "upstream.sick"),
        (Fault.RATE_LIMITED, "upstream.rate-limited"),
        (Fault.MALFORMED, "upstream.wrong-address"),
        (Fault.HUGE, "upstream.wrong-address"),
    ],
)
async def test_each_way_to_fail_has_its_name(upstream: UpstreamSimulator, fault: Fault, name: str) -> None:
    await upstream.set_fault(fault)
    assert (await looked(settings(upstream)))[0].name == name


async def test_slow_answer_is_found_against_the_deadline_of_a_call(upstream: UpstreamSimulator) -> None:
    await upstream.set_fault(Fault.SLOW)
    found = await looked(settings(upstream), deadline_s=0.01)
    assert found[0].name == "upstream.slow"


async def test_clock_that_differs_is_found_by_the_answers_date(upstream: UpstreamSimulator) -> None:
    found = await looked(settings(upstream), wall=lambda: time.time() - 3_600)
    assert found[0].name == "upstream.clock-differs"
    assert "behind" in found[0].what


async def test_wrong_path_is_found(upstream: UpstreamSimulator) -> None:
    given = settings(upstream)
    given = replace(given, outboundiq=replace(given.outboundiq, url=f"{upstream.url}/v2"))
    assert (await looked(given))[0].name == "upstream.wrong-address"


async def test_authorities_that_cannot_be_read_are_found(upstream: UpstreamSimulator) -> None:
    given = settings(upstream)
    given = replace(given, outboundiq=replace(given.outboundiq, ca_file="/no/such/file.pem"))
    found = await looked(given)
    assert found[0].name == "upstream.ca-file"


async def test_upstream_nobody_is_sent_to_is_not_asked(upstream: UpstreamSimulator) -> None:
    given = replace(settings(upstream), assignment=AssignmentSettings(providers=(Source.ENGINE,)))
    given = replace(given, dials=DialsSettings())
    assert accounts(given) == []


@pytest.mark.parametrize("auth", VoipBinAuth)
async def test_voipbins_token_is_proven_and_never_shown(auth: VoipBinAuth) -> None:
    async with VoipBinSimulator() as simulator:
        own = VoipBinSettings(url=simulator.url, token=simulator.token, auth=auth)
        (fine,) = await looked(Settings(voipbin=own))
        (refused,) = await looked(Settings(voipbin=replace(own, token="wrong-token")))
    assert (fine.verdict, refused.name) == (Verdict.RIGHT, "upstream.key-refused")
    assert "wrong-token" not in str(refused)
