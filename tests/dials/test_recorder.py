from dataclasses import fields, replace

import pytest

from gateway.dials.recorder import NoRecord, Recorder
from gateway.dials.settings import (
    ConstantSettings,
    DispositionSettings,
    RecorderSettings,
    VariableSettings,
)
from gateway.model.dial import CallEnd, Dial, EndSource
from gateway.model.variables import CallState

STATE = CallState(
    ani="+12345678901",
    phone="+15559876543",
    campaign="9001",
    status="ASSIGNED",
    source="outboundiq",
    at="1700000000",
    dial_id="1700000000.7-1",
)
END = CallEnd(
    STATE,
    EndSource.AMI,
    uniqueid="1700000000.7",
    ended_at=1_700_000_060.5,
    dialstatus="ANSWER",
    is_up=True,
    cause=16,
    answered_s=42.0,
)


def recorded(end: CallEnd, settings: RecorderSettings | None = None, *, pbx_id: str = "") -> Dial:
    made = Recorder(settings or RecorderSettings(), pbx_id=pbx_id).record(end)
    assert isinstance(made, Dial), made
    return made


def why_not(end: CallEnd, settings: RecorderSettings | None = None) -> NoRecord:
    made = Recorder(settings or RecorderSettings()).record(end)
    assert isinstance(made, NoRecord), made
    return made


def name(end: CallEnd, **names: str) -> str:
    settings = RecorderSettings(
        DispositionSettings(names={key.replace("_", "/"): n for key, n in names.items()})
    )
    return recorded(end, settings).disposition_name


def test_every_field_comes_from_the_call_first() -> None:
    state = STATE._replace(
        zip="90210",
        agent="Jane Doe",
        campaign_name="Q2",
        skill="Sales",
        lead_source="fb",
        lead_created="2026-04-01",
        attempts="3",
        direction="Manual",
    )
    everything = {field.name: "variable" for field in fields(VariableSettings)}
    settings = RecorderSettings(
        variables=VariableSettings(**everything),
        constants=ConstantSettings(**{field.name: "constant" for field in fields(ConstantSettings)}),
    )
    assert replace(
        recorded(replace(END, state=state, variables={"variable": "9"}), settings), rank=0
    ) == Dial(
        dial_id="1700000000.7-1",
        ani="+12345678901",
        prospect_phone="+15559876543",
        at=1_700_000_000.0,
        campaign_id="9001",
        campaign_name="Q2",
        agent_name="Jane Doe",
        disposition_name="Answered",
        call_direction="Manual",
        zip="90210",
        sys_created_date_original="2026-04-01",
        total_dial_attempts="3",
        skill_name="Sales",
        lead_source="fb",
        talk_s=42.0,
    )


@pytest.mark.parametrize("field", [field.name for field in fields(VariableSettings)])
def test_a_channel_variable_goes_before_the_constant(field: str) -> None:
    told = {"sys_created_date_original": "2026-04-02", "total_dial_attempts": "4"}.get(field, "told")
    settings = RecorderSettings(
        variables=VariableSettings(**{field: "LeadThing"}), constants=ConstantSettings(**{field: "constant"})
    )
    bare = replace(END, state=STATE._replace(campaign=""))
    assert getattr(recorded(replace(bare, variables={"LEADTHING": told}), settings), field) == told
    assert getattr(recorded(bare, settings), field) == "constant"


def test_without_anything_only_the_direction_is_filled() -> None:
    dial = recorded(replace(END, state=STATE._replace(campaign="")))
    assert dial.call_direction == "Outbound"
    assert {dial.campaign_id, dial.agent_name, dial.zip, dial.lead_source, dial.skill_name} == {""}


