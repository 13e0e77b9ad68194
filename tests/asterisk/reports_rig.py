"""What a test of dial records needs: an Asterisk of its own, a carrier with every outcome, gateway, service.

The last digit of a number says how the call goes (`sipp/outcomes.xml`), the others what its record holds
(`templates/extensions_reports.conf`); so every record can be compared field by field.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.asterisk.ami import Ami, Message
from tests.asterisk.box import Box
from tests.asterisk.fetch import Programs
from tests.asterisk.gateway_process import KEY, GatewayProcess
from tests.asterisk.ports import free_tcp_port, free_udp_port
from tests.asterisk.service import COMPANY_GUID, Service
from tests.asterisk.sip import Carrier, Phone
from tests.asterisk.wait import wait_for

REAL_ASTERISK = [
    pytest.mark.asterisk,
    pytest.mark.xdist_group("asterisk"),
    pytest.mark.timeout(600),
]
"""Marks of every test of dial records: one worker, beside the one of the call path."""

AMI_SECRET = "c1f7a2d94be0"
ANSWERED, FAR_END_HANGS_UP, BUSY, CONGESTION, RINGS, NOT_FOUND, DECLINED, UNAVAILABLE, ERROR, SILENT = range(
    10
)
"""Last digits of numbers."""
DISPOSITIONS = {
    ANSWERED: "Answered",
    FAR_END_HANGS_UP: "Answered",
    BUSY: "Busy",
    CONGESTION: "Congestion",
    RINGS: "No Answer",
    NOT_FOUND: "Bad Number",
    DECLINED: "Rejected",
    UNAVAILABLE: "No Answer",
    ERROR: "Unavailable",
    SILENT: "No Answer",
}
"""What the record of a call says that nobody gave up: docs/reference/dispositions.md."""

REPORTING = """
[log]
calls = true

[ami.pbx]
address = "127.0.0.1:{ami_port}"
secret = "{secret}"
gap_grace_s = 1

[spool]
file = "{folder}/spool-{port}.db"
settle_s = 0.2

[dials]
targets = [{targets}]

[outboundani_results]
url = "{url}/api/results.php"
company_guid = "{guid}"

[dials_file]
path = "{folder}/dials-{port}.jsonl"
"""
_TEN_DIGITS = re.compile(r"(?<![\d.])\+?1?[2-9]\d{9}(?![\d.])")
NUMBER_DIGITS = 10
_numbers = count(404_555_100)


def new_number(outcome: int) -> str:
    """A number nobody called before, whose call goes as `outcome` says."""
    return f"{next(_numbers)}{outcome}"


def fields_of(number: str) -> dict[str, str]:
    """What the dialplan tells of a call to `number`."""
    return {
        "zip": "303" + number[-2:],
        "campaign_id": f"campaign-{number[-3:-1]}",
        "campaign_name": f"Campaign {number[-3:-1]}",
        "agent_name": f"Agent {number[-4:-2]}",
        "skill_name": f"skill-{number[-2]}",
        "lead_source": f"list-{number[-5:-2]}",
        "sys_created_date_original": f"2026-04-1{number[-2]}",
        "total_dial_attempts": number[-3:-1],
        "call_direction": "Outbound",
        "prospect_phone": number,
    }


class ReportingGateway(GatewayProcess):
    """A gateway that reports to the service and to a file, or to a file alone."""

    def __init__(
        self,
        folder: Path,
        service: Service,
        ami_port: int,
        *,
        targets: str = '"file"',
        secret: str = AMI_SECRET,
    ) -> None:
        port = free_tcp_port()
        names = {"ami_port": ami_port, "secret": secret, "folder": folder, "port": port}
        more = REPORTING.format(targets=targets, url=service.url, guid=COMPANY_GUID, **names)
        super().__init__(folder, port=port, url=service.url, more=more)
        self.lines_file = folder / f"dials-{port}.jsonl"
        self._spool = folder / f"spool-{port}.db"

    def lines(self, number: str) -> list[Mapping[str, Any]]:
        """The lines of the file about that prospect so far."""
        return [record for record in self._all_lines() if record["prospect_phone"] == f"+1{number}"]

    def prospects(self) -> list[str]:
        """The 10 digits each line of the file is about."""
        return [record["prospect_phone"].removeprefix("+1") for record in self._all_lines()]

    def _all_lines(self) -> list[dict[str, Any]]:
        if not self.lines_file.is_file():
            return []
        # a line that is being written may end early
        complete = self.lines_file.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in complete.splitlines()]

    def spooled(self) -> bytes:
        """The spool's bytes on disk, its log of writes included."""
        files = (self._spool, self._spool.with_name(f"{self._spool.name}-wal"))
        return b"".join(file.read_bytes() for file in files if file.exists())

    def links_up(self) -> int:
        """How often its link to the PBX has come up since it first started."""
        return self.output().count("AMI link pbx: up")

    def wait_linked(self, times: int = 1, *, within_s: float = 15) -> None:
        """Returns when the link has come up for the time given."""
        wait_for(
            lambda: self.links_up() >= times,
            f"the AMI link to come up for time {times}:\n{self.output()}",
            within_s=within_s,
        )


