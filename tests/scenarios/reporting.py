"""A PBX and an upstream around a running gateway, for tests of the reporting path."""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from gateway.simulator.ami import AmiSimulator
from gateway.simulator.ami_events import AmiChannel
from gateway.simulator.asterisk import CallResult, place_call
from gateway.simulator.call import DEFAULT_EPOCH, CallRequest
from gateway.simulator.upstream import UpstreamSimulator
from gateway.stores.spool_view import SpoolView

PATIENCE_S = 15.0
SETTINGS = """
[ami.pbx]
address = "{address}"
secret = "{secret}"

[dials]
targets = ["{target}"]

[dials_file]
path = "{folder}/dials.jsonl"

[spool]
file = "{folder}/spool/spool.db"
settle_s = 0.05

[delivery]
retry_base_s = 0.05
retry_cap_s = 0.2
breaker_open_s = 0.05
breaker_max_open_s = 0.2
mendable_pause_s = 0.2

[log]
level = "debug"
calls = true
"""
"""Everything is logged, so that whatever could leak does."""
ASSIGNMENT = """
fallback = ["default"]
default_ani = "+13105550100"
breaker_open_s = 0.05
breaker_max_open_s = 0.1
"""
OUTCOMES = {"ANSWER": "Answered", "BUSY": "Busy", "NOANSWER": "No Answer", "CONGESTION": "Congestion"}
"""DIALSTATUS, and the disposition it becomes."""


class Gateway(Protocol):
    """What is needed of the running gateway."""

    @property
    def port(self) -> int: ...
    @property
    def pid(self) -> int: ...
    @property
    def log(self) -> Path: ...
    @property
    def config(self) -> Path: ...
    def waited_s(self) -> float: ...


@dataclass(slots=True)
class Pbx:
    """Asterisk: places calls at the gateway, and hangs them up at the manager."""

    gateway: Gateway
    ami: AmiSimulator
    expected: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """By dial_id, each call that has ended: prospect, caller ID, disposition, as the API writes them."""
    _placed: int = 0

    async def call(self, count: int) -> list[CallResult]:
        """Place calls to new numbers and leave them up."""
        requests = []
        for _ in range(count):
            self._placed += 1
            phone = f"1212555{self._placed:04}"
            requests.append(CallRequest(phone, "90210", "9001", uniqueid=f"{DEFAULT_EPOCH}.{self._placed}"))
        results = await asyncio.gather(
            *(place_call("127.0.0.1", self.gateway.port, request, timeout_s=5) for request in requests)
        )
        for request, result in zip(requests, results, strict=True):
            assert result.variables.get("GATEWAY"), result
            self.ami.place(AmiChannel(request.uniqueid, variables=result.variables))
        return list(results)

    def hang_up_all(self) -> None:
        """End all calls at once, with the outcomes in turn."""
        for number, channel in enumerate(list(self.ami.channels.values())):
            dialstatus = list(OUTCOMES)[number % len(OUTCOMES)]
            packed = channel.variables["GATEWAY"].split("|")
            dial_id = channel.variables["GATEWAY_DIAL_ID"]
            phone, ani = (number.removeprefix("+1") for number in (packed[2], packed[1]))
            self.expected[dial_id] = (phone, ani, OUTCOMES[dialstatus])
            self.ami.place(replace(channel, variables={**channel.variables, "DIALSTATUS": dialstatus}))
            self.ami.hang_up(channel.uniqueid)

    async def is_listened_to(self) -> None:
        """Wait until the gateway's AMI link is up."""
        await until(
            lambda: any("status" in one.session.actions for one in self.ami.connections), "the AMI link is up"
        )


def settings(ami: AmiSimulator, folder: Path, *, target: str = "outboundiq") -> str:
    """The sections of the reporting path."""
    return SETTINGS.format(address=ami.address, secret=ami.user.secret, folder=folder, target=target)


async def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait for a process that runs on real time."""
    stop = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < stop, f"never came true: {what}"
        await asyncio.sleep(0.02)


def waiting(file: Path) -> int:
    """Records in a spool somebody else holds."""
    view = SpoolView.open(str(file))
    try:
        return sum(target.waiting for target in view.stats().values())
    finally:
        view.close()


class Placed(Protocol):
    """Calls that are over."""

    @property
    def expected(self) -> dict[str, tuple[str, str, str]]:
        """As `Pbx.expected`."""
        ...


async def assert_each_arrives_once(
    pbx: Placed, upstream: UpstreamSimulator, *, may_repeat: bool = False
) -> None:
    """Every call that ended is one record at the upstream, and says what is true.

    `may_repeat`: it may have been sent twice, as after a kill in the middle; its `dial_id` told the upstream.
    """
    await until(lambda: len(upstream.dials.dials) >= len(pbx.expected), "every record is delivered")
    said = {
        dial_id: (body["prospect_phone"], body["ani"], body["disposition_name"])
        for dial_id, body in upstream.dials.dials.items()
    }
    assert said == pbx.expected
    assert may_repeat or upstream.dials.repeats == 0


SECRETS = ("simulated-key", "simulated-secret")
_FULL_NUMBER = re.compile(r"(?<![\d.])(?:\+?1)?[2-9]\d{2}[2-9]\d{6}(?![\d.])")


def leaks(text: str, secrets: Sequence[str] = SECRETS) -> list[str]:
    """Lines that tell a secret, or a phone number in full."""
    return [
        line
        for line in text.splitlines()
        if _FULL_NUMBER.search(line) or any(secret in line for secret in secrets)
    ]
