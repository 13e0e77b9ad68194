"""sipp as carriers and as an agent's phone."""

import re
import socket
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.asterisk.fetch import Programs
from tests.asterisk.ports import free_udp_port
from tests.asterisk.wait import wait_for

SCENARIOS = Path(__file__).parent / "sipp"
_INVITE = re.compile(r"^INVITE sip:([^@\s]+)@.*?(?:\r?\n){2}", re.DOTALL | re.MULTILINE)
_FROM = re.compile(r"^From: (.*?)(?:;tag=\S*)?\s*$", re.MULTILINE)
_CALL_ID = re.compile(r"^Call-ID: (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Invite:
    """One call as the carrier saw it."""

    number: str
    sender: str
    """The From header without its tag."""
    call_id: str

    @property
    def ani(self) -> str:
        """The user part of the From header."""
        found = re.search(r"<sip:([^@>]+)", self.sender)
        assert found is not None, self.sender
        return found[1]


class Carrier:
    """Takes calls as `scenario` says, and remembers them; a context manager."""

    def __init__(self, programs: Programs, scenario: str, folder: Path) -> None:
        self.port = free_udp_port()
        self._trace = folder / f"{scenario}-{self.port}.messages"
        self._output = folder / f"{scenario}-{self.port}.output"
        options = ["-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", "127.0.0.1", "-mi", "127.0.0.1"]
        port = ["-p", str(self.port), "-mp", str(free_udp_port()), "-nostdin", "-default_behaviors", "none"]
        trace = ["-trace_msg", "-message_file", str(self._trace)]
        self._command = [*programs.command("usr/bin/sipp"), *options, *port, *trace]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=5)

    def invites(self, number: str) -> list[Invite]:
        """The calls to `number` so far; a repeated packet counts once."""
        return list(self.all_invites().get(number, {}).values())

    def all_invites(self) -> dict[str, dict[str, Invite]]:
        """All calls so far: by number, then by Call-ID."""
        calls: dict[str, dict[str, Invite]] = {}
        for packet in _INVITE.finditer(self._messages()):
            sender, call_id = _FROM.search(packet[0]), _CALL_ID.search(packet[0])
            assert sender is not None, packet[0]
            assert call_id is not None, packet[0]
            calls.setdefault(packet[1], {})[call_id[1]] = Invite(packet[1], sender[1], call_id[1])
        return calls

    def invite(self, number: str) -> Invite:
        """The one call to `number`, waited for."""
        invites = wait_for(
            lambda: self.invites(number), f"a call to {number}; so far {self._messages()[-2000:]}"
        )
        assert len(invites) == 1, invites
        return invites[0]

    def talk(self, number: str, *, frames: int = 50) -> None:
        """Sends sound, 20 ms a frame, to where Asterisk expects it of the call to `number`."""
        offered = re.search(r"^m=audio (\d+)", self.messages_of(number), re.MULTILINE)
        assert offered is not None, number
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as voice:
            for position in range(frames):
                header = struct.pack("!BBHII", 0x80, 0, position, position * 160, 1)  # RFC 3550: PCMU
                voice.sendto(header + bytes(160), ("127.0.0.1", int(offered[1])))
                time.sleep(0.02)

    def messages_of(self, number: str) -> str:
        """Every packet that names `number`, one after the other."""
        return "\n".join(packet for packet in self._messages().split("-" * 20) if f"sip:{number}@" in packet)

    def _messages(self) -> str:
        return self._trace.read_text(errors="replace") if self._trace.exists() else ""


class Phone:
    """The agent's phone, 7001, named "Agent Seven"."""

    def __init__(self, programs: Programs, sip_port: int, folder: Path) -> None:
        self._sipp = programs.command("usr/bin/sipp")
        self._target = f"127.0.0.1:{sip_port}"
        self._folder = folder

    def dial(self, number: str, scenario: str = "call") -> None:
        """One call, from INVITE to its end. Fails when it does not go as the scenario says.

        Scenarios: `call` is answered and hangs up, `give_up` hangs up before, `refused` takes a refusal.
        """
        addresses = ["-i", "127.0.0.1", "-p", str(free_udp_port()), "-mi", "127.0.0.1"]
        limits = ["-m", "1", "-nostdin", "-timeout", "15s", "-timeout_error", "-recv_timeout", "10000"]
        call = ["-sf", str(SCENARIOS / f"{scenario}.xml"), "-s", number, self._target]
        done = subprocess.run(
            [*self._sipp, *call, *addresses, "-mp", str(free_udp_port()), *limits],
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
