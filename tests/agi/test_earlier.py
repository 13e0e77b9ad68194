from collections.abc import Callable
from typing import cast

import pytest

from gateway.agi.environment import Environment
from gateway.agi.settings import AgiSettings
from gateway.agi.verbs.assign import Assign
from gateway.assignment.campaigns import Campaigns
from gateway.assignment.guards import Guards
from gateway.assignment.resolver import Resolver
from gateway.assignment.settings import AssignmentSettings
from gateway.dials.recorder import NoRecord, Recorder
from gateway.dials.settings import RecorderSettings
from gateway.model.decision import Decision, Source, Status
from gateway.model.dial import CallEnd, Dial, EndSource
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.model.variables import CallState, pack, unpack
from gateway.telemetry.metrics import CallMetrics

UNIQUEID = "1700000000.7"
FIRST = CallState(
    ani="+12345678901",
    phone="+15559876543",
    campaign="9001",
    status="ASSIGNED",
    at="1699999990",
    dial_id=f"{UNIQUEID}-1",
)
SAME, OTHER = "5559876543", "5559876900"


class Assigned:
    """In the resolver's place: always the same number."""

    def now(self) -> float:
        return 0.0

    def resolve(self, _lead: Lead, deliver: Callable[[Decision], None]) -> None:
        deliver(Decision(Status.ASSIGNED, Source.OUTBOUNDIQ, PhoneNumber("+12345678902")))


class Second:
    """The second question of a channel."""

    def __init__(
        self, phone: str, dialstatus: str, *further: str, state: str = "", reports: bool = True
    ) -> None:
        self.ends: list[CallEnd] = []
        verb = Assign(
            AgiSettings(),
            resolver=cast("Resolver", Assigned()),
            guards=Guards(AssignmentSettings()),
            campaigns=Campaigns(AssignmentSettings(), {}),
            metrics=CallMetrics(),
            reporter=self if reports else None,
            wall_clock=lambda: 1_700_000_000.9,
        )
        arguments = [phone, "", "", f"gateway={state or pack(FIRST)}", f"dialstatus={dialstatus}", *further]
        lines = ["agi_network_script: assign", f"agi_uniqueid: {UNIQUEID}"]
        lines += [f"agi_arg_{number}: {value}" for number, value in enumerate(arguments, 1)]
        self.set: dict[str, str] = {}
        verb(Environment("".join(f"\n{line}" for line in [*lines, ""]).encode()), self._reply)
        self.records = [Recorder(RecorderSettings()).record(end) for end in self.ends]

    def take_earlier(self, end: CallEnd) -> None:
        self.ends.append(end)

    def note_assigned(self, peer: str, state: CallState, uniqueid: str) -> None:
        assert (peer, uniqueid) == ("", UNIQUEID)
        assert state.status == "ASSIGNED"

    def _reply(self, commands: bytes) -> None:
        lines = commands.decode().splitlines()
        self.set = {line.split(" ", 3)[2]: line.split('"')[1] for line in lines}


def test_the_dial_before_is_reported_with_its_own_outcome() -> None:
    second = Second(OTHER, "ANSWER")
    assert second.ends == [
        CallEnd(FIRST, EndSource.REPORT, UNIQUEID, ended_at=1_700_000_000.9, dialstatus="ANSWER")
    ]
    (dial,) = second.records
    assert isinstance(dial, Dial)
    assert (dial.dial_id, dial.disposition_name, dial.at) == (FIRST.dial_id, "Answered", 1_699_999_990)
    state = unpack(second.set["GATEWAY"])
    assert state is not None
    assert (state.dial_id, state.phone) == (f"{UNIQUEID}-2", "+15559876900")


@pytest.mark.parametrize("dialstatus", ["CONGESTION", "CHANUNAVAIL", "INVALIDARGS", ""])
def test_the_next_trunk_of_the_same_call_is_no_dial_of_its_own(dialstatus: str) -> None:
    second = Second(SAME, dialstatus)
    assert second.ends == []
    assert "DIALSTATUS" not in second.set


@pytest.mark.parametrize("dialstatus", ["ANSWER", "BUSY", "NOANSWER", "busy"])
def test_the_same_number_again_after_it_was_reached_is_a_new_dial(dialstatus: str) -> None:
    second = Second(SAME, dialstatus)
    assert [end.dialstatus for end in second.ends] == [dialstatus.upper()]


def test_a_number_assigned_and_then_left_for_another_was_never_dialled() -> None:
    assert Second(OTHER, "").records == [NoRecord.NEVER_DIALLED]


def test_a_dial_id_of_the_caller_s_own_given_again_is_one_dial() -> None:
    own = pack(CallState(phone=FIRST.phone, dial_id="V123", status="ASSIGNED"))
    assert Second(OTHER, "ANSWER", "dial_id=V123", state=own).ends == []
    assert len(Second(OTHER, "ANSWER", "dial_id=V124", state=own).ends) == 1


def test_what_was_reported_cannot_be_told_of_the_next_dial() -> None:
    second = Second(OTHER, "ANSWER")
    assert (second.set["DIALSTATUS"], second.set["ANSWEREDTIME"]) == ("", "")


def test_an_emergency_call_does_not_lend_its_outcome_to_the_dial_before() -> None:
    second = Second("911", "NOANSWER")
    assert second.set["GATEWAY_STATUS"] == "BYPASSED"
    assert second.set["GATEWAY"] == ""
    assert [end.dialstatus for end in second.ends] == ["NOANSWER"]


def test_a_state_that_is_none_is_nothing_to_report() -> None:
    assert Second(OTHER, "ANSWER", state="2|later").ends == []


def test_without_anybody_to_tell_nothing_is_forgotten() -> None:
    assert "DIALSTATUS" not in Second(OTHER, "ANSWER", reports=False).set