@dataclass(slots=True)
class ReportsRig:
    """The running parts. Trunk B goes as the number says, trunk A refuses every call with 503."""

    programs: Programs
    folder: Path
    box: Box
    ami: Ami
    ami_port: int
    trunk_a: Carrier
    carrier: Carrier
    phone: Phone
    service: Service
    gateway: ReportingGateway
    numbers: set[str] = field(default_factory=set)
    """Every number that was called."""

    def originate(
        self,
        number: str,
        context: str = "reports",
        variables: Mapping[str, str] | None = None,
        *,
        channel: str = "",
        bridged_with: str = "",
        talk_s: float = 0.3,
        timeout_s: float = 15,
    ) -> None:
        """Starts a call; the caller hangs up `talk_s` after the answer, or gives up after `timeout_s`.

        `bridged_with` is a number to be the caller instead: called over the trunk, past the gateway.
        """
        if len(number) == NUMBER_DIGITS:
            self.numbers.add(number)
        fields = {
            "Channel": channel or f"Local/{number}@{context}/n",
            "Application": "Dial" if bridged_with else "Wait",
            "Data": f"PJSIP/{bridged_with}@trunk-b" if bridged_with else str(talk_s),
            "CallerID": '"Agent Seven" <7001>',
            "Timeout": str(int(timeout_s * 1000)),
            "Async": "true",
        }
        answer = self.ami.act("Originate", fields, variables)
        assert answer.get("Response") == "Success", answer

    def hangup(self, channel: str, end: str = ";2", *, within_s: float = 10) -> Message:
        """The Hangup event of the channel whose name starts and ends so, waited for."""
        return self.ami.event(
            "Hangup",
            lambda event: event.get("Channel").startswith(channel) and event.get("Channel").endswith(end),
            within_s=within_s,
        )

    def call(
        self,
        number: str,
        context: str = "reports",
        variables: Mapping[str, str] | None = None,
        *,
        talk_s: float = 0.3,
        timeout_s: float = 15,
    ) -> Message:
        """One call from start to end; the Hangup event of its dialplan half."""
        self.originate(number, context, variables, talk_s=talk_s, timeout_s=timeout_s)
        return self.hangup(f"Local/{number}@{context}-")

    def restart_asterisk(self, end: Callable[[Box], bool]) -> bool:
        """Ends Asterisk by `Box.stop` or `Box.kill`, and starts it again; whether it went by itself."""
        by_itself = end(self.box)
        self.ami.__exit__(None, None, None)
        self.box.start()
        self.ami.__enter__()
        self.ami.act("Events", {"EventMask": "call"})
        return by_itself

    def live(self, name: str, end: str = "") -> str:
        """The full name of a live channel, waited for."""
        found = re.compile(rf"^({re.escape(name)}[^\s!]*{re.escape(end)})!", re.MULTILINE)
        match = wait_for(lambda: found.search(self.box.cli("core show channels concise")), f"channel {name}")
        return match[1]

    def wait_answered(self, number: str, context: str = "reports") -> str:
        """The name of the call's dialplan half, once it is bridged with the carrier."""
        name = self.live(f"Local/{number}@{context}-", ";2")
        wait_for(lambda: "SIP/2.0 200" in self.carrier.messages_of(number), f"an answer to {number}")
        wait_for(lambda: f"{name}!" in self._bridged(), f"{name} to be bridged")
        return name

    def _bridged(self) -> str:
        """Channels whose last column, the bridge, is not empty."""
        lines = self.box.cli("core show channels concise").splitlines()
        return "\n".join(line for line in lines if len(line.split("!")[-2]) > len("(None)"))

    def record(self, number: str, *, within_s: float = 10) -> Mapping[str, Any]:
        """The one record of a call, waited for at each of the three targets."""
        wait_for(lambda: self.service.records(number), self._words(number), within_s=within_s)
        wait_for(lambda: self.gateway.lines(number), f"a line for {number}")
        (record,) = self.service.records(number)
        (line,) = self.gateway.lines(number)
        assert line["dial_id"] == record["dial_id"]
        assert line["disposition_name"] == record["disposition_name"]
        wait_for(lambda: self.service.simulator.results.times[record["dial_id"]], "outboundANI's record")
        return record

    def check(self, number: str, disposition: str, *, within_s: float = 10) -> Mapping[str, Any]:
        """Compares the record of a call through `reports` with what dialplan and carrier know."""
        record = self.record(number, within_s=within_s)
        expected = {
            **fields_of(number),
            "ani": self.carrier.invite(number).ani,
            "disposition_name": disposition,
        }
        assert {name: record[name] for name in expected} == expected
        return record

    def nothing_left(self) -> None:
        """Waits until all that happened before has been reported: a further call is the last in each line."""
        marker = new_number(BUSY)
        self.call(marker)
        self.record(marker)

    def assert_none_twice(self) -> None:
        """Every record came once to each target, and each is of a call that was made."""
        dials, results = self.service.simulator.dials, self.service.simulator.results
        assert set(dials.times.values()) <= {1}
        assert set(results.times.values()) <= {1}
        assert {dial["prospect_phone"] for dial in dials.dials.values()} <= self.numbers

    def leaks(self, output: str) -> set[str]:
        """Secrets and whole phone numbers in a text."""
        anis = {dial["ani"] for dial in self.service.simulator.dials.dials.values()}
        known = {KEY, AMI_SECRET, COMPANY_GUID, *self.numbers, *anis}
        return {word for word in known if word in output} | set(_TEN_DIGITS.findall(output))

    def _words(self, number: str) -> str:
        return f"a record of {number}; the gateway said\n{self.gateway.output()[-2000:]}"