def test_a_key_that_assign_did_not_know_serves_as_variable() -> None:
    settings = RecorderSettings(variables=VariableSettings(skill_name="team"))
    end = replace(END, state=STATE._replace(extra="team=North%20%26%20West"))
    assert recorded(end, settings).skill_name == "North & West"
    assert recorded(replace(end, variables={"TEAM": "East"}), settings).skill_name == "East"


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("2026-04-01", "2026-04-01"),
        ("2026-04-01 12:30:00", "2026-04-01"),
        ("2026-04-01+12:30:00", "2026-04-01"),
        ("01.04.2026", ""),
        ("2026-02-30", ""),
    ],
)
def test_the_lead_s_day_is_written_as_the_api_wants_it(told: str, kept: str) -> None:
    assert recorded(replace(END, state=STATE._replace(lead_created=told))).sys_created_date_original == kept


def test_attempts_that_are_no_count_are_left_out() -> None:
    assert recorded(replace(END, state=STATE._replace(attempts="many"))).total_dial_attempts == ""


def test_text_is_one_line_of_at_most_255_characters() -> None:
    settings = RecorderSettings(variables=VariableSettings(agent_name="AGENTNAME"))
    end = replace(END, variables={"AGENTNAME": " Eve\r\nEvent: Evil\x00" + "x" * 300})
    assert recorded(end, settings).agent_name == ("Eve Event: Evil " + "x" * 300)[:255]


@pytest.mark.parametrize(
    ("shown", "reported"),
    [("7001", "7001"), ("5551234567", "+15551234567"), ("anonymous", "anonymous"), ("", "")],
)
def test_unchanged_call_is_reported_with_the_caller_id_it_had(shown: str, reported: str) -> None:
    state = STATE._replace(ani=shown, status="UNCHANGED", source="none")
    assert recorded(replace(END, state=state)).ani == reported


@pytest.mark.parametrize(
    ("dialstatus", "cause", "expected"),
    [
        ("ANSWER", 16, "Answered"),
        ("ANSWER", 34, "Answered"),
        ("BUSY", 17, "Busy"),
        ("NOANSWER", 16, "No Answer"),
        ("NOANSWER", 19, "No Answer"),
        ("CANCEL", 127, "Cancelled"),
        ("CONGESTION", 34, "Congestion"),
        ("CONGESTION", 1, "Bad Number"),
        ("CHANUNAVAIL", 1, "Bad Number"),
        ("CHANUNAVAIL", 28, "Bad Number"),
        ("CHANUNAVAIL", 21, "Rejected"),
        ("CHANUNAVAIL", 38, "Unavailable"),
        ("CHANUNAVAIL", None, "Unavailable"),
        ("DONTCALL", 16, "Do Not Call"),
        ("TORTURE", 16, "Rejected"),
        ("INVALIDARGS", 16, "Failed"),
        ("SOMETHINGNEW", 16, "SOMETHINGNEW"),
    ],
)
def test_dialstatus_and_cause_have_their_names(dialstatus: str, cause: int | None, expected: str) -> None:
    assert recorded(replace(END, dialstatus=dialstatus, cause=cause)).disposition_name == expected


def test_the_agent_goes_before_the_machine_and_both_before_dialstatus() -> None:
    assert name(replace(END, variables={"AMDSTATUS": "MACHINE"})) == "Answering Machine"
    assert name(replace(END, variables={"AMDSTATUS": "HUMAN"})) == "Answered"
    assert name(replace(END, variables={"AMDSTATUS": "MACHINE", "DISPO": "SALE"})) == "SALE"


def test_configured_names_lie_over_the_table() -> None:
    sold = replace(END, variables={"dispo": "sale"})
    assert name(sold, AGENT_SALE="Sale!") == "Sale!"
    assert name(END, answer="Talked") == "Talked"
    assert name(replace(END, dialstatus="BUSY", cause=17), BUSY_17="User Busy") == "User Busy"


