from pathlib import Path

from tests.asterisk.rig import REAL_ASTERISK, Rig, new_number
from tests.asterisk.upstream import ani_for

pytestmark = REAL_ASTERISK

HOOKS = Path(__file__).parents[2] / "asterisk-config" / "freepbx"


def test_both_trunks_of_a_route_carry_the_assigned_number_for_one_question(rig: Rig) -> None:
    number = new_number()
    ended = rig.call(number, "freepbx-route")
    assert rig.trunk_a.invite(number).ani == ani_for(number)
    assert rig.trunk_b.invite(number).ani == ani_for(number)
    assert len(rig.agi_runs(ended)) == 1
    assert ended.variables["GATEWAY_ANI"] == ani_for(number)


def test_reports_show_the_assigned_number(rig: Rig) -> None:
    number = new_number()
    ended = rig.call(number, "freepbx-route")
    assert ended.variables["CDR(outbound_cnum)"] == ani_for(number)


def test_agent_is_told_to_the_gateway(rig: Rig) -> None:
    ended = rig.call(new_number(), "freepbx-route")
    assert "agent=7001" in rig.agi_runs(ended)[0]


def test_emergency_route_keeps_its_caller_id_and_asks_nobody(rig: Rig) -> None:
    number = new_number()
    ended = rig.call(number, "freepbx-route", {"EMERGENCYROUTE": "YES"})
    assert rig.trunk_b.invite(number).ani == "4045550200"
    assert rig.agi_runs(ended) == []


def test_call_within_the_company_keeps_its_caller_id_and_asks_nobody(rig: Rig) -> None:
    number = new_number()
    ended = rig.call(number, "freepbx-route", {"INTRACOMPANYROUTE": "YES"})
    assert rig.trunk_b.invite(number).ani == "4045550200"
    assert rig.agi_runs(ended) == []


def test_trunks_own_caller_id_stays_when_the_gateway_is_down(rig: Rig) -> None:
    number = new_number()
    rig.call(number, "freepbx-route", {"GATEWAY_AGI": "agi://127.0.0.1:1"})
    assert rig.trunk_a.invite(number).ani == "4045550100"
    assert rig.trunk_b.invite(number).ani == "4045550200"


def test_blocked_number_reaches_no_trunk(rig: Rig) -> None:
    number = "900" + new_number()[3:]
    ended = rig.call(number, "freepbx-route")
    assert ended.variables["GATEWAY_STATUS"] == "BLOCKED"
    assert rig.trunk_a.invites(number) == []
    assert rig.trunk_b.invites(number) == []


def test_hooks_of_16_and_17_differ_in_their_end_only(rig: Rig) -> None:
    """Asterisk 22 has no Macro to run the older one, but loads it and has the same shared part."""
    old, new = ((HOOKS / f"predial_hook_{release}.conf").read_text() for release in (16, 17))
    steps = [line for line in new.splitlines() if "," in line and not line.startswith(";")]
    assert [line.replace("Return()", "MacroExit()") for line in steps] == [
        line for line in old.splitlines() if "," in line and not line.startswith(";")
    ]
    shown = rig.box.cli("dialplan show macro-dialout-trunk-predial-hook-16")
    assert "Gosub(gateway-freepbx,s,1)" in shown
    assert "MacroExit()" in shown
