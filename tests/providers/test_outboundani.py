"""The client of `/next`: against the simulated outboundANI, and against answers nobody has documented."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.decision import Source
from gateway.model.lead import AssignmentType, Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import (
    Answer,
    BadAnswerError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    TimedOutError,
    UnavailableError,
)
from gateway.providers.http import Reply
from gateway.providers.outboundani import OutboundAni, OutboundAniSettings, answer_in
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault, ani_for
from tests.providers.faults import ASSIGNMENT_FAULTS

DOCUMENTED_BODY = """{ "outbound_campaign": "c123", "prospect_phone": "5617778888", "prospect_zip": "33432",
"use_branded": true, "assignment_type": "zip"}"""
DOCUMENTED_ANSWER = b"""{ "prospect_phone": "5617778888", "ani": "5611234567", "assignment_type": "zip"}"""
DOCUMENTED_LEAD = Lead(
    PhoneNumber("+15617778888"),
    zip="33432",
    campaign="c123",
    assignment_type=AssignmentType.ZIP,
    branded=True,
)
LEAD = Lead(PhoneNumber("+15559876543"), campaign="9001")
KEY = "x-key-1"


@pytest.fixture
async def upstream() -> AsyncIterator[UpstreamSimulator]:
    async with UpstreamSimulator() as one:
        yield one


def settings_for(upstream: UpstreamSimulator) -> OutboundAniSettings:
    return OutboundAniSettings(url=f"{upstream.url}/dialer", key=upstream.key)


@pytest.fixture
async def client(upstream: UpstreamSimulator) -> AsyncIterator[OutboundAni]:
    one = OutboundAni(settings_for(upstream))
    await one.open()
    yield one
    await one.close()


async def outcome(client: OutboundAni, lead: Lead = LEAD) -> Answer | ProviderError:
    try:
        return await client.assign(lead, timeout_s=0.5)
    except ProviderError as error:
        return error


class Peer:
    """Answers what the test says and keeps what it was sent."""

    def __init__(self) -> None:
        self.status, self.body = 200, DOCUMENTED_ANSWER
        self.requests: list[tuple[str, str, bytes, dict[str, str]]] = []
        self.url = ""

    async def __call__(self, request: web.Request) -> web.Response:
        self.requests.append((request.method, request.path_qs, await request.read(), dict(request.headers)))
        return web.Response(status=self.status, body=self.body, headers={"x-request-id": "req-1"})


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    one = Peer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", one.__call__)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/dialer"
    yield one
    await runner.cleanup()


@pytest.fixture
async def to_peer(peer: Peer) -> AsyncIterator[OutboundAni]:
    one = OutboundAni(OutboundAniSettings(url=peer.url, key=KEY))
    await one.open()
    yield one
    await one.close()


async def test_the_documented_example_is_sent_and_understood(peer: Peer, to_peer: OutboundAni) -> None:
    answer = await to_peer.assign(DOCUMENTED_LEAD, timeout_s=1)
    (method, path, body, headers) = peer.requests[0]
    assert (method, path) == ("POST", "/dialer/next")
    assert body.decode() == DOCUMENTED_BODY.replace("\n", "").replace(" ", "")
    assert (headers["X-ApiKey"], headers["Content-Type"]) == (KEY, "application/json")
    assert "Authorization" not in headers
    assert answer == Answer(PhoneNumber("+15611234567"), "", "req-1")


async def test_what_the_call_says_goes_along_and_nothing_else(
    client: OutboundAni, upstream: UpstreamSimulator
) -> None:
    leads = [
        LEAD._replace(pools=("east", "west"), branded=False),
        *(LEAD._replace(assignment_type=each) for each in AssignmentType),
        LEAD._replace(phone=PhoneNumber("+442079460018"), zip="33432", real_time=False),
    ]
    for lead in leads:
        assert isinstance(await outcome(client, lead), Answer)
    first, *typed, last = upstream.next_asked
    base = {"outbound_campaign": "9001", "prospect_phone": "5559876543"}
    assert first == {**base, "inventory_group_ids": ["east", "west"], "use_branded": False}
    assert typed == [{**base, "assignment_type": each.value} for each in AssignmentType]
    assert last == {**base, "prospect_phone": "442079460018", "prospect_zip": "33432"}


@pytest.mark.parametrize("fault", ASSIGNMENT_FAULTS)
async def test_faults_are_told_apart_by_type_and_tell_no_secret(
    client: OutboundAni, upstream: UpstreamSimulator, fault: Fault
) -> None:
    await upstream.set_fault(fault)
    error = await outcome(client)
    assert type(error) is ASSIGNMENT_FAULTS[fault]
    assert upstream.key not in repr(error)
    assert "5559876543" not in repr(error)


@pytest.mark.parametrize(
    "fault", [Fault.NO_ANI_200, Fault.NO_ANI_404, Fault.NO_ANI_422, Fault.HOSTILE_MESSAGE]
)
async def test_no_number_is_an_answer_in_whatever_form_it_comes(
    client: OutboundAni, upstream: UpstreamSimulator, fault: Fault
) -> None:
    await upstream.set_fault(fault)
    answer = await outcome(client)
    assert isinstance(answer, Answer)
    assert answer.ani is None
    assert answer.message.isprintable()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"ani": "+15611234567"}, Answer),
        (201, {"prospect_phone": "5559876543", "ani": "(561) 123-4567"}, Answer),
        (200, {"ani": ""}, Answer),
        (200, {"prospect_phone": "5559876543"}, Answer),
        (200, {"ani": "no"}, BadAnswerError),
        (200, {"ani": 5611234567}, BadAnswerError),
        (200, [], BadAnswerError),
        (302, {"ani": "5611234567"}, BadAnswerError),
        (404, {"message": "No ANI found"}, Answer),
        (400, {"error": "No matching inventory"}, Answer),
        (409, {"error": "ANI not available"}, Answer),
        (404, {"message": "campaign not found"}, RefusedError),
        (400, {"message": "prospect_phone is required"}, RefusedError),
        (422, {"message": "unknown number format"}, RefusedError),
        (401, {"message": "No ANI found"}, RefusedError),
        (403, {}, RefusedError),
        (408, {}, UnavailableError),
        (500, {"message": "No ANI found"}, UnavailableError),
        (429, {}, RateLimitedError),
    ],
)
async def test_what_is_not_documented_is_decided(
    peer: Peer, to_peer: OutboundAni, status: int, body: Any, expected: type
) -> None:
    peer.status, peer.body = status, orjson.dumps(body)
    assert type(await outcome(to_peer)) is expected


bodies = st.one_of(
    st.binary(max_size=40),
    st.dictionaries(
        st.sampled_from(["ani", "message", "success", "prospect_phone"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=15) | st.lists(st.text(max_size=3)),
    ).map(lambda value: json.dumps(value).encode()),
)


@given(st.integers(200, 599), bodies)
def test_whatever_comes_is_an_answer_or_an_error_of_ours(status: int, body: bytes) -> None:
    outcome: Answer | ProviderError
    try:
        outcome = answer_in(Reply(status, body, "req-1"), LEAD.phone, (KEY,))
    except ProviderError as error:
        outcome = error
    assert outcome.request_id == "req-1"
    assert (outcome.message if isinstance(outcome, Answer) else str(outcome)).isprintable()
    assert not isinstance(outcome, Answer) or outcome.ani is None or status < 300


async def test_a_refused_key_names_the_setting(peer: Peer, to_peer: OutboundAni) -> None:
    peer.status = 401
    error = await outcome(to_peer)
    assert isinstance(error, RefusedError)
    assert (str(error), error.status, error.request_id) == (
        "the key was refused (401); check outboundani.key",
        401,
        "req-1",
    )


async def test_a_refusal_shows_neither_the_key_nor_a_number(peer: Peer, to_peer: OutboundAni) -> None:
    peer.status, peer.body = 400, f"bad {KEY} for 5559876543".encode()
    assert str(await outcome(to_peer)) == "answer 400: bad *** for ***43"


async def test_a_call_without_a_campaign_is_not_asked_for(upstream: UpstreamSimulator) -> None:
    lead = LEAD._replace(campaign="")
    for campaign, expected in (("", RefusedError), ("c9", Answer)):
        one = OutboundAni(replace(settings_for(upstream), default_campaign=campaign))
        await one.open()
        assert type(await outcome(one, lead)) is expected
        await one.close()
    assert [body["outbound_campaign"] for body in upstream.next_asked] == ["c9"]


def leads(count: int) -> list[Lead]:
    return [LEAD._replace(phone=PhoneNumber(f"+1555{number:07d}")) for number in range(count)]


async def test_a_list_of_leads_is_answered_in_its_order(
    client: OutboundAni, upstream: UpstreamSimulator
) -> None:
    answers = await client.assign_batch(leads(200), timeout_s=5)
    expected = [ani_for(f"555{number:07d}") for number in range(200)]
    assert [one.ani.national for one in answers if isinstance(one, Answer) and one.ani] == expected
    assert len(upstream.next_asked) == 200


async def test_each_lead_of_a_list_fails_alone(client: OutboundAni) -> None:
    some = leads(3)
    some[1] = some[1]._replace(campaign="")
    answers = await client.assign_batch(some, timeout_s=5)
    assert [type(one) for one in answers] == [Answer, RefusedError, Answer]


async def test_no_more_than_max_connections_are_asked_at_once_and_all_end_in_time(
    upstream: UpstreamSimulator,
) -> None:
    one = OutboundAni(replace(settings_for(upstream), max_connections=2))
    await one.open()
    await upstream.set_fault(Fault.SILENT)
    started = asyncio.get_running_loop().time()
    answers = await one.assign_batch(leads(6), timeout_s=0.2)
    took_s = asyncio.get_running_loop().time() - started
    await one.close()
    assert [type(each) for each in answers] == [TimedOutError] * 6
    assert upstream.counters.requests == 2
    assert took_s < 1


async def test_an_empty_list_is_answered_empty(client: OutboundAni) -> None:
    assert await client.assign_batch([], timeout_s=1) == []


def test_its_source_is_told_to_the_dialplan() -> None:
    assert OutboundAni(OutboundAniSettings()).source is Source.OUTBOUNDANI