def test_another_variable_may_hold_the_agent_s_disposition() -> None:
    settings = RecorderSettings(DispositionSettings(agent_variables=("WRAPUP", "OUTCOME")))
    end = replace(END, variables={"DISPO": "no", "OUTCOME": "Sale", "WRAPUP": ""})
    assert recorded(end, settings).disposition_name == "Sale"


def test_an_empty_name_means_no_record() -> None:
    settings = RecorderSettings(DispositionSettings(names={"CANCEL": ""}))
    assert why_not(replace(END, dialstatus="CANCEL"), settings) is NoRecord.UNWANTED


def test_assigned_but_never_dialled_makes_no_record_unless_it_has_a_name() -> None:
    end = replace(END, dialstatus="", is_up=False, cause=21)
    assert why_not(end) is NoRecord.NEVER_DIALLED
    assert name(end, UNDIALLED="Not Dialled") == "Not Dialled"


def test_an_agent_s_phone_answered_first_is_no_answered_dial() -> None:
    """Click to call: the agent's channel is Up before Dial runs, and the agent may hang up before it does."""
    assert why_not(replace(END, dialstatus="", is_up=True)) is NoRecord.NEVER_DIALLED


@pytest.mark.parametrize(
    ("is_up", "cause", "expected"),
    [
        (True, 16, "Answered"),
        (False, 17, "Busy"),
        (False, 1, "Bad Number"),
        (False, 21, "Rejected"),
        (False, 34, "Congestion"),
        (False, 19, "No Answer"),
        (False, 16, "No Answer"),
        (False, 127, "No Answer"),
        (None, None, "Unknown"),
    ],
)
def test_originated_to_a_trunk_goes_by_state_and_cause(
    is_up: bool | None,  # noqa: FBT001 - a column of the table
    cause: int | None,
    expected: str,
) -> None:
    packed_by_the_originator = CallState(ani="+12345678901", phone="+15559876543")
    end = replace(END, state=packed_by_the_originator, dialstatus="", is_up=is_up, cause=cause)
    assert recorded(end).disposition_name == expected


def test_a_call_that_ended_in_a_gap_is_unknown_unless_something_is_known() -> None:
    gap = replace(END, source=EndSource.GAP, dialstatus="", is_up=None, cause=None)
    assert recorded(gap).disposition_name == "Unknown"
    assert recorded(replace(gap, dialstatus="ANSWER")).disposition_name == "Answered"
    assert why_not(gap, RecorderSettings(DispositionSettings(names={"UNKNOWN": ""}))) is NoRecord.UNWANTED


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (CallState(), NoRecord.NOT_ASSIGNED),
        (STATE._replace(phone=""), NoRecord.NO_PHONE),
        (STATE._replace(phone='é"=:'), NoRecord.NO_PHONE),
    ],
)
def test_a_state_that_tells_too_little_makes_no_record(state: CallState, why: NoRecord) -> None:
    assert why_not(replace(END, state=state)) is why


def test_without_its_own_id_a_dial_has_the_one_assign_would_have_made() -> None:
    bare = replace(END, state=STATE._replace(dial_id=""))
    assert recorded(bare).dial_id == "1700000000.7-1"
    assert recorded(bare, pbx_id="pbx1").dial_id == "pbx1-1700000000.7-1"
    assert why_not(replace(bare, uniqueid="")) is NoRecord.NO_ID


@pytest.mark.parametrize("at", ["", "soon", "999999999999", "-1", "²"])
def test_without_its_time_a_dial_has_the_time_it_ended(at: str) -> None:
    assert recorded(replace(END, state=STATE._replace(at=at))).at == END.ended_at


@pytest.mark.parametrize("answered_s", [float("nan"), float("inf"), -1.0, None])
def test_talk_time_that_makes_no_sense_is_unknown(answered_s: float | None) -> None:
    assert recorded(replace(END, answered_s=answered_s)).talk_s is None


def test_a_dial_nobody_answered_has_no_talk_time() -> None:
    assert recorded(replace(END, dialstatus="BUSY")).talk_s is None
