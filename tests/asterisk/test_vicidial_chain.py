from tests.asterisk.rig import REAL_ASTERISK, Rig, new_number
from tests.asterisk.upstream import ani_for
from tests.asterisk.wait import wait_for

pytestmark = REAL_ASTERISK

CODE = "V1120101500000000042"
"""VICIdial finds the call by this caller-ID name: V, month to second, lead id."""


def names_logged(rig: Rig, number: str) -> list[str]:
    requests = [
        request
        for request in rig.call_log.requests
        if request["agi_channel"].startswith(f"Local/91{number}@")
    ]
    return [request["agi_calleridname"] for request in requests]


def test_number_is_assigned_and_the_name_code_stays_from_start_to_end(rig: Rig) -> None:
    number = new_number()
    ended = rig.call(f"91{number}", "vicidial-carrier", caller_id=f'"{CODE}" <4045550100>')
    sender = rig.trunk_b.invite(number).sender
    assert sender == f'"{CODE}" <sip:{ani_for(number)}@pbx.example>'
    wait_for(lambda: len(names_logged(rig, number)) == 2, "call_log at the start and at the end")
    assert names_logged(rig, number) == [CODE, CODE]
    assert f"dial_id={CODE}" in rig.agi_runs(ended)[1]


def test_campaign_of_the_call_is_asked_for(rig: Rig) -> None:
    number = new_number()
    ended = rig.call(f"91{number}", "vicidial-carrier", {"CAMPCUST": "SPRING"})
    assert f"{number},,SPRING," in rig.agi_runs(ended)[1]
