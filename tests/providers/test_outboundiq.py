from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web

from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import (
    Answer,
    BadAnswerError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
)
from gateway.providers.call_http import HttpKind
from gateway.providers.outboundiq import OutboundIq
from gateway.providers.outboundiq_account import OutboundIqSettings
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault, ani_for
from tests.providers.faults import ASSIGNMENT_FAULTS

LEAD = Lead(PhoneNumber("+15559876543"), zip="90210", campaign="9001")
ANI = PhoneNumber("+1" + ani_for("5559876543"))


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamSimulator]:
    async with UpstreamSimulator() as one:
        yield one


@pytest.fixture(params=HttpKind)
async def client(upstream: UpstreamSimulator, request: pytest.FixtureRequest) -> AsyncIterator[OutboundIq]:
    one = OutboundIq(OutboundIqSettings(url=upstream.url, key=upstream.key, http=request.param))
    await one.open()
    yield one
    await one.close()


async def assign(client: OutboundIq, lead: Lead = LEAD) -> Answer | ProviderError:
    try:
        return await client.assign(lead, timeout_s=0.5)
    except ProviderError as error:
        return error


async def assign_batch(client: OutboundIq, count: int = 4) -> list[Answer | ProviderError] | ProviderError:
    leads = [LEAD._replace(phone=PhoneNumber(f"+1555{number:07d}")) for number in range(count)]
    try:
        return await client.assign_batch(leads, timeout_s=0.5)
    except ProviderError as error:
        return error


async def test_one_lead_gets_its_number(client: OutboundIq) -> None:
    answer = await client.assign(LEAD, timeout_s=1)
    assert answer.ani == ANI


async def test_a_batch_gets_each_lead_its_own_number(client: OutboundIq, upstream: UpstreamSimulator) -> None:
    for fault in (Fault.NONE, Fault.SHUFFLED_ROWS, Fault.DUPLICATE_ROWS):
        await upstream.set_fault(fault)
        answers = await assign_batch(client)
        assert isinstance(answers, list)
        expected = [ani_for(f"555{number:07d}") for number in range(4)]
        assert [one.ani.national for one in answers if isinstance(one, Answer) and one.ani] == expected


@pytest.mark.parametrize("fault", ASSIGNMENT_FAULTS)
async def test_faults_are_told_apart_by_type(
    client: OutboundIq, upstream: UpstreamSimulator, fault: Fault
) -> None:
    await upstream.set_fault(fault)
    assert type(await assign(client)) is ASSIGNMENT_FAULTS[fault]


WHOLE_BATCH = [
    fault for fault in ASSIGNMENT_FAULTS if fault not in (Fault.HOSTILE_ANI, Fault.IMPLAUSIBLE_ANI)
]


@pytest.mark.parametrize("fault", WHOLE_BATCH)
async def test_a_batch_fails_by_the_same_types(
    client: OutboundIq, upstream: UpstreamSimulator, fault: Fault
) -> None:
    await upstream.set_fault(fault)
    assert type(await assign_batch(client)) is ASSIGNMENT_FAULTS[fault]


@pytest.mark.parametrize("fault", [Fault.HOSTILE_ANI, Fault.IMPLAUSIBLE_ANI])
async def test_a_row_that_makes_no_sense_fails_alone(
    client: OutboundIq, upstream: UpstreamSimulator, fault: Fault
) -> None:
    await upstream.set_fault(fault)
    answers = await assign_batch(client)
    assert isinstance(answers, list)
    assert {type(one) for one in answers} == {BadAnswerError}


async def test_rows_left_out_are_told(client: OutboundIq, upstream: UpstreamSimulator) -> None:
    await upstream.set_fault(Fault.MISSING_ROWS)
    answers = await assign_batch(client)
    assert isinstance(answers, list)
    assert [type(one) for one in answers] == [Answer, BadAnswerError] * 2


@pytest.mark.parametrize(
    "fault", [Fault.NO_ANI_200, Fault.NO_ANI_404, Fault.NO_ANI_422, Fault.HOSTILE_MESSAGE]
)
async def test_no_number_is_an_answer_whatever_the_status(
    client: OutboundIq, upstream: UpstreamSimulator, fault: Fault
) -> None:
    await upstream.set_fault(fault)
    answer = await assign(client)
    assert isinstance(answer, Answer)
    assert answer.ani is None


@pytest.mark.parametrize(
    ("fault", "least", "most"), [(Fault.RATE_LIMITED_SECONDS, 1, 1), (Fault.RATE_LIMITED_DATE, 0, 1)]
)
async def test_retry_after_is_read_as_seconds_and_as_a_date(
    client: OutboundIq, upstream: UpstreamSimulator, fault: Fault, least: float, most: float
) -> None:
    await upstream.set_fault(fault)
    error = await assign(client)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after_s is not None
    assert least <= error.retry_after_s <= most


async def test_a_closed_port_is_known_to_have_received_nothing(
    client: OutboundIq, upstream: UpstreamSimulator
) -> None:
    await upstream.set_fault(Fault.REFUSED)
    error = await assign(client)
    assert isinstance(error, UnavailableError)
    assert error.never_sent


async def test_a_stale_connection_is_replaced_without_the_caller_noticing(
    client: OutboundIq, upstream: UpstreamSimulator
) -> None:
    await assign(client)
    await upstream.set_fault(Fault.STALE_KEEPALIVE)
    answers = [await assign(client) for _ in range(4)]
    assert {one.ani if isinstance(one, Answer) else one for one in answers} == {ANI}


