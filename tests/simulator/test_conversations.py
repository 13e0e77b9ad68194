import asyncio

from gateway.ami.events import Hangup, read_hangup
from gateway.model.variables import CallState, pack
from gateway.simulator.ami import AmiSimulator
from gateway.simulator.asterisk import CallResult
from gateway.simulator.call import CallRequest
from gateway.simulator.conversations import ENDINGS, Conversations
from gateway.simulator.res_agi import AgiStatus


class Pbx(AmiSimulator):
    """Keeps what it tells."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bytes] = []

    def tell(self, event: bytes, event_class: str = "call") -> None:
        self.told.append(event)
        super().tell(event, event_class)


def assigned(packed: str) -> CallResult:
    return CallResult(
        AgiStatus.SUCCESS,
        status="ASSIGNED",
        source="engine",
        ani="",
        reason="",
        variables={"GATEWAY": packed} if packed else {},
        latency_s=None,
        ended_s=0.0,
        began_at=0.0,
        timed_out=False,
    )


def ended(pbx: Pbx) -> list[Hangup]:
    read = [read_hangup(event.removesuffix(b"\r\n\r\n"), pbx="", heard_at=0.0) for event in pbx.told]
    return [hangup for hangup in read if isinstance(hangup, Hangup)]


async def test_every_call_ends_once_in_one_of_the_ways_of_the_mix() -> None:
    pbx = Pbx()
    conversations = Conversations(pbx)
    for number in range(300):
        packed = pack(CallState(phone="+12125550100", dial_id=f"{number}"))
        conversations.begin(CallRequest(uniqueid=f"1.{number}"), assigned(packed))
    assert len(pbx.channels) == 300
    conversations.hang_up_all()
    assert pbx.channels == {}
    ends = [hangup.end for hangup in ended(pbx)]
    assert sorted(end.uniqueid for end in ends) == sorted(f"1.{number}" for number in range(300))
    assert {end.dialstatus for end in ends} == {ending.dialstatus for ending in ENDINGS}
    assert all((end.answered_s is None) == (end.dialstatus != "ANSWER") for end in ends)
    assert conversations.assigned_ended == 300


async def test_a_call_ends_by_itself() -> None:
    pbx = Pbx()
    conversations = Conversations(pbx, seed=3)
    for number in range(40):
        conversations.begin(CallRequest(uniqueid=f"1.{number}"), assigned("1|"))
    async with asyncio.timeout(5):
        while not pbx.told:  # noqa: ASYNC110 - seen from outside, as a listener does
            await asyncio.sleep(0.01)
    conversations.hang_up_all()
    assert len(pbx.told) == 40


async def test_a_call_without_a_number_of_ours_makes_no_record() -> None:
    pbx = Pbx()
    conversations = Conversations(pbx)
    conversations.begin(CallRequest(uniqueid="1.1"), assigned(""))
    conversations.hang_up_all()
    assert (len(pbx.told), ended(pbx), conversations.assigned_ended) == (1, [], 0)


def test_the_shares_of_the_mix_are_a_whole() -> None:
    assert round(sum(ending.share for ending in ENDINGS), 6) == 1.0
