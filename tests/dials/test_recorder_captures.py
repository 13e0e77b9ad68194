"""Every recorded Hangup stream of a real Asterisk, replayed to its records.

The laboratory set OIQ_ANI and OIQ_PHONE where the gateway sets GATEWAY: plain, by AGI, on one channel.
AGISTATUS tells a channel that asked from one whose originator packed the variable.
"""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.dials.rank import better
from gateway.dials.recorder import NoRecord, Recorder
from gateway.dials.settings import RecorderSettings
from gateway.model.cause import parse_cause
from gateway.model.dial import CallEnd, Dial, EndSource
from gateway.model.phone import parse_phone
from gateway.model.variables import GATEWAY, CallState, pack, unpack

FIXTURES = Path(__file__).parent.parent / "fixtures" / "ami"
ESCAPE = re.compile(rb"\\(.)")
RECORDER = Recorder(RecorderSettings())

LAST_DIGITS = str
TABLE: dict[str, list[tuple[str, LAST_DIGITS]]] = {
    "absolute_timeout": [("Answered", "500")],
    "agi_server_refuses_connection": [],
    "agi_server_says_hangup": [],
    "agi_server_silent_caller_cancels": [],
    "agi_server_silent_channel_hung_up": [],
    "answer_before_dial": [("Answered", "507")],
    "answered_callee_hangs_up": [("Answered", "506")],
    "answered_caller_hangs_up": [("Answered", "500")],
    "assigned_but_not_dialled": [],
    "asterisk-16.28.local_answer_busy_congestion": [
        ("Answered", "501"),
        ("Busy", "502"),
        ("Congestion", "503"),
    ],
    "attended_transfer_completed": [("Answered", "500")],
    "attended_transfer_via_ami_bridge": [("Answered", "500")],
    "blind_transfer_by_agent": [("Answered", "500")],
    "blind_transfer_by_customer_leg": [("Answered", "500")],
    "busy_486": [("Busy", "501")],
    "busy_cause_passed_to_caller": [("Busy", "501")],
    "cancelled_by_caller_while_ringing": [("Cancelled", "503")],
    "carrier_dead_no_response": [("No Answer", "500")],
    "cdr_variable": [("Answered", "500")],
    "congestion_503": [("Congestion", "502")],
    "declined_603": [("Rejected", "505")],
    "early_media_then_answer": [("Answered", "507")],
    "h_extension_sets_variable": [("Answered", "500")],
    "hangup_handler_agi": [("Answered", "500")],
    "hostile_variable_values": [],
    "killed_by_ami_hangup_with_cause": [("Answered", "500")],
    "killed_by_cli_request_hangup": [("Answered", "500")],
    "no_answer_dial_timeout": [("No Answer", "503")],
    "not_found_404": [("Bad Number", "504")],
    "originate_click_to_call_agent_first": [("Answered", "500")],
    "originate_click_to_call_rings_3s": [("Answered", "500")],
    "originate_direct_trunk_busy_no_agi": [("Busy", "111")],
    "originate_direct_trunk_no_agi": [("Answered", "111")],
    "originate_local_busy": [("Busy", "501")],
    "originate_local_n_answered": [("Answered", "500")],
    "originate_local_n_bridged_to_agent": [("Answered", "500")],
    "originate_local_n_not_optimised_rtp": [("Answered", "500")],
    "originate_local_no_answer_originate_timeout": [("Cancelled", "503")],
    "originate_local_optimised_answered": [("Answered", "500")],
    "originate_local_optimised_away_rtp": [("Answered", "500")],
    "originate_local_to_confbridge_rtp": [("Answered", "500")],
    "originate_with_variable_and_inheritance": [("Answered", "500")],
    "parallel_dial_two_b_legs": [("Answered", "500")],
    "queue_inbound_to_local_member_outbound": [("Answered", "500")],
    "queue_inbound_to_sip_member": [],
    "redirect_a_leg_to_new_outbound_call": [("Answered", "900")],
    "redirect_b_leg_masquerade": [("Answered", "500")],
    "redirect_both_legs_ami": [("Answered", "500")],
    "rtp_direct_answered": [("Answered", "500")],
    "server_error_500": [("Unavailable", "508")],
    "trunk_failover_two_dials_one_channel": [("Answered", "500")],
    "unavailable_480_q850_18": [("No Answer", "511")],
}
"""File to its records: disposition, and the last digits of the caller ID, which say whose call it was."""


def test_every_capture_has_its_line() -> None:
    assert {path.name.removesuffix(".hangup.txt") for path in FIXTURES.glob("*.hangup.txt")} == TABLE.keys()


