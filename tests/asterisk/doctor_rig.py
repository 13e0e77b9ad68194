"""One Asterisk with the shipped files, a gateway and an upstream: right as it stands, with faults to plant.

A fault edits Asterisk's own files and has it read them again; what comes back is as it was.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from gateway.cli.main import main
from tests.asterisk.box import Box
from tests.asterisk.fetch import Programs
from tests.asterisk.gateway_process import KEY, GatewayProcess
from tests.asterisk.ports import free_tcp_port, free_udp_port
from tests.asterisk.service import Service

SECRET = "c1f7a2d94be0"
RIGHT = """
[agi]
listen = ["127.0.0.1:{agi_port}"]
max_connections = 500

[outboundiq]
url = "{url}"
key = "{key}"
max_connections = 8

[outboundani]
max_connections = 8

[ami.pbx]
address = "127.0.0.1:{ami_port}"
secret = "{secret}"

[dials]
targets = ["outboundiq"]

[spool]
file = "{folder}/spool.db"
"""
GATEWAY = """
[ami.pbx]
address = "127.0.0.1:{ami_port}"
secret = "{secret}"

[dials]
targets = ["outboundiq"]

[spool]
file = "{folder}/spool.db"
"""


class DoctorBox(Box):
    """With the modules a plain Asterisk loads by itself, and files that can be edited."""

    def _configure(self) -> None:
        super()._configure()
        with (self._etc / "modules.conf").open("a") as file:
            file.write("load = func_config.so\n")
        with (self._etc / "extensions.conf").open("a") as file:
            file.write("\n[general]\nclearglobalvars = yes\n")

    @property
    def folder(self) -> Path:
        """Where its configuration is."""
        return self._etc

    @contextmanager
    def edited(self, edits: Mapping[str, tuple[str, str]]) -> Iterator[None]:
        """Asterisk with a text replaced in each of these files, which must hold it."""
        before = {name: (self._etc / name).read_text() for name in edits}
        for name, (old, new) in edits.items():
            assert old in before[name], f"{name} has no {old!r}"
            (self._etc / name).write_text(before[name].replace(old, new))
        self._reload(edits)
        try:
            yield
        finally:
            for name, text in before.items():
                (self._etc / name).write_text(text)
            self._reload(edits)

    def _reload(self, names: Mapping[str, object]) -> None:
        if any(name.startswith("manager") for name in names):
            self.cli("manager reload")
        if any(not name.startswith("manager") for name in names):
            self.cli("dialplan reload")


@dataclass(frozen=True, slots=True)
class DoctorRig:
    """The running parts, and the doctor."""

    box: DoctorBox
    service: Service
    gateway: GatewayProcess
    ami_port: int
    config: Path
    secret_file: Path
    """With the secret of a user who may originate."""

    @property
    def test_call(self) -> tuple[str, ...]:
        """The arguments for a test call."""
        return ("--test-call-user", "test", "--test-call-secret-file", str(self.secret_file))

    def see_doctor(self, *arguments: str) -> "Diagnosis":
        """Runs `ani-gateway doctor` with the right configuration, and with what is added to it."""
        words = ["doctor", "--json", "--config", str(self.config), *arguments]
        result = CliRunner().invoke(main, words)
        assert isinstance(result.exception, SystemExit | None), result.exception
        assert result.exit_code in {0, 1}, result.output
        return Diagnosis(json.loads(result.stdout), result.exit_code, result.stdout)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What it said."""

    tree: Mapping[str, Any]
    exit_code: int
    text: str

    def named(self, *verdicts: str) -> set[str]:
        """The findings of these verdicts."""
        return {one["name"] for one in self.tree["findings"] if one["verdict"] in verdicts}

    @property
    def wrong(self) -> set[str]:
        """What is to be mended."""
        return self.named("fault", "warning")

    def finding(self, name: str) -> Mapping[str, Any]:
        """The one of this name."""
        found: Sequence[Mapping[str, Any]] = self.tree["findings"]
        return next(one for one in found if one["name"] == name)


@contextmanager
def started_doctor(programs: Programs, folder: Path) -> Iterator[DoctorRig]:
    """The rig, with all its parts running; all of them are ended at the end."""
    ami_port, agi_port = free_tcp_port(), free_tcp_port()
    with ExitStack() as stack:
        service = stack.enter_context(Service())
        more = GATEWAY.format(ami_port=ami_port, secret=SECRET, folder=folder)
        gateway = stack.enter_context(GatewayProcess(folder, port=agi_port, url=service.url, more=more))
        values = {
            "@AMI_PORT@": str(ami_port),
            "@SIP_PORT@": str(free_udp_port()),
            "@TRUNK_A_PORT@": str(free_udp_port()),
            "@TRUNK_B_PORT@": str(free_udp_port()),
            # what an administrator changes in the shipped files
            "agi://127.0.0.1:4573": f"agi://127.0.0.1:{agi_port}",
            "CHANGE-ME": SECRET,
        }
        box = stack.enter_context(DoctorBox(programs, folder / "box", values))
        config = folder / "doctor.toml"
        names = {"agi_port": agi_port, "ami_port": ami_port, "url": service.url, "key": KEY}
        config.write_text(RIGHT.format(folder=folder, secret=SECRET, **names))
        secret_file = folder / "test-call.secret"
        secret_file.write_text("test\n")
        yield DoctorRig(box, service, gateway, ami_port, config, secret_file)
