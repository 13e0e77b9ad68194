"""Everything one test of a real call needs, started once: Asterisk, carriers, gateway, upstream."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.asterisk.ami import Ami, Message
from tests.asterisk.box import Box
from tests.asterisk.call_log import CallLog
from tests.asterisk.fetch import Programs
from tests.asterisk.gateway_process import GatewayProcess
from tests.asterisk.ports import free_tcp_port, free_udp_port
from tests.asterisk.sip import Carrier, Phone
from tests.asterisk.upstream import Upstream

REAL_ASTERISK = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("asterisk"),
    # the first test of a run may have to fetch Asterisk; every wait within a test has its own limit
    pytest.mark.timeout(600),
]
"""Marks of every test file here: one worker, one Asterisk."""

WATCHED = (
    "GATEWAY_STATUS,GATEWAY_SOURCE,GATEWAY_ANI,GATEWAY_DIAL_ID,GATEWAY_REASON,H_RAN,PWNED,CDR(outbound_cnum)"
)
"""Further variables for the tests to see in Hangup events."""

AGENT = '"Agent Seven" <7001>'
"""The caller ID calls have before the gateway is asked."""

_numbers = count(4_045_550_000 + 1_000)


def new_number() -> str:
    """A number no other test calls, so that no cached answer stands in for the one under test."""
    return str(next(_numbers))


@dataclass(frozen=True, slots=True)
class Rig:
    """The running parts. Trunk A refuses every call with 503, trunk B answers every call."""

    programs: Programs
    folder: Path
    box: Box
    ami: Ami
    ami_port: int
    trunk_a: Carrier
    trunk_b: Carrier
    phone: Phone
    upstream: Upstream
    gateway: GatewayProcess
    call_log: CallLog

    def originate(
        self,
        number: str,
        context: str = "gateway-outbound",
        variables: dict[str, str] | None = None,
        *,
        caller_id: str = AGENT,
        talk_s: float = 0.3,
    ) -> None:
        """Starts a call through `context`; the caller hangs up `talk_s` after the first answer."""
        fields = {
            "Channel": f"Local/{number}@{context}/n",
            "Application": "Wait",
            "Data": str(talk_s),
            "CallerID": caller_id,
            "Timeout": "15000",
            "Async": "true",
        }
        answer = self.ami.act("Originate", fields, variables)
        assert answer.get("Response") == "Success", answer

    def call(
        self,
        number: str,
        context: str = "gateway-outbound",
        variables: dict[str, str] | None = None,
        *,
        caller_id: str = AGENT,
        talk_s: float = 0.3,
    ) -> Message:
        """One call from start to end; the Hangup event of the channel that went through the dialplan."""
        self.originate(number, context, variables, caller_id=caller_id, talk_s=talk_s)
        return self.hangup(number, context)

    def hangup(self, number: str, context: str = "gateway-outbound") -> Message:
        """The Hangup event of the call's dialplan half, waited for."""
        local = f"Local/{number}@{context}-"

        def is_dialplan_half(event: Message) -> bool:
            return event.get("Channel").startswith(local) and event.get("Channel").endswith(";2")

        return self.ami.event("Hangup", is_dialplan_half)

    def health_check(self, times: int) -> None:
        """Connects to the gateway and closes again, as a load balancer does."""
        for _ in range(times):
            socket.create_connection(("127.0.0.1", self.gateway.port), timeout=2).close()

    def agi_runs(self, hangup: Message) -> list[str]:
        """The data of each AGI application the call's channel ran."""
        ran = (event for event in self.ami.events("Newexten") if event.get("Application") == "AGI")
        return [event.get("AppData") for event in ran if event.get("Uniqueid") == hangup.get("Uniqueid")]


@contextmanager
def started(programs: Programs, folder: Path) -> Iterator[Rig]:
    """The rig, with all its parts running; all of them are ended at the end, whatever happened."""
    ami_port, sip_port, agi_port = free_tcp_port(), free_udp_port(), free_tcp_port()
    with ExitStack() as stack:
        enter = stack.enter_context
        upstream, call_log = enter(Upstream()), enter(CallLog())
        gateway = enter(GatewayProcess(folder, port=agi_port, url=upstream.url))
        trunk_a = enter(Carrier(programs, "refuse", folder))
        trunk_b = enter(Carrier(programs, "answer", folder))
        values = {
            "@AMI_PORT@": str(ami_port),
            "@SIP_PORT@": str(sip_port),
            "@TRUNK_A_PORT@": str(trunk_a.port),
            "@TRUNK_B_PORT@": str(trunk_b.port),
            # what an administrator changes in the shipped files
            "agi://127.0.0.1:4573": gateway.agi,
            "127.0.0.1:4577": f"127.0.0.1:{call_log.port}",
            "ANSWEREDTIME\n": f"ANSWEREDTIME,{WATCHED}\n",
        }
        box = enter(Box(programs, folder / "box", values))
        ami = enter(Ami(ami_port, "test", "test"))
        phone = Phone(programs, sip_port, folder)
        yield Rig(programs, folder, box, ami, ami_port, trunk_a, trunk_b, phone, upstream, gateway, call_log)