@pytest.mark.parametrize("name", TABLE)
def test_capture_makes_its_records(name: str) -> None:
    dials = records(name)
    assert [(dial.disposition_name, dial.ani[-3:]) for dial in dials] == TABLE[name]
    for dial in dials:
        assert dial.ani.startswith("+1555")
        assert dial.prospect_phone == "+1" + dial.ani[2:] if dial.ani[-3:] != "111" else "+15559876500"
        assert re.fullmatch(r"17951[0-9]{5}\.[0-9]+-1", dial.dial_id)
        assert (dial.talk_s is not None) <= (dial.disposition_name == "Answered")


@pytest.mark.parametrize("name", TABLE)
def test_capture_heard_twice_and_backwards_makes_the_same_records(name: str) -> None:
    kept: dict[str, Dial] = {}
    for dial in [*reversed(records(name)), *records(name)]:
        kept[dial.dial_id] = better(kept.get(dial.dial_id, dial), dial)
    assert sorted(kept) == sorted(dial.dial_id for dial in records(name))
    assert {dial.dial_id: dial for dial in records(name)} == kept


def test_assigned_but_not_dialled_says_so() -> None:
    (end,) = call_ends("assigned_but_not_dialled")
    assert RECORDER.record(end) is NoRecord.NEVER_DIALLED


def test_hostile_number_is_no_number() -> None:
    (end,) = call_ends("hostile_variable_values")
    assert end.state.phone == 'é"=: '
    assert RECORDER.record(end) is NoRecord.NO_PHONE


def test_talk_time_is_what_asterisk_measured() -> None:
    assert [dial.talk_s for dial in records("answer_before_dial")] == [6.0]
    assert [dial.talk_s for dial in records("redirect_both_legs_ami")] == [None]


def records(name: str) -> list[Dial]:
    made = [RECORDER.record(end) for end in call_ends(name)]
    return [dial for dial in made if isinstance(dial, Dial)]


def call_ends(name: str) -> list[CallEnd]:
    """The ends of channels that carry a state, as the AMI filter `GATEWAY=1` passes them."""
    return [end for headers, variables in messages(name) for end in call_end(headers, variables)]


def call_end(headers: dict[str, str], variables: dict[str, str]) -> Iterator[CallEnd]:
    state = unpack(variables[GATEWAY]) if GATEWAY in variables else None
    if state is not None:
        yield CallEnd(
            state,
            EndSource.AMI,
            uniqueid=headers["Uniqueid"],
            ended_at=float(headers.get("Timestamp", "1795171900")),
            dialstatus=variables["DIALSTATUS"],
            is_up=headers["ChannelState"] == "6",
            cause=parse_cause(headers["Cause"]),
            tech_cause=headers.get("TechCause", ""),
            answered_s=float(variables["ANSWEREDTIME"]) if variables["ANSWEREDTIME"] else None,
        )


def messages(name: str) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    for block in (FIXTURES / f"{name}.hangup.txt").read_bytes().split(b"\r\n\r\n"):
        headers: dict[str, str] = {}
        variables: dict[str, str] = {}
        for line in filter(None, block.split(b"\r\n")):
            key, _, value = line.partition(b": ")
            if key == b"ChanVariable":
                variable, _, value = value.partition(b"=")
                variables[variable.decode()] = unescaped(value)
            else:
                headers[key.decode()] = value.decode()
        if headers.get("Event") == "Hangup":
            yield headers, with_gateway(headers, variables)


def unescaped(value: bytes) -> str:
    return ESCAPE.sub(lambda match: codecs.escape_decode(match[0])[0], value).decode()


def with_gateway(headers: dict[str, str], variables: dict[str, str]) -> dict[str, str]:
    """GATEWAY as `assign` would have set it, or as whoever originates straight to a trunk packs it."""
    ani, phone = variables.get("OIQ_ANI", ""), variables.get("OIQ_PHONE")
    if not ani:
        return variables
    number = parse_phone(ani)
    shown = number.e164 if number else ani
    asked = bool(variables["AGISTATUS"])
    dialled = phone or (f"1{ani}" if asked else "15559876500")
    written = parse_phone(dialled)
    state = CallState(
        ani=shown,
        phone=written.e164 if written else dialled,
        status="ASSIGNED" if asked else "",
        source="outboundiq" if asked else "",
        at=headers["Uniqueid"].partition(".")[0],
        dial_id=f"{headers['Uniqueid']}-1" if asked else "",
    )
    return {**variables, GATEWAY: pack(state)}
