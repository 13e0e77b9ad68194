"""Gateways found by SRV names, as the real Asterisk does it: fail-over yes, load sharing no."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.asterisk.ami import Ami, Message
from tests.asterisk.fetch import Programs
from tests.asterisk.gateway_process import GatewayProcess
from tests.asterisk.names import NamedBox, NameServer, Srv, require_namespaces
from tests.asterisk.ports import free_tcp_port, free_udp_port
from tests.asterisk.rig import REAL_ASTERISK, WATCHED, new_number
from tests.asterisk.sip import Carrier
from tests.asterisk.upstream import Upstream

pytestmark = REAL_ASTERISK
CALLS = 6


@dataclass
class Farm:
    ami: Ami
    names: NameServer
    gateways: list[GatewayProcess]

    def call(self) -> str:
        """One call from start to end; the gateway's status, "" when none answered."""
        number = new_number()
        fields = {
            "Channel": f"Local/{number}@gateway-outbound/n",
            "Application": "Wait",
            "Data": "0.1",
            "CallerID": '"Agent" <7001>',
            "Timeout": "15000",
            "Async": "true",
        }
        answer = self.ami.act("Originate", fields, {"GATEWAY_AGI": "hagi://gateway.test"})
        assert answer.get("Response") == "Success", answer
        local = f"Local/{number}@gateway-outbound-"

        def is_dialplan_half(event: Message) -> bool:
            return event.get("Channel").startswith(local) and event.get("Channel").endswith(";2")

        return self.ami.event("Hangup", is_dialplan_half).variables["GATEWAY_STATUS"]

    def decided(self) -> list[int]:
        """Calls each gateway says it decided."""
        return [gateway.output().count("ASSIGNED") for gateway in self.gateways]


@pytest.fixture
def farm(programs: Programs, tmp_path: Path) -> Iterator[Farm]:
    require_namespaces()
    ami_port = free_tcp_port()
    with ExitStack() as stack:
        upstream, names = stack.enter_context(Upstream()), stack.enter_context(NameServer([]))
        log = "\n[log]\ncalls = true\n"
        gateways = [
            stack.enter_context(GatewayProcess(tmp_path, port=free_tcp_port(), url=upstream.url, more=log))
            for _ in range(2)
        ]
        trunk = stack.enter_context(Carrier(programs, "answer", tmp_path))
        values = {
            "@AMI_PORT@": str(ami_port),
            "@SIP_PORT@": str(free_udp_port()),
            "@TRUNK_A_PORT@": str(trunk.port),
            "@TRUNK_B_PORT@": str(trunk.port),
            "127.0.0.1:4577": f"127.0.0.1:{free_tcp_port()}",
            "ANSWEREDTIME\n": f"ANSWEREDTIME,{WATCHED}\n",
        }
        stack.enter_context(NamedBox(programs, tmp_path / "box", values, names))
        yield Farm(stack.enter_context(Ami(ami_port, "test", "test")), names, gateways)


def test_a_dead_gateway_of_the_first_priority_is_passed_over(farm: Farm) -> None:
    first, _ = farm.gateways
    farm.names.records = [Srv(10, 0, free_tcp_port()), Srv(20, 0, first.port)]
    assert [farm.call() for _ in range(CALLS)] == ["ASSIGNED"] * CALLS
    assert farm.decided() == [CALLS, 0]


def test_gateways_of_the_same_priority_do_not_share_the_calls(farm: Farm) -> None:
    farm.names.records = [Srv(10, 0, gateway.port) for gateway in farm.gateways]
    assert [farm.call() for _ in range(CALLS)] == ["ASSIGNED"] * CALLS
    assert sorted(farm.decided()) == [0, CALLS]


def test_a_call_goes_on_without_any_record(farm: Farm) -> None:
    assert farm.call() == ""
