import math
from pathlib import Path

import pytest

from gateway.ami.events import Hangup, NoCall, gap_end, read_hangup, read_status
from gateway.model.dial import EndSource
from gateway.model.variables import CallState, pack
from gateway.simulator.ami_events import AmiChannel
from gateway.simulator.ami_session import CHANNELVARS

STATE = CallState(ani="+15559876500", phone="+14045551234", campaign="c12", dial_id="pbx-1.1-1")
GATEWAY = pack(STATE)
CAPTURES = {
    path.name.removesuffix(".hangup.txt"): path for path in Path("tests/fixtures/ami").glob("*.hangup.txt")
}
WALL = 1_800_000_000.0


def hangup_of(channel: AmiChannel, *names: str, timestamp: float | None = None) -> Hangup | NoCall:
    body = channel.hangup(names or CHANNELVARS, timestamp).removesuffix(b"\r\n\r\n")
    return read_hangup(body, pbx="main", heard_at=WALL)


def assigned(**variables: str) -> AmiChannel:
    return AmiChannel("17.4", variables={"GATEWAY": GATEWAY, **variables}, tech_cause="486", cause=17)


def test_a_hangup_of_an_assigned_channel_is_a_call_end() -> None:
    hangup = hangup_of(assigned(DIALSTATUS="BUSY"))
    assert isinstance(hangup, Hangup)
    end = hangup.end
    assert (end.state, end.source, end.uniqueid, end.pbx) == (STATE, EndSource.AMI, "17.4", "main")
    assert (end.dialstatus, end.cause, end.tech_cause, end.is_up) == ("BUSY", 17, "486", True)
    assert (end.answered_s, end.ended_at, hangup.lag_s) == (None, WALL, None)
    assert not hangup.lacks_variables


def test_further_variables_come_along_when_they_are_set() -> None:
    hangup = hangup_of(
        assigned(AGENT_DISPO='sold "big"', ANSWEREDTIME="12"), *CHANNELVARS, "AGENT_DISPO", "AMD"
    )
    assert isinstance(hangup, Hangup)
    assert dict(hangup.end.variables) == {"AGENT_DISPO": 'sold "big"'}
    assert hangup.end.answered_s == 12.0


def test_the_time_of_the_event_counts_when_it_has_one() -> None:
    hangup = hangup_of(assigned(), timestamp=WALL - 0.25)
    assert isinstance(hangup, Hangup)
    assert hangup.end.ended_at == WALL - 0.25
    assert hangup.lag_s == pytest.approx(0.25)


def test_a_pbx_whose_clock_runs_ahead_makes_no_negative_lag() -> None:
    hangup = hangup_of(assigned(), timestamp=WALL + 9)
    assert isinstance(hangup, Hangup)
    assert hangup.lag_s == 0


@pytest.mark.parametrize("packed", ["", "1", "2|x", "1|a b", "555", "1|ani\r\n"])
def test_a_channel_without_a_state_is_none_of_ours(packed: str) -> None:
    assert hangup_of(AmiChannel("1.1", variables={"GATEWAY": packed})) is NoCall.NOT_ASSIGNED


def test_an_event_without_the_variable_is_told_apart() -> None:
    assert hangup_of(assigned(), "DIALSTATUS") is NoCall.NOT_NAMED


def test_channelvars_with_gateway_alone_are_noticed() -> None:
    hangup = hangup_of(assigned(), "GATEWAY")
    assert isinstance(hangup, Hangup)
    assert hangup.lacks_variables


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "x", "", "1e999"])
def test_a_time_that_is_none_is_left_out(value: str) -> None:
    hangup = hangup_of(assigned(ANSWEREDTIME=value))
    assert isinstance(hangup, Hangup)
    assert hangup.end.answered_s is None
    assert math.isfinite(hangup.end.ended_at)


@pytest.mark.parametrize(
    ("header", "cause", "is_up"),
    [(b"Cause: 9999", None, None), (b"Cause: x", None, None), (b"ChannelState: 4", None, False)],
)
def test_headers_that_are_missing_or_odd_mean_unknown(
    header: bytes, cause: int | None, *, is_up: bool | None
) -> None:
    body = b"Event: Hangup\r\n" + header + b"\r\nChanVariable: GATEWAY=" + GATEWAY.encode()
    hangup = read_hangup(body, pbx="", heard_at=WALL)
    assert isinstance(hangup, Hangup)
    assert (hangup.end.cause, hangup.end.is_up, hangup.end.uniqueid) == (cause, is_up, "")