async def test_connections_are_kept(upstream: UpstreamSimulator) -> None:
    """A second request on the same connection is what the stale fault breaks, so it proves the reuse."""
    client = OutboundIq(OutboundIqSettings(url=upstream.url, key=upstream.key, max_connections=1))
    await client.open()
    await upstream.set_fault(Fault.STALE_KEEPALIVE)
    await assign(client)
    await assign(client)
    await client.close()
    assert upstream.counters.by_fault[Fault.STALE_KEEPALIVE] == 3


async def test_no_error_shows_the_key_or_the_number(client: OutboundIq, upstream: UpstreamSimulator) -> None:
    for fault in ASSIGNMENT_FAULTS:
        await upstream.set_fault(fault)
        text = repr(await assign(client))
        assert upstream.key not in text
        assert "5559876543" not in text


class Recorder:
    """Answers what the test says and keeps what it was sent."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {"success": True, "ani": "2345678901"}
        self.status = 200
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.url = ""

    async def __call__(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        self.requests.append((request.path, dict(request.headers), body))
        return web.json_response(self.answer, status=self.status, headers={"x-request-id": "req-1"})


@pytest.fixture
async def recorder(unused_tcp_port: int) -> AsyncIterator[tuple[Recorder, OutboundIq]]:
    handler = Recorder()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler.__call__)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    handler.url = f"http://127.0.0.1:{unused_tcp_port}/"
    client = OutboundIq(OutboundIqSettings(url=handler.url, key="k-123"))
    await client.open()
    yield handler, client
    await client.close()
    await runner.cleanup()


async def test_requests_are_as_documented(recorder: tuple[Recorder, OutboundIq]) -> None:
    handler, client = recorder
    await client.assign(LEAD, timeout_s=1)
    handler.answer = {"success": True, "results": [{"row_id": "0", "outboundani": "", "error": "none"}]}
    await client.assign_batch([LEAD, Lead(PhoneNumber("+442079460018"))], timeout_s=1)
    (path, headers, body), (batch_path, _, batch_body) = handler.requests
    lead = {"prospect_phone": "5559876543", "prospect_zip": "90210", "dialer_campaign": "9001"}
    assert (path, batch_path) == ("/assignment", "/assignment/batch")
    assert body == {**lead, "real_time": True}
    assert batch_body == {
        "real_time": True,
        "leads": [{"row_id": "0", **lead}, {"row_id": "1", "prospect_phone": "442079460018"}],
    }
    assert headers["Authorization"] == "Bearer k-123"
    assert headers["Content-Type"] == "application/json"
    assert "Cookie" not in headers


async def test_e164_is_asked_for_when_it_is_set(recorder: tuple[Recorder, OutboundIq]) -> None:
    handler, _ = recorder
    client = OutboundIq(OutboundIqSettings(url=handler.url, key="k-123", e164=True))
    await client.open()
    handler.answer = {"success": True, "ani": "+12345678901"}
    single = await client.assign(LEAD, timeout_s=1)
    handler.answer = {"success": True, "results": [{"row_id": "0", "outboundani": "+442079460018"}]}
    batch = await client.assign_batch([LEAD], timeout_s=1)
    await client.close()
    assert [body["e164"] for _, _, body in handler.requests] == [True, True]
    assert single.ani == PhoneNumber("+12345678901")
    assert batch == [Answer(PhoneNumber("+442079460018"), "", "req-1")]


async def test_the_simulated_upstream_writes_e164_when_asked(upstream: UpstreamSimulator) -> None:
    client = OutboundIq(OutboundIqSettings(url=upstream.url, key=upstream.key, e164=True))
    await client.open()
    assert (await client.assign(LEAD, timeout_s=1)).ani == ANI
    await client.close()


async def test_request_id_is_kept(recorder: tuple[Recorder, OutboundIq]) -> None:
    handler, client = recorder
    assert (await client.assign(LEAD, timeout_s=1)).request_id == "req-1"
    handler.status = 401
    with pytest.raises(RefusedError) as refused:
        await client.assign(LEAD, timeout_s=1)
    assert refused.value.request_id == "req-1"


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (200, {"success": True, "ani": "+12345678901"}, Answer),
        (500, {"success": True, "ani": "2345678901"}, Answer),
        (500, {"success": False, "message": "No available ANI found"}, Answer),
        (500, {"success": False, "message": "database is down"}, UnavailableError),
        (200, {"success": True}, BadAnswerError),
        (200, {"success": True, "ani": ""}, BadAnswerError),
        (200, {}, BadAnswerError),
        (400, {"error": "bad"}, RefusedError),
        (401, {"success": True, "ani": "2345678901"}, RefusedError),
        (302, {}, BadAnswerError),
    ],
)
async def test_success_decides_before_the_status(
    recorder: tuple[Recorder, OutboundIq], status: int, answer: dict[str, Any], expected: type
) -> None:
    handler, client = recorder
    handler.status, handler.answer = status, answer
    assert type(await assign(client)) is expected


async def test_a_client_that_is_closed_says_so() -> None:
    client = OutboundIq(OutboundIqSettings(url="http://127.0.0.1:1", key="k"))
    assert isinstance(await assign(client), UnavailableError)
