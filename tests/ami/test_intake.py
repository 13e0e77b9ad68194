import asyncio
import time
from collections.abc import Callable

import pytest

from gateway.ami.decoder import Frame, NotAsteriskError
from gateway.ami.intake import HIGH_BYTES, Intake, TryAgainError
from gateway.telemetry.metrics import AmiMetrics

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
pytestmark = pytest.mark.simulated_time


def hangup(number: int) -> bytes:
    return b"Event: Hangup\r\nUniqueid: %d\r\nX: %s\r\n\r\n" % (number, b"y" * 400)


class Fixture:
    """An intake with a transport that remembers and a consumer that does what the test says."""

    def __init__(self, take: Callable[[Frame], None] | None = None) -> None:
        self.taken: list[bytes] = []
        self.reading = True
        self.metrics = AmiMetrics()
        self.intake = Intake(
            asyncio.get_running_loop(),
            self.metrics,
            take=take or self.take,
            pause=lambda: self.read(on=False),
            resume=lambda: self.read(on=True),
        )
        self.intake.receive(BANNER)

    def is_reading(self) -> bool:
        return self.reading

    def is_stalled(self) -> bool:
        return self.intake.is_stalled

    def take(self, frame: Frame) -> None:
        self.taken.append(frame.body.split(b"\r\n")[1])

    def read(self, *, on: bool) -> None:
        self.reading = on


async def test_messages_come_in_order() -> None:
    fixture = Fixture()
    for number in range(100):
        fixture.intake.receive(hangup(number))
    await fixture.intake.drained()
    assert fixture.taken == [b"Uniqueid: %d" % number for number in range(100)]


async def test_a_fault_with_one_message_harms_no_other(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Frame] = []

    def take(frame: Frame) -> None:
        seen.append(frame)
        if len(seen) == 2:
            raise ValueError("this one")

    fixture = Fixture(take)
    fixture.intake.receive(hangup(1) + hangup(2) + hangup(3))
    await fixture.intake.drained()
    assert len(seen) == 3
    assert fixture.metrics.faults == 1
    assert "could not be used: HANGUP" in caplog.text


async def test_a_consumer_that_cannot_take_gets_the_same_message_again() -> None:
    refusals = iter([True, True, False, False])
    taken: list[Frame] = []

    def take(frame: Frame) -> None:
        if next(refusals):
            raise TryAgainError
        taken.append(frame)

    fixture = Fixture(take)
    fixture.intake.receive(hangup(1) + hangup(2))
    await asyncio.sleep(0.01)
    assert fixture.is_stalled()
    await fixture.intake.drained()
    assert [frame.body.split(b"\r\n")[1] for frame in taken] == [b"Uniqueid: 1", b"Uniqueid: 2"]
    assert fixture.metrics.stalls == 1
    assert not fixture.is_stalled()


async def test_what_cannot_be_taken_stays_in_the_socket_and_nothing_is_dropped() -> None:
    is_stuck = True
    taken: list[Frame] = []

    def take(frame: Frame) -> None:
        if is_stuck:
            raise TryAgainError
        taken.append(frame)

    fixture = Fixture(take)
    sent = 0
    while fixture.is_reading():
        fixture.intake.receive(hangup(sent))
        sent += 1
        await asyncio.sleep(0)
    assert fixture.intake.is_paused
    assert sent * len(hangup(0)) < HIGH_BYTES + 32 * len(hangup(0)) * 2
    is_stuck = False
    await fixture.intake.drained()
    assert fixture.is_reading()
    assert len(taken) == sent


async def test_a_slow_consumer_holds_up_the_loop_for_a_slice_only() -> None:
    fixture = Fixture(lambda _frame: time.sleep(0.0005))
    for number in range(200):
        fixture.intake.receive(hangup(number))
    longest = 0.0
    before = time.perf_counter()
    drained = asyncio.create_task(fixture.intake.drained())
    turns = 0
    while not drained.done():
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest, before, turns = max(longest, now - before), now, turns + 1
    assert turns > 10
    assert longest < 0.08  # a slice is 4 ms; the rest is patience with a busy machine


async def test_a_wrong_banner_is_told_at_once() -> None:
    intake = Intake(
        asyncio.get_running_loop(), AmiMetrics(), take=print, pause=lambda: None, resume=lambda: None
    )
    with pytest.raises(NotAsteriskError):
        intake.receive(b"220 mail\r\n")


async def test_after_a_pause_all_is_drained_only_when_the_socket_is_empty_too() -> None:
    taken: list[Frame] = []
    fixture = Fixture(taken.append)
    arriving = [hangup(number) for number in range(1_000)]
    while fixture.is_reading():
        fixture.intake.receive(arriving.pop())

    async def the_socket_holds_more() -> None:
        while arriving:
            if fixture.is_reading():
                fixture.intake.receive(arriving.pop())
            await asyncio.sleep(0)

    more = asyncio.create_task(the_socket_holds_more())
    await fixture.intake.drained()
    assert len(taken) == 1_000
    await more


async def test_what_a_pause_left_in_the_socket_waits_for_no_timer() -> None:
    """A full buffer is refilled 30 times: a wait of 10 ms before each would take 0.3 s."""
    taken: list[Frame] = []
    fixture = Fixture(taken.append)
    loop = asyncio.get_running_loop()
    arriving = [hangup(number) for number in range(20_000)]
    began = loop.time()
    while arriving:
        if fixture.is_reading():
            fixture.intake.receive(arriving.pop())
        else:
            await asyncio.sleep(0.00001)
    await fixture.intake.drained()
    assert len(taken) == 20_000
    assert loop.time() - began < 0.05
