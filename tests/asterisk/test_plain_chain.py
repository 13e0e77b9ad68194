import time

from tests.asterisk.rig import REAL_ASTERISK, Rig, new_number
from tests.asterisk.upstream import ani_for

pytestmark = REAL_ASTERISK


def test_carrier_sees_the_assigned_number(rig: Rig) -> None:
    number = new_number()
    ended = rig.call(number)
    assert rig.trunk_b.invite(number).ani == ani_for(number)
    assert ended.variables["GATEWAY_STATUS"] == "ASSIGNED"
    assert ended.variables["GATEWAY_SOURCE"] == "outboundiq"
    assert ended.variables["DIALSTATUS"] == "ANSWER"


def test_two_trunks_in_turn_carry_the_same_number_for_one_question(rig: Rig) -> None:
    number = new_number()
    ended = rig.call(number)
    assert rig.trunk_a.invite(number).ani == ani_for(number)
    assert rig.trunk_b.invite(number).ani == ani_for(number)
    assert len(rig.agi_runs(ended)) == 1
    assert rig.upstream.asked.count(number) == 1


def test_number_written_with_country_code_is_known_again(rig: Rig) -> None:
    number = new_number()
    ended = rig.call("1" + number)
    assert rig.trunk_b.invite("1" + number).ani == ani_for(number)
    assert len(rig.agi_runs(ended)) == 1


def test_agent_keeps_the_name(rig: Rig) -> None:
    number = new_number()
    rig.phone.dial(number)
    assert rig.trunk_b.invite(number).sender == f'"Agent Seven" <sip:{ani_for(number)}@pbx.example>'


def test_withheld_presentation_stays_withheld(rig: Rig) -> None:
    number = new_number()
    rig.phone.dial(f"*67{number}")
    sender = rig.trunk_b.invite(number).sender
    assert "anonymous" in sender
    assert ani_for(number) not in sender
    assert "Agent" not in sender


def test_emergency_number_goes_out_untouched_and_unasked(rig: Rig) -> None:
    rig.phone.dial("911", "refused")
    assert rig.trunk_a.invite("911").sender == '"Agent Seven" <sip:7001@pbx.example>'
    assert "911" not in rig.upstream.asked


def test_emergency_number_that_reaches_the_gateway_is_bypassed(rig: Rig) -> None:
    """Even a dialplan that asks for every number does no harm."""
    ended = rig.call("911", "with-h")
    assert rig.trunk_b.invite("911").ani == "7001"
    assert ended.variables["GATEWAY_STATUS"] == "BYPASSED"


def test_second_call_of_a_channel_is_a_new_assignment(rig: Rig) -> None:
    first, second = new_number(), new_number()
    ended = rig.call(first, "two-calls", {"SECOND": second}, talk_s=4)
    assert rig.trunk_b.invite(first).ani == ani_for(first)
    assert rig.trunk_b.invite(second).ani == ani_for(second)
    packed = ended.variables["GATEWAY"]
    again = rig.agi_runs(ended)[1]
    assert "gateway=1|" in again
    assert again.endswith("dialstatus=ANSWER")
    assert second in packed
    assert first not in packed


def test_same_number_after_an_answered_call_is_a_new_assignment(rig: Rig) -> None:
    number = new_number()
    ended = rig.call(number, "two-calls", {"SECOND": number}, talk_s=4)
    assert len(rig.agi_runs(ended)) == 2
    assert ended.variables["GATEWAY_DIAL_ID"] == "second"


def test_hundred_calls_at_once_each_get_their_own_number(rig: Rig) -> None:
    numbers = [new_number() for _ in range(100)]
    for number in numbers:
        rig.originate(number)
        time.sleep(0.02)  # the calls are open together; in one instant a small machine would miss deadlines
    for number in numbers:
        rig.hangup(number)
    invites = rig.trunk_b.all_invites()
    seen = {number: [invite.ani for invite in invites[number].values()] for number in numbers}
    assert seen == {number: [ani_for(number)] for number in numbers}
