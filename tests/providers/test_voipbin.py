import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.outdial import Address, AddressType, Outdial, OutdialTarget, TargetStatus
from gateway.providers.base import (
    BadAnswerError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    TimedOutError,
    UnavailableError,
)
from gateway.providers.http import Reply
from gateway.providers.voipbin import VoipBin
from gateway.providers.voipbin_requests import VoipBinAuth, VoipBinRequests, VoipBinSettings
from gateway.simulator.upstream_answers import Fault
from gateway.simulator.voipbin import VoipBinSimulator
from gateway.simulator.voipbin_store import VoipBinStore

TOKEN = "t/ken+with=signs"
PHONE = Address(AddressType.TEL, "+15559876543")
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def service() -> AsyncIterator[VoipBinSimulator]:
    async with VoipBinSimulator(token=TOKEN) as one:
        yield one


def client(service: VoipBinSimulator, **more: Any) -> VoipBin:
    asked = {"timeout_s": 0.3, "deadline_s": 0.4, "rate_per_s": 1_000} | more
    return VoipBin(VoipBinSettings(url=service.url, token=TOKEN, **asked))


@pytest.fixture
async def voipbin(service: VoipBinSimulator) -> AsyncIterator[VoipBin]:
    one = client(service)
    await one.open()
    yield one
    await one.close()


async def test_an_outdial_is_created_read_changed_and_deleted(voipbin: VoipBin) -> None:
    made = await voipbin.create_outdial(Outdial("test outdial", "outdial for test use.", "test data"))
    assert (made.name, made.detail, made.data) == ("test outdial", "outdial for test use.", "test data")
    assert made.campaign_id == ""
    assert made.stamps.created is not None
    assert await voipbin.outdial(made.id) == made
    await voipbin.update_outdial(made.id, name="n2", detail="d2")
    await voipbin.set_data(made.id, "data2")
    await voipbin.set_campaign(made.id, NOBODY)
    changed = await voipbin.outdial(made.id)
    assert (changed.name, changed.detail, changed.data, changed.campaign_id) == ("n2", "d2", "data2", NOBODY)
    await voipbin.set_campaign(made.id, "")
    assert (await voipbin.outdial(made.id)).campaign_id == ""
    await voipbin.delete_outdial(made.id)
    assert [one async for one in voipbin.outdials()] == []


async def test_a_target_is_created_read_listed_and_deleted(voipbin: VoipBin) -> None:
    outdial = await voipbin.create_outdial(Outdial("o"))
    sip = Address(AddressType.SIP, "sip:ann@example.com", target_name="Ann")
    made = await voipbin.create_target(outdial.id, OutdialTarget((PHONE, None, sip), "n", "d", "x"))
    assert made.destinations == (PHONE, None, sip, None, None)
    assert (made.name, made.detail, made.data, made.status) == ("n", "d", "x", TargetStatus.IDLE)
    assert made.tries == (0,) * 5
    assert made.outdial_id == outdial.id
    assert await voipbin.target(outdial.id, made.id) == made
    assert [one async for one in voipbin.targets(outdial.id)] == [made]
    await voipbin.delete_target(outdial.id, made.id)
    assert [one async for one in voipbin.targets(outdial.id)] == []


async def test_what_is_not_there_is_not_found(voipbin: VoipBin) -> None:
    asked: list[Callable[[], Awaitable[object]]] = [
        lambda: voipbin.outdial(NOBODY),
        lambda: voipbin.update_outdial(NOBODY, name="n", detail="d"),
        lambda: voipbin.set_data(NOBODY, "d"),
        lambda: voipbin.set_campaign(NOBODY, ""),
        lambda: voipbin.delete_outdial(NOBODY),
        lambda: voipbin.create_target(NOBODY, OutdialTarget((PHONE,))),
        lambda: voipbin.target(NOBODY, NOBODY),
        lambda: voipbin.delete_target(NOBODY, NOBODY),
    ]
    for ask in asked:
        with pytest.raises(NotFoundError, match="answer 404: NOT_FOUND: There is no such thing"):
            await ask()


async def test_todays_server_and_its_forms_are_understood() -> None:
    store = VoipBinStore(is_current=True)
    async with VoipBinSimulator(store, token=TOKEN, demands_all=True) as service:
        one = client(service)
        await one.open()
        outdial = await one.create_outdial(Outdial("n", "d", "x", campaign_id=NOBODY))
        made = await one.create_target(outdial.id, OutdialTarget((PHONE,), "n", "d", "x"))
        assert [each async for each in one.targets(outdial.id)] == [made]
        assert made.destinations == (PHONE, None, None, None, None)
        assert (made.stamps.deleted, outdial.stamps.updated) == (None, None)
        with pytest.raises(RefusedError, match="INVALID_ARGUMENT: campaign_id is required"):
            await one.create_outdial(Outdial("n", "d", "x"))
        await one.close()


@pytest.mark.parametrize("auth", VoipBinAuth)
async def test_each_way_to_send_the_token_is_accepted(service: VoipBinSimulator, auth: VoipBinAuth) -> None:
    one = client(service, auth=auth)
    await one.open()
    assert [each async for each in one.outdials()] == []
    await one.close()


