import pytest

from tests.asterisk.rig import REAL_ASTERISK, Rig, new_number
from tests.asterisk.upstream import Handler, ani_for

pytestmark = REAL_ASTERISK

INJECTIONS = [
    '5551230000"\nSET VARIABLE PWNED 1',
    "5551230000\r\nSET VARIABLE PWNED 1\r\n",
    '5551230000" "\nEXEC Set PWNED=1\n',
    "${GLOBAL(GATEWAY_AGI)}",
    "5551230000\x00\nSET VARIABLE PWNED 1",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_upstream_cannot_put_a_command_into_the_caller_id(rig: Rig, text: str) -> None:
    def hostile(request: Handler) -> None:
        request.answer(200, {"success": True, "ani": text, "message": text})

    number = new_number()
    rig.upstream.sick[number] = hostile
    ended = rig.call(number)
    assert rig.trunk_b.invite(number).ani == "7001"
    assert ended.variables["PWNED"] == ""
    assert ended.variables["GATEWAY_STATUS"] == "UNCHANGED"


@pytest.mark.parametrize("text", INJECTIONS)
def test_upstream_cannot_put_a_command_into_its_message(rig: Rig, text: str) -> None:
    number = new_number()

    def hostile(request: Handler) -> None:
        request.answer(200, {"success": True, "ani": ani_for(number), "message": text})

    rig.upstream.sick[number] = hostile
    ended = rig.call(number)
    assert rig.trunk_b.invite(number).ani == ani_for(number)
    assert ended.variables["PWNED"] == ""


def test_refusal_with_a_command_in_it_changes_nothing(rig: Rig) -> None:
    def hostile(request: Handler) -> None:
        request.answer(403, {"success": False, "message": INJECTIONS[0]})

    number = new_number()
    rig.upstream.sick[number] = hostile
    ended = rig.call(number)
    assert rig.trunk_b.invite(number).ani == "7001"
    assert ended.variables["PWNED"] == ""


@pytest.mark.parametrize("context", ["hostile-arguments", "hostile-arguments-unfiltered"])
def test_line_ends_in_dialplan_arguments_do_not_become_commands(rig: Rig, context: str) -> None:
    """The shipped subroutine leaves them out; without it the gateway's own guard holds."""
    number = new_number()
    ended = rig.call(number, context)
    assert ended.variables["PWNED"] == ""
    assert rig.upstream.asked.count("4045559999") == 0
    assert rig.trunk_b.invite(number).ani in {ani_for(number), "7001"}


def test_line_ends_in_dialplan_arguments_leave_the_call_its_number(rig: Rig) -> None:
    number = new_number()
    ended = rig.call(number, "hostile-arguments")
    assert rig.trunk_b.invite(number).ani == ani_for(number)
    assert f"{number},30303,springagi_arg_1: 4045559999SET VARIABLE PWNED 1" in rig.agi_runs(ended)[0]


@pytest.mark.parametrize("campaign", ["a:b?c", "d(e", "f)g[h", 'i"j', "k\\l", "m]n&o|p", "q=${r}"])
def test_marks_of_the_dialplan_in_a_campaign_leave_the_other_arguments_in_place(
    rig: Rig, campaign: str
) -> None:
    number = new_number()
    ended = rig.call(number, variables={"GATEWAY_CAMPAIGN": campaign})
    kept = "".join(character for character in campaign if character not in '"()[]\\')
    assert rig.agi_runs(ended)[0].endswith(f"/assign,{number},30303,{kept},agent=7001,,,,,")
    assert rig.trunk_b.invite(number).ani == ani_for(number)
