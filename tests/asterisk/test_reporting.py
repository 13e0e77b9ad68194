"""Every outcome of a real call becomes exactly one record that says so."""

import pytest

from gateway.simulator.upstream_answers import Fault
from tests.asterisk.reports_rig import (
    ANSWERED,
    BUSY,
    CONGESTION,
    DISPOSITIONS,
    FAR_END_HANGS_UP,
    REAL_ASTERISK,
    RINGS,
    ReportsRig,
    new_number,
)
from tests.asterisk.wait import wait_for

pytestmark = REAL_ASTERISK


@pytest.mark.parametrize("outcome", DISPOSITIONS)
def test_outcome_of_a_call_is_reported_once_with_all_its_fields(reports: ReportsRig, outcome: int) -> None:
    number = new_number(outcome)
    ended = reports.call(number, talk_s=20 if outcome == FAR_END_HANGS_UP else 0.3)
    record = reports.check(number, DISPOSITIONS[outcome])
    assert record["dial_id"] == f"{ended.get('Uniqueid')}-1"


def test_caller_who_gives_up_is_a_cancelled_call(reports: ReportsRig) -> None:
    number = new_number(RINGS)
    reports.call(number, variables={"RING_S": "20"}, timeout_s=0.5)
    reports.check(number, "Cancelled")


def test_phone_that_talks_and_hangs_up_is_reported(reports: ReportsRig) -> None:
    number = new_number(ANSWERED)
    reports.numbers.add(number)
    reports.phone.dial(number)
    record = reports.record(number)
    assert record["disposition_name"] == "Answered"
    assert record["ani"] == reports.carrier.invite(number).ani
    assert record["agent_name"] == "7001"


def test_phone_that_gives_up_is_reported(reports: ReportsRig) -> None:
    number = new_number(RINGS)
    reports.numbers.add(number)
    reports.phone.dial(number, "give_up_ringing")
    assert reports.record(number)["disposition_name"] == "Cancelled"


def test_number_that_was_assigned_and_not_dialled_is_not_reported(reports: ReportsRig) -> None:
    number = new_number(ANSWERED)
    ended = reports.call(number, "undialled")
    assert number in ended.variables["GATEWAY"]
    reports.nothing_left()
    assert reports.service.records(number) == []


def test_two_trunks_are_one_record_with_the_last_ones_outcome(reports: ReportsRig) -> None:
    for outcome, disposition in ((ANSWERED, "Answered"), (BUSY, "Busy")):
        number = new_number(outcome)
        reports.call(number, "gateway-outbound")
        assert len(reports.trunk_a.invites(number)) == 1
        record = reports.record(number)
        assert record["disposition_name"] == disposition
        assert record["ani"] == reports.carrier.invite(number).ani


def test_local_channel_without_n_is_reported_once(reports: ReportsRig) -> None:
    number = new_number(FAR_END_HANGS_UP)
    reports.originate(number, channel=f"Local/{number}@reports", talk_s=20)
    reports.hangup(f"Local/{number}@reports-")
    reports.check(number, "Answered")


def test_local_channel_that_is_optimised_away_is_reported_once(reports: ReportsRig) -> None:
    """Its Hangup event comes while the call lives on, with another channel in its place."""
    number, caller = new_number(ANSWERED), new_number(ANSWERED)
    reports.originate(number, channel=f"Local/{number}@reports", bridged_with=caller)
    wait_for(lambda: "ACK sip:" in reports.carrier.messages_of(caller), f"{caller} to answer")
    reports.carrier.talk(number)
    reports.hangup(f"Local/{number}@reports-")
    reports.check(number, "Answered")
    customer = reports.live("PJSIP/trunk-b-")
    reports.ami.act("Hangup", {"Channel": customer})
    reports.hangup(customer, "")
    reports.nothing_left()
    assert len(reports.service.records(number)) == 1
    assert reports.service.records(caller) == []


@pytest.mark.parametrize(
    ("outcome", "disposition"), [(ANSWERED, "Answered"), (BUSY, "Busy"), (CONGESTION, "Congestion")]
)
def test_call_originated_straight_to_the_trunk_is_reported(
    reports: ReportsRig, outcome: int, disposition: str
) -> None:
    number = new_number(outcome)
    packed = f"1|+12345678901|+1{number}|spring"
    reports.originate(number, variables={"GATEWAY": packed}, channel=f"PJSIP/{number}@trunk-b")
    record = reports.record(number)
    assert record["disposition_name"] == disposition
    assert record["ani"] == "2345678901"
    assert record["campaign_id"] == "spring"


def test_queue_member_that_calls_out_is_reported(reports: ReportsRig) -> None:
    number = new_number(FAR_END_HANGS_UP)
    reports.originate(number, "queue", {"RING_S": "5"}, talk_s=20)
    reports.check(number, "Answered")


def test_blind_transfer_leaves_one_record(reports: ReportsRig) -> None:
    number = new_number(ANSWERED)
    reports.originate(number, talk_s=10)
    caller = reports.wait_answered(number)
    fields = {"Channel": caller, "Context": "transfer", "Exten": "700"}
    assert reports.ami.act("BlindTransfer", fields).get("Response") == "Success"
    reports.hangup(caller, "")
    reports.hangup("PJSIP/trunk-b-", "")
    reports.check(number, "Answered")


def test_attended_transfer_leaves_one_record(reports: ReportsRig) -> None:
    """The agent calls a colleague, then the customer is handed over to that call."""
    number = new_number(ANSWERED)
    reports.originate(number, talk_s=20)
    caller = reports.wait_answered(number)
    customer = reports.live("PJSIP/trunk-b-")
    reports.originate("700", "transfer", talk_s=20)
    colleague = reports.live("Local/700@transfer-", ";1")
    fields = {"Channel1": customer, "Channel2": colleague}
    assert reports.ami.act("Bridge", fields).get("Response") == "Success"
    reports.hangup(caller, "")
    reports.hangup(customer, "")
    reports.check(number, "Answered")


def test_hangup_handler_and_ami_together_make_one_record(reports: ReportsRig) -> None:
    number = new_number(ANSWERED)
    ended = reports.call(number, "watched")
    reports.check(number, "Answered")
    assert ended.variables["GATEWAY"]
    reports.nothing_left()
    assert len(reports.service.records(number)) == 1


def test_two_calls_of_one_channel_are_two_records(reports: ReportsRig) -> None:
    first, second = new_number(ANSWERED), new_number(BUSY)
    reports.numbers.add(second)
    ended = reports.call(first, "two-calls", {"SECOND": second}, talk_s=4)
    records = [reports.record(number) for number in (first, second)]
    assert [record["disposition_name"] for record in records] == ["Answered", "Busy"]
    assert [record["dial_id"] for record in records] == [f"{ended.get('Uniqueid')}-1", "second"]
    assert [record["ani"] for record in records] == [
        reports.carrier.invite(number).ani for number in (first, second)
    ]


def test_call_without_an_assigned_number_is_reported_with_its_own(reports: ReportsRig) -> None:
    number = new_number(ANSWERED)
    with reports.service.misbehaving(Fault.NO_ANI_200):
        reports.call(number)
    assert reports.check(number, "Answered")["ani"] == "7001"