async def test_a_wrong_token_is_refused_with_a_hint(service: VoipBinSimulator, voipbin: VoipBin) -> None:
    service.token = "another"
    with pytest.raises(RefusedError, match=r"answer 401: .*; check voipbin.token") as raised:
        await voipbin.outdial(NOBODY)
    assert raised.value.status == 401


@given(stamps=st.lists(st.integers(0, 5), max_size=30), page_size=st.integers(1, 4))
@settings(max_examples=15)
def test_every_target_comes_exactly_once_over_http(stamps: list[int], page_size: int) -> None:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    times = iter([start, *(start + timedelta(microseconds=stamp) for stamp in stamps)])

    async def run() -> tuple[list[str], list[str]]:
        async with VoipBinSimulator(VoipBinStore(lambda: next(times)), token=TOKEN) as service:
            outdial_id = service.store.add_outdial({})["id"]
            for _ in stamps:
                service.store.add_target(outdial_id, {"destination_0": {"type": "tel", "target": "+1"}})
            one = client(service, page_size=page_size, deadline_s=10)
            await one.open()
            listed = [target.id async for target in one.targets(outdial_id)]
            await one.close()
            return listed, [row["id"] for row in service.store.targets(outdial_id)]

    listed, kept = asyncio.run(run())
    assert listed == kept


async def test_outdials_are_listed_over_pages(service: VoipBinSimulator) -> None:
    one = client(service, page_size=3)
    await one.open()
    kept = [service.store.add_outdial({"name": str(number)})["id"] for number in range(10)]
    assert [outdial.id async for outdial in one.outdials()] == kept[::-1]
    await one.close()


