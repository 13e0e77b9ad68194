import socket
import time
from collections.abc import Iterator

import pytest

from tests.asterisk.gateway_process import GatewayProcess
from tests.asterisk.ports import free_tcp_port
from tests.asterisk.rig import REAL_ASTERISK, Rig, new_number
from tests.asterisk.upstream import Answer, Handler, ani_for
from tests.asterisk.wait import wait_for

pytestmark = REAL_ASTERISK


@pytest.fixture
def patient_gateway(rig: Rig) -> Iterator[GatewayProcess]:
    """A gateway that waits long for its upstream, so that only the caller's hangup can end a session soon."""
    gateway = GatewayProcess(rig.folder, port=free_tcp_port(), url=rig.upstream.url, deadline_s=8)
    with gateway:
        yield gateway


def silent(request: Handler) -> None:
    request.wait(20)


def slow(request: Handler) -> None:
    request.wait(1.2)
    request.answer(200, {"success": True, "ani": "4045551234", "message": "late"})


def broken(request: Handler) -> None:
    request.answer(500, {"success": False, "message": "internal error"})


def malformed(request: Handler) -> None:
    request.answer(200, b'{"success": true, "ani": ["404"')


@pytest.mark.parametrize("sickness", [silent, slow, broken, malformed])
def test_sick_upstream_leaves_the_callers_own_number(rig: Rig, sickness: Answer) -> None:
    number = new_number()
    rig.upstream.sick[number] = sickness
    ended = rig.call(number)
    assert number in rig.upstream.asked
    assert rig.trunk_b.invite(number).ani == "7001"
    assert ended.variables["GATEWAY_STATUS"] == "UNCHANGED"
    assert ended.variables["GATEWAY_REASON"] in {"timeout", "unavailable", "bad_answer"}
    assert ended.variables["GATEWAY_ANI"] == ""


def test_call_goes_on_when_the_gateway_is_down(rig: Rig) -> None:
    number = new_number()
    ended = rig.call(number, variables={"GATEWAY_AGI": f"agi://127.0.0.1:{free_tcp_port()}"})
    assert rig.trunk_b.invite(number).ani == "7001"
    assert ended.variables["GATEWAY_STATUS"] == ""


def test_answer_of_an_earlier_call_is_not_taken_for_one_when_the_gateway_is_down(rig: Rig) -> None:
    first, second = new_number(), new_number()
    dead = f"agi://127.0.0.1:{free_tcp_port()}"
    ended = rig.call(first, "gateway-lost", {"SECOND": second, "DEAD": dead}, talk_s=4)
    assert rig.trunk_b.invite(first).ani == ani_for(first)
    assert rig.trunk_b.invite(second).ani == "7002"
    assert ended.variables["GATEWAY_STATUS"] == ""


def test_second_trunk_asks_again_when_the_gateway_has_not_answered(rig: Rig) -> None:
    """Nobody has decided yet, and a gateway that restarted may know by now."""
    number = new_number()
    ended = rig.call(number, variables={"GATEWAY_AGI": f"agi://127.0.0.1:{free_tcp_port()}"})
    assert len(rig.agi_runs(ended)) == 2


def test_agent_who_hangs_up_during_the_decision_is_gone_at_once(
    rig: Rig, patient_gateway: GatewayProcess
) -> None:
    number = new_number()
    rig.upstream.sick[number] = silent
    rig.box.cli(f"dialplan set global GATEWAY_AGI {patient_gateway.agi}")
    try:
        started = time.monotonic()
        rig.phone.dial(number, "give_up")
        wait_for(
            lambda: rig.box.cli("core show channels count").startswith("0 active channels"), "no channel"
        )
        wait_for(lambda: patient_gateway.open_sessions() == 0, "the gateway to end the session", within_s=2)
        assert time.monotonic() - started < 4
    finally:
        rig.box.cli(f"dialplan set global GATEWAY_AGI {rig.gateway.agi}")
    assert number in rig.upstream.asked
    assert rig.trunk_a.invites(number) == []


def test_agent_who_hangs_up_is_gone_at_once_though_the_gateway_is_frozen(rig: Rig) -> None:
    """A frozen gateway never closes, so only AGIEXITONHANGUP frees the channel."""
    number = new_number()
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        rig.originate(number, variables={"GATEWAY_AGI": f"agi://127.0.0.1:{frozen.getsockname()[1]}"})
        frozen.settimeout(5)
        session, _ = frozen.accept()
        with session:
            started = time.monotonic()
            rig.box.cli("channel request hangup all")
            rig.hangup(number)
            assert time.monotonic() - started < 2


@pytest.mark.parametrize("context", ["with-h", "freepbx-route"])
def test_own_h_extension_runs_when_the_agent_hangs_up_during_the_decision(
    rig: Rig, patient_gateway: GatewayProcess, context: str
) -> None:
    """However many subroutines deep the question is asked."""
    number = new_number()
    rig.upstream.sick[number] = silent
    rig.originate(number, context, {"GATEWAY_AGI": patient_gateway.agi})
    wait_for(lambda: number in rig.upstream.asked, "the question to reach the upstream")
    rig.box.cli("channel request hangup all")
    assert rig.hangup(number, context).variables["H_RAN"] == "yes"


def test_health_checks_do_not_disturb_calls(rig: Rig) -> None:
    number = new_number()
    rig.health_check(50)
    rig.originate(number)
    rig.health_check(50)
    rig.hangup(number)
    assert rig.trunk_b.invite(number).ani == ani_for(number)
    wait_for(lambda: rig.gateway.open_sessions() == 0, "the gateway to close idle sessions")
