"""Two gateways and a dead one behind a real balancer, asked by the real Asterisk."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.asterisk.ami import Message
from tests.asterisk.balancer import Balancer
from tests.asterisk.gateway_process import GatewayProcess
from tests.asterisk.ports import free_tcp_port
from tests.asterisk.rig import REAL_ASTERISK, Rig, new_number
from tests.asterisk.upstream import ani_for

pytestmark = REAL_ASTERISK
CALLS = 12


@dataclass
class Farm:
    rig: Rig
    gateways: list[GatewayProcess]
    balancer: Balancer

    def call(self, number: str) -> Message:
        return self.rig.call(number, variables={"GATEWAY_AGI": self.balancer.agi})


@pytest.fixture
def farm(rig: Rig) -> Iterator[Farm]:
    """The first of the balancer's three gateways was never started."""
    with ExitStack() as stack:
        log = "\n[log]\ncalls = true\n"
        gateways = [
            stack.enter_context(
                GatewayProcess(rig.folder, port=free_tcp_port(), url=rig.upstream.url, more=log)
            )
            for _ in range(2)
        ]
        ports = [free_tcp_port(), *(gateway.port for gateway in gateways)]
        yield Farm(rig, gateways, stack.enter_context(Balancer(rig.folder, ports)))


def decided(gateway: GatewayProcess) -> int:
    """Calls the gateway says it decided."""
    return gateway.output().count("ASSIGNED")


def test_every_call_gets_its_number_though_a_gateway_is_dead(farm: Farm) -> None:
    for number in [new_number() for _ in range(CALLS)]:
        ended = farm.call(number)
        assert ended.variables["GATEWAY_STATUS"] == "ASSIGNED"
        assert farm.rig.trunk_b.invite(number).ani == ani_for(number)


def test_the_calls_are_shared_out(farm: Farm) -> None:
    for number in [new_number() for _ in range(CALLS)]:
        farm.call(number)
    assert sum(map(decided, farm.gateways)) == CALLS
    assert min(map(decided, farm.gateways)) >= CALLS // 4


def test_a_gateway_that_dies_takes_no_further_call_with_it(farm: Farm) -> None:
    farm.call(new_number())
    farm.gateways[0].kill()
    for number in [new_number() for _ in range(CALLS)]:
        assert farm.call(number).variables["GATEWAY_STATUS"] == "ASSIGNED"
    assert decided(farm.gateways[1]) >= CALLS


def test_a_call_goes_on_when_all_gateways_are_dead(farm: Farm) -> None:
    for gateway in farm.gateways:
        gateway.kill()
    number = new_number()
    assert farm.call(number).variables["GATEWAY_STATUS"] == ""
    assert farm.rig.trunk_b.invite(number).ani == "7001"