@contextmanager
def started_reports(programs: Programs, folder: Path) -> Iterator[ReportsRig]:
    """The rig, with all its parts running; all of them are ended at the end, whatever happened."""
    ami_port, sip_port = free_tcp_port(), free_udp_port()
    with ExitStack() as stack:
        enter = stack.enter_context
        service = enter(Service())
        targets = '"outboundiq", "outboundani", "file"'
        gateway = ReportingGateway(folder, service, ami_port, targets=targets)
        trunk_a, carrier = (
            enter(Carrier(programs, "refuse", folder)),
            enter(Carrier(programs, "outcomes", folder)),
        )
        values = {
            "@AMI_PORT@": str(ami_port),
            "@SIP_PORT@": str(sip_port),
            "@TRUNK_A_PORT@": str(trunk_a.port),
            "@TRUNK_B_PORT@": str(carrier.port),
            # what an administrator changes in the shipped files
            "agi://127.0.0.1:4573": gateway.agi,
            "CHANGE-ME": AMI_SECRET,
        }
        box = enter(Box(programs, folder / "box", values))
        enter(gateway)
        gateway.wait_linked()
        ami = enter(Ami(ami_port, "test", "test"))
        ami.act("Events", {"EventMask": "call"})
        phone = Phone(programs, sip_port, folder)
        rig = ReportsRig(programs, folder, box, ami, ami_port, trunk_a, carrier, phone, service, gateway)
        yield rig
        rig.assert_none_twice()
        assert rig.leaks(gateway.output()) == set()