FAULTS = {
    Fault.UNAUTHORIZED: RefusedError,
    Fault.FORBIDDEN: RefusedError,
    Fault.RATE_LIMITED: RateLimitedError,
    Fault.RATE_LIMITED_SECONDS: RateLimitedError,
    Fault.RATE_LIMITED_DATE: RateLimitedError,
    Fault.SERVER_ERROR: UnavailableError,
    Fault.UNAVAILABLE: UnavailableError,
    Fault.RESET: UnavailableError,
    Fault.CUT_BODY: UnavailableError,
    Fault.SILENT: TimedOutError,
    Fault.MALFORMED: BadAnswerError,
    Fault.HUGE: BadAnswerError,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_faults_are_told_apart_by_their_type(
    service: VoipBinSimulator, voipbin: VoipBin, fault: Fault, method: str
) -> None:
    service.faults.extend([fault] * 100)
    with pytest.raises(ProviderError) as raised:
        await (voipbin.outdial(NOBODY) if method == "GET" else voipbin.create_outdial(Outdial("o")))
    assert type(raised.value) is FAULTS[fault]
    assert_silent(raised.value)


async def test_a_closed_port_is_unavailable_and_never_sent() -> None:
    one = VoipBin(VoipBinSettings(url="http://127.0.0.1:1", token=TOKEN, deadline_s=0.2))
    await one.open()
    with pytest.raises(UnavailableError, match="cannot connect") as raised:
        await one.create_outdial(Outdial("o"))
    assert raised.value.never_sent
    assert_silent(raised.value)
    await one.close()


@pytest.mark.parametrize("url", ["http://[::1", "http://a b", "http://127.0.0.1:99999", "nonsense", ""])
@pytest.mark.parametrize("auth", VoipBinAuth)
async def test_a_bad_address_is_an_error_without_the_token(url: str, auth: VoipBinAuth) -> None:
    one = VoipBin(VoipBinSettings(url=url, token=TOKEN, auth=auth, deadline_s=0.2))
    await one.open()
    with pytest.raises(ProviderError) as raised:
        await one.create_outdial(Outdial("o"))
    assert_silent(raised.value)
    await one.close()


async def test_the_token_is_taken_out_of_what_the_service_says(voipbin: VoipBin) -> None:
    with pytest.raises(NotFoundError) as raised:
        await voipbin.outdial(TOKEN)
    assert_silent(raised.value)


def test_the_token_is_in_no_representation() -> None:
    asked = VoipBinSettings(token=TOKEN)
    one = VoipBin(asked)
    assert TOKEN not in repr(one) + repr(one._requests) + str(vars(one))


def assert_silent(error: ProviderError) -> None:
    """Neither the error nor what made it shows the token."""
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(error.__cause__)
    assert TOKEN not in shown
    assert "t%2Fken" not in shown


@pytest.mark.usefixtures("service")
async def test_no_log_line_shows_the_token(
    service: VoipBinSimulator, voipbin: VoipBin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    service.faults.extend([Fault.RESET, Fault.MALFORMED])
    with pytest.raises(BadAnswerError):
        await voipbin.outdial(NOBODY)
    assert TOKEN not in caplog.text
    assert "t%2Fken" not in caplog.text


class _Line:
    """Stands for the HTTP client: answers from a list, and notes when it was asked."""

    def __init__(self, answers: list[Reply | ProviderError]) -> None:
        self.answers = answers
        self.asked_at: list[float] = []
        self.may_repeat: list[bool] = []

    async def request(self, *_: object, may_repeat: bool, **_more: object) -> Reply:
        self.asked_at.append(asyncio.get_running_loop().time())
        self.may_repeat.append(may_repeat)
        answer = self.answers.pop(0) if self.answers else Reply(200, b"{}", "")
        if isinstance(answer, ProviderError):
            raise answer
        return answer


def requests(line: _Line, **more: Any) -> VoipBinRequests:
    one = VoipBinRequests(VoipBinSettings(token=TOKEN, **more), dice=lambda: 1.0)
    one._http = line  # type: ignore[assignment]  # it has the one method that is called
    return one


async def sent(one: VoipBinRequests, method: str = "GET") -> Reply:
    return await one.send(method, "/outdials", max_reply_bytes=100)


def gaps(line: _Line) -> list[float]:
    return [round(later - at, 3) for at, later in zip(line.asked_at, line.asked_at[1:], strict=False)]


BROKEN: list[Reply | ProviderError] = [
    UnavailableError("broken"),
    TimedOutError("late"),
    Reply(500, b"", ""),
    Reply(503, b"", ""),
]


@pytest.mark.simulated_time
async def test_a_get_is_repeated_with_doubling_waits() -> None:
    line = _Line([*BROKEN, *BROKEN])
    await sent(requests(line, deadline_s=100))
    assert gaps(line) == [0.5, 1, 2, 4, 8, 8, 8, 8]


@pytest.mark.simulated_time
@pytest.mark.parametrize("answer", BROKEN, ids=["broken", "late", "500", "503"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_what_changes_something_is_sent_once(method: str, answer: Reply | ProviderError) -> None:
    line = _Line([answer])
    with pytest.raises(UnavailableError):
        await sent(requests(line), method)
    assert line.may_repeat == [False]


@pytest.mark.simulated_time
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_after_429_everything_is_repeated_when_it_is_asked_to_be(method: str) -> None:
    line = _Line([RateLimitedError("429", retry_after_s=7.0), RateLimitedError("429")])
    await sent(requests(line), method)
    assert gaps(line) == [7.0, 1.0]


@pytest.mark.simulated_time
async def test_repeating_ends_at_the_deadline_with_the_last_error() -> None:
    line = _Line([UnavailableError(f"broken {number}") for number in range(99)])
    began = asyncio.get_running_loop().time()
    with pytest.raises(UnavailableError, match="broken 4"):
        await sent(requests(line, deadline_s=10))
    assert asyncio.get_running_loop().time() - began <= 10


@pytest.mark.simulated_time
async def test_no_request_is_begun_with_too_little_time_left() -> None:
    """Cut short by the deadline, a POST would end in doubt where 429 is certain."""
    line = _Line([RateLimitedError("429", retry_after_s=9.5)])
    with pytest.raises(RateLimitedError):
        await sent(requests(line, deadline_s=10), "POST")
    assert len(line.asked_at) == 1


@pytest.mark.simulated_time
async def test_a_short_deadline_leaves_room_for_the_pace() -> None:
    line = _Line([])
    one = requests(line, deadline_s=0.5, rate_per_s=15)
    for _ in range(20):
        await sent(one)
    assert len(line.asked_at) == 20


@pytest.mark.simulated_time
async def test_a_rest_beyond_the_deadline_is_said_at_once_and_kept() -> None:
    line = _Line([RateLimitedError("429", retry_after_s=600.0)])
    one = requests(line)
    with pytest.raises(RateLimitedError) as first:
        await sent(one, "POST")
    assert first.value.retry_after_s == 600.0
    with pytest.raises(RateLimitedError, match="left alone for 600 s") as second:
        await sent(one, "POST")
    assert second.value.never_sent
    assert len(line.asked_at) == 1


@pytest.mark.simulated_time
async def test_requests_keep_the_rate() -> None:
    line = _Line([])
    one = requests(line, rate_per_s=15)
    await asyncio.gather(*(sent(one) for _ in range(65)))
    assert line.asked_at[-1] - line.asked_at[0] == pytest.approx(4.0)


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED_SECONDS, Fault.RATE_LIMITED_DATE])
async def test_retry_after_is_read_in_both_forms(service: VoipBinSimulator, fault: Fault) -> None:
    one = client(service, deadline_s=1.2)
    await one.open()
    service.faults.append(fault)
    began = asyncio.get_running_loop().time()
    if fault is Fault.RATE_LIMITED_SECONDS:
        with pytest.raises(RateLimitedError) as raised:
            await one.create_outdial(Outdial("o"))
        assert raised.value.retry_after_s == 1.0
        assert asyncio.get_running_loop().time() - began < 0.5, "a wait that does not fit is not begun"
    else:
        assert (await one.create_outdial(Outdial("o"))).name == "o"
    await one.close()


async def test_a_get_outlives_a_broken_connection(service: VoipBinSimulator) -> None:
    made = service.store.add_outdial({"name": "o"})["id"]
    one = client(service, deadline_s=5, timeout_s=2)
    await one.open()
    service.faults.extend([Fault.SERVER_ERROR])
    assert (await one.outdial(made)).name == "o"
    await one.close()
