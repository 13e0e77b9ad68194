import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.agi.environment import Environment
from gateway.agi.server import AgiServer
from gateway.agi.settings import AgiSettings
from gateway.agi.verbs.report import Report
from gateway.model.dial import CallEnd, EndSource
from gateway.model.variables import CallState, pack
from gateway.telemetry.metrics import SessionMetrics

FIXTURES = Path(__file__).parent.parent / "fixtures" / "agi"
STATE = CallState(
    ani="+12345678901",
    phone="+15559876543",
    campaign="9001",
    status="ASSIGNED",
    at="1700000000",
    dial_id="1700000000.7-1",
    agent="Jane",
)
GATEWAY = f"gateway={pack(STATE)}"
SAFE = True
YES = {"GATEWAY_REPORT_REASON": "", "GATEWAY_REPORTED": "YES"}


def no(reason: str) -> dict[str, str]:
    return {"GATEWAY_REPORT_REASON": reason, "GATEWAY_REPORTED": "NO"}


class Ended:
    """One run of the verb, on the test's own event loop."""

    def __init__(self, *arguments: str, script: str = "report", deadline_s: float = 1.0) -> None:
        self.ends: list[CallEnd] = []
        self.settle: Callable[[bool], None] = lambda _is_safe: None
        self.replies: list[dict[str, str]] = []
        self.verb = Report(
            self._record,
            deadline_s=deadline_s,
            clock=asyncio.get_running_loop(),
            wall_clock=lambda: 1_700_000_060.5,
        )
        lines = [f"agi_network_script: {script}", "agi_uniqueid: 1700000000.7"]
        lines += [f"agi_arg_{number}: {value}" for number, value in enumerate(arguments, 1)]
        self.verb(
            Environment("".join(f"\n{line}" for line in [*lines, ""]).encode("utf-8", "replace")), self._reply
        )

    @property
    def end(self) -> CallEnd:
        (end,) = self.ends
        return end

    def _record(self, end: CallEnd, settle: Callable[[bool], None]) -> None:
        self.ends.append(end)
        self.settle = settle

    def _reply(self, commands: bytes) -> None:
        lines = commands.decode().splitlines()
        self.replies.append({line.split(" ", 3)[2]: line.split('"')[1] for line in lines})


async def test_what_the_handler_says_is_the_call_s_end() -> None:
    ended = Ended(
        *(GATEWAY, "dialstatus=ANSWER", "answeredtime=42", "hangupcause=16", "state=Up"),
        *("DISPO=Sale, warm", "AMDSTATUS=HUMAN", "empty="),
    )
    assert ended.end == CallEnd(
        STATE,
        EndSource.REPORT,
        uniqueid="1700000000.7",
        ended_at=1_700_000_060.5,
        dialstatus="ANSWER",
        is_up=True,
        cause=16,
        answered_s=42.0,
        variables={"DISPO": "Sale, warm", "AMDSTATUS": "HUMAN"},
    )


async def test_query_says_the_same_as_arguments() -> None:
    packed = pack(STATE).replace("|", "%7C").replace("+", "%2B")
    ended = Ended(script=f"report?gateway={packed}&dialstatus=BUSY&DISPO=Not%20now")
    assert (ended.end.state, ended.end.dialstatus) == (STATE, "BUSY")
    assert ended.end.variables == {"DISPO": "Not now"}


async def test_the_record_is_safe_before_the_dialplan_hears_yes() -> None:
    ended = Ended(GATEWAY)
    assert ended.replies == []
    ended.settle(SAFE)
    assert ended.replies == [YES]


async def test_a_record_that_cannot_be_stored_is_said() -> None:
    ended = Ended(GATEWAY)
    ended.settle(not SAFE)
    assert ended.replies == [no("not_stored")]


@pytest.mark.simulated_time
async def test_the_reply_never_comes_later_than_the_deadline_and_only_once() -> None:
    ended = Ended(GATEWAY, deadline_s=1.0)
    await asyncio.sleep(0.999)
    assert ended.replies == []
    await asyncio.sleep(0.002)
    assert ended.replies == [no("timeout")]
    ended.settle(SAFE)
    assert ended.replies == [no("timeout")]


@pytest.mark.simulated_time
async def test_a_reply_in_time_stops_its_deadline() -> None:
    ended = Ended(GATEWAY)
    ended.settle(SAFE)
    await asyncio.sleep(5)
    assert ended.replies == [YES]


@pytest.mark.parametrize("arguments", [(), ("gateway=",), ("dialstatus=ANSWER", "x")])
async def test_a_call_without_a_state_is_no_error(arguments: tuple[str, ...]) -> None:
    ended = Ended(*arguments)
    assert (ended.ends, ended.replies) == ([], [no("not_assigned")])


@pytest.mark.parametrize("packed", ["2|new", "1", '1|"quoted"', "${GATEWAY}"])
async def test_a_state_that_is_not_ours_is_said(packed: str) -> None:
    ended = Ended(f"gateway={packed}")
    assert (ended.ends, ended.replies) == ([], [no("bad_state")])


async def test_known_keys_fill_what_assign_was_not_told() -> None:
    ended = Ended(GATEWAY, "agent=Joe", "Skill=Sales", "attempts=3")
    assert (ended.end.state.agent, ended.end.state.skill, ended.end.state.attempts) == ("Jane", "Sales", "3")
    assert ended.end.variables == {}


@pytest.mark.parametrize(
    "said", ["hangupcause=x", "hangupcause=999", "answeredtime=-1", "answeredtime=", "state="]
)
async def test_facts_that_make_no_sense_are_unknown(said: str) -> None:
    end = Ended(GATEWAY, said).end
    assert (end.cause, end.answered_s, end.is_up) == (None, None, None)


async def test_the_first_value_of_a_key_counts_and_long_ones_are_cut() -> None:
    ended = Ended(GATEWAY, "DISPO=" + "s" * 300, "DISPO=other", f"gateway={pack(CallState(phone='x'))}")
    assert ended.end.variables == {"DISPO": "s" * 255}
    assert ended.end.state == STATE


async def test_a_dead_channel_is_answered_over_the_wire() -> None:
    """The request of a real hangup handler, its arguments exchanged for ours."""
    block = (FIXTURES / "hangup_handler_env.env").read_bytes().partition(b"agi_arg_1:")[0]
    request = block.replace(b"hupreport", b"report") + f"agi_arg_1: {GATEWAY}\n\n".encode()
    ends: list[CallEnd] = []

    def record(end: CallEnd, settle: Callable[[bool], None]) -> None:
        ends.append(end)
        settle(SAFE)

    loop = asyncio.get_running_loop()
    verb = Report(record, deadline_s=1.0, clock=loop)
    server = AgiServer(AgiSettings(listen=("127.0.0.1:0",)), {"report": verb}, SessionMetrics(), loop)
    await server.start()
    reader, writer = await asyncio.open_connection(*server.addresses[0])
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    await server.stop()
    verb.close()
    assert answer == b'SET VARIABLE GATEWAY_REPORT_REASON ""\nSET VARIABLE GATEWAY_REPORTED "YES"\n'
    assert [end.uniqueid for end in ends] == ["1795172894.56"]