def test_status_tells_live_channels() -> None:
    body = assigned().status(CHANNELVARS, "a1").removesuffix(b"\r\n\r\n")
    channel = read_status(body)
    assert channel is not None
    assert (channel.uniqueid, channel.state, channel.names_gateway) == ("17.4", STATE, True)


def test_status_tells_a_channel_of_no_call_and_one_without_the_variable() -> None:
    quiet = read_status(AmiChannel("1.1").status(CHANNELVARS, "a").removesuffix(b"\r\n\r\n"))
    blind = read_status(assigned().status(("DIALSTATUS",), "a").removesuffix(b"\r\n\r\n"))
    assert quiet is not None
    assert blind is not None
    assert (quiet.state, quiet.names_gateway) == (None, True)
    assert (blind.state, blind.names_gateway) == (None, False)
    assert read_status(b"Event: Status") is None


def test_a_gap_end_knows_the_call_and_nothing_of_its_outcome() -> None:
    end = gap_end("1.1", STATE, pbx="main", ended_at=5.0)
    assert (end.source, end.dialstatus, end.is_up, end.cause) == (EndSource.GAP, "", None, None)


# -- the recordings, with their laboratory names replaced by ours --------------------------------------


def replayed(name: str) -> list[Hangup]:
    """The call ends of a recording: a set OIQ_ANI stands for a packed state, as the verb would set it."""
    recording = CAPTURES[name].read_bytes()
    recording = recording.replace(b"ChanVariable: OIQ_ANI=5", b"ChanVariable: GATEWAY=1|+15")
    recording = recording.replace(b"ChanVariable: OIQ_ANI=", b"ChanVariable: GATEWAY=")
    blocks = [block for block in recording.split(b"\r\n\r\n") if block.startswith(b"Event: Hangup\r\n")]
    read = [read_hangup(block, pbx="lab", heard_at=WALL) for block in blocks]
    assert NoCall.NOT_NAMED not in read
    return [hangup for hangup in read if isinstance(hangup, Hangup)]


@pytest.mark.parametrize(
    ("name", "dialstatus", "cause", "tech_cause", "is_up"),
    [
        ("answered_caller_hangs_up", "ANSWER", 16, "", True),
        ("answered_callee_hangs_up", "ANSWER", 16, "", True),
        ("busy_486", "BUSY", 17, "486", False),
        ("congestion_503", "CONGESTION", 34, "503", False),
        ("no_answer_dial_timeout", "NOANSWER", 16, "", False),
        ("carrier_dead_no_response", "NOANSWER", 16, "", False),
        ("cancelled_by_caller_while_ringing", "CANCEL", 127, "487", False),
        ("not_found_404", "CHANUNAVAIL", 1, "404", False),
        ("declined_603", "CHANUNAVAIL", 21, "403", False),
        ("server_error_500", "CHANUNAVAIL", 38, "500", False),
        ("unavailable_480_q850_18", "NOANSWER", 19, "480", False),
        ("assigned_but_not_dialled", "", 21, "403", False),
        ("killed_by_ami_hangup_with_cause", "ANSWER", 34, "503", True),
        ("trunk_failover_two_dials_one_channel", "ANSWER", 16, "", True),
        ("queue_inbound_to_local_member_outbound", "ANSWER", 16, "", True),
    ],
)
def test_a_recorded_outcome_reads_as_the_table_says(
    name: str, dialstatus: str, cause: int, tech_cause: str, *, is_up: bool
) -> None:
    (hangup,) = replayed(name)
    end = hangup.end
    assert (end.dialstatus, end.cause, end.tech_cause, end.is_up) == (dialstatus, cause, tech_cause, is_up)
    assert end.state.ani.startswith("+15")
    assert (end.answered_s is not None) == (dialstatus == "ANSWER")


def test_every_recording_ends_each_assigned_call_once() -> None:
    counts = {name: len(replayed(name)) for name in CAPTURES}
    assert {name: count for name, count in counts.items() if count > 1} == {
        "asterisk-16.28.local_answer_busy_congestion": 3,  # three calls
    }
    assert {name for name, count in counts.items() if count == 0} == {
        "agi_server_refuses_connection",
        "agi_server_says_hangup",
        "agi_server_silent_caller_cancels",
        "agi_server_silent_channel_hung_up",
        "queue_inbound_to_sip_member",
    }


def test_hostile_values_stay_values() -> None:
    (hangup,) = replayed("hostile_variable_values")
    assert hangup.end.variables["OIQ_ERR"] == "a\r\nEvent: Evil\r\nX: y"
    assert hangup.end.variables["OIQ_PHONE"] == 'é"=: '
