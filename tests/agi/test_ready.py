"""Answers kept ready must be the very bytes that the longer way would make."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agi.environment import Environment
from gateway.agi.settings import AgiSettings
from gateway.agi.verbs.assign import Assign
from gateway.assignment.cache import AnswerCache
from gateway.assignment.campaigns import Campaigns
from gateway.assignment.fallback import Fallback
from gateway.assignment.guards import Guards
from gateway.assignment.lane import LocalLane
from gateway.assignment.owned import OwnedGuard
from gateway.assignment.resolver import Resolver
from gateway.assignment.settings import AssignmentSettings, CampaignSettings
from gateway.model.decision import Source
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import Answer
from gateway.simulator.clock import SimulatedTimeLoop
from gateway.telemetry.metrics import CallMetrics

pytestmark = pytest.mark.simulated_time


class Counting:
    """An engine that never gives the same number twice, so a fresh decision shows."""

    source = Source.ENGINE

    def __init__(self) -> None:
        self.given = 0

    def assign_now(self, lead: Lead) -> Answer:
        del lead
        self.given += 1
        return Answer(PhoneNumber(f"+1234555{self.given:04d}"))


class Line:
    """One verb on a clock that the test moves, asked as Asterisk asks."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        pbx_id: str = "",
        sticky_days: float = 0.0,
        ready: bool = True,
    ) -> None:
        settings = AssignmentSettings(
            providers=(Source.ENGINE,), prewarm_ttl_s=100.0, sticky_days=sticky_days
        )
        campaigns = Campaigns(settings, {"50%": CampaignSettings(name="Half %b|%d")})
        self.cache = cache = AnswerCache(settings, loop.time)
        self.metrics = CallMetrics()
        self.epoch = 1_700_000_000.0
        resolver = Resolver(
            deadline_s=0.7,
            lanes={Source.ENGINE: LocalLane(Counting())},
            cache=cache,
            campaigns=campaigns,
            fallback=Fallback((), cache=cache, campaigns=campaigns, engine=None),
            owned=OwnedGuard(settings, None),
            clock=loop,
            metrics=self.metrics,
        )
        self._verb = Assign(
            AgiSettings(pbx_id=pbx_id),
            resolver=resolver,
            guards=Guards(settings),
            campaigns=campaigns,
            metrics=self.metrics,
            wall_clock=lambda: self.epoch,
        )
        if not ready:
            self._verb._ready.keep = lambda *_: None  # type: ignore[method-assign]  # the longer way, always

    @property
    def kept(self) -> int:
        return len(self._verb._ready._kept)

    def call(self, *arguments: str, uniqueid: str = "1700000000.1", script: str = "assign") -> str:
        lines = [f"agi_network_script: {script}", f"agi_uniqueid: {uniqueid}"]
        lines += [f"agi_arg_{number}: {value}" for number, value in enumerate(arguments, 1)]
        replies: list[bytes] = []
        block = "".join(f"\n{line}" for line in [*lines, ""])
        self._verb(Environment(block.encode("utf-8", "replace")), replies.append)
        assert len(replies) == 1
        return replies[0].decode()


CALL = ("15559876543", "90210", "9001")


async def test_the_third_equal_call_gets_the_same_answer_with_its_own_id_and_time() -> None:
    line = Line(asyncio.get_running_loop())
    answers = [line.call(*CALL, uniqueid=f"1700000000.{number}") for number in range(4)]
    line.epoch += 7
    later = line.call(*CALL, uniqueid="1700000007.9")
    assert line.kept == 1
    assert answers[2] == answers[1].replace("1700000000.1-", "1700000000.2-")
    assert later == answers[1].replace("1700000000.1-", "1700000007.9-").replace(
        "|1700000000|", "|1700000007|"
    )
    assert line.metrics.latency.count == 5


async def test_a_kept_answer_ends_with_the_answer_it_was_made_of() -> None:
    line = Line(asyncio.get_running_loop())
    for _ in range(3):
        first = line.call(*CALL)
    await asyncio.sleep(30.1)
    assert "2345550001" in first
    assert "2345550002" in line.call(*CALL)


@pytest.mark.parametrize(
    "other",
    [
        {"arguments": ("15559876543", "90211", "9001")},
        {"arguments": (*CALL, "agent=Jane")},
        {"arguments": CALL, "script": "assign?agent=Jane"},
    ],
)
async def test_another_request_gets_its_own_answer(other: dict[str, object]) -> None:
    line = Line(asyncio.get_running_loop())
    for _ in range(3):
        usual = line.call(*CALL)
    arguments = other.pop("arguments")
    assert isinstance(arguments, tuple)
    assert line.call(*arguments, **other) != usual  # type: ignore[arg-type]  # script only


async def test_calls_with_their_own_id_or_a_state_are_not_kept() -> None:
    line = Line(asyncio.get_running_loop())
    for _ in range(3):
        line.call(*CALL, "dial_id=V1")
        line.call(*CALL, "gateway=1|+12345678901")
    assert line.kept == 0


async def test_a_uniqueid_that_is_not_plain_takes_the_longer_way() -> None:
    line = Line(asyncio.get_running_loop())
    for _ in range(3):
        line.call(*CALL)
    answer = line.call(*CALL, uniqueid='1"\rX%d')
    assert 'GATEWAY_DIAL_ID "1X%d-1"' in answer
    assert answer.count("\n") == 7


texts = st.text(alphabet='%bd|@\\"\x00 =é1234567890a', max_size=12)


@given(st.lists(texts, min_size=1, max_size=5), st.booleans())
def test_kept_answers_are_the_bytes_of_the_longer_way(arguments: list[str], with_pbx: bool) -> None:  # noqa: FBT001
    async def run() -> None:
        line = Line(asyncio.get_running_loop(), pbx_id="pbx%b" if with_pbx else "")
        asked = ("5559876543", "", "50%", *arguments)
        line.call(*asked)
        answers = {line.call(*asked) for _ in range(3)}
        assert len(answers) == 1

    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
        runner.run(run())


PROSPECT = PhoneNumber("+15559876543")
steps = st.one_of(
    st.just("call"),
    st.integers(1, 3).map(lambda number: PhoneNumber(f"+1234666000{number}")),
    st.sampled_from([0.0, 10.0, 29.9, 30.0, 90.0]),
)


@given(st.lists(steps, max_size=30), st.sampled_from([0.0, 1.0 / 1_440]))
def test_a_number_prewarmed_at_any_time_is_told_by_ready_answers_as_by_the_longer_way(
    history: list[str | float | PhoneNumber], sticky_days: float
) -> None:
    async def told(*, ready: bool) -> list[str]:
        line = Line(asyncio.get_running_loop(), sticky_days=sticky_days, ready=ready)
        answers = []
        for step in history:
            if isinstance(step, PhoneNumber):
                line.cache.prewarm(PROSPECT, "9001", step)
            elif isinstance(step, float):
                await asyncio.sleep(step)
            else:
                answers.append(line.call(*CALL))
        return answers

    outcomes = []
    for ready in (True, False):
        with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner:
            outcomes.append(runner.run(told(ready=ready)))
    assert outcomes[0] == outcomes[1]
