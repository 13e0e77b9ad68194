"""The tutorial with a real Asterisk, taken step by step: every file written, every command given."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asterisk.box import Box
from tests.asterisk.fetch import Programs
from tests.asterisk.ports import free_tcp_port, free_udp_port
from tests.asterisk.rig import REAL_ASTERISK
from tests.docs.page import steps
from tests.docs.reader import Reader

pytestmark = REAL_ASTERISK

_MANAGER = """\
[general]
enabled = no
port = {port}
bindaddr = 127.0.0.1
"""
_EXTENSIONS = """\
[general]
static = yes

[globals]
CONSOLE=Console/dsp

[default]
exten => s,1,Hangup()
"""


class FreshBox(Box):
    """An Asterisk as the package leaves it: nothing of ours, the manager interface off."""

    def __init__(self, programs: Programs, folder: Path) -> None:
        self.ami_port = free_tcp_port()
        unused = str(free_udp_port())
        values = {
            "@SIP_PORT@": unused,
            "@TRUNK_A_PORT@": unused,
            "@TRUNK_B_PORT@": unused,
            "load = func_uri.so": "load = func_uri.so\nload = func_db.so",
        }
        super().__init__(programs, folder, values)
        self.etc = folder / "etc"

    def _configure(self) -> None:
        super()._configure()
        for path in {*self.etc.glob("*gateway*.conf"), *self.etc.glob("extensions*.conf")}:
            path.unlink()
        (self.etc / "extensions.conf").write_text(_EXTENSIONS)
        (self.etc / "manager.conf").write_text(_MANAGER.format(port=self.ami_port))


@pytest.fixture
def box(programs: Programs, tmp_path: Path) -> Iterator[FreshBox]:
    with FreshBox(programs, tmp_path / "box") as fresh:
        yield fresh


def stand_ins(box: FreshBox, programs: Programs, installed: Path) -> dict[str, str]:
    """What the page expects of the machine; Asterisk is unpacked, not installed, and has no own user."""
    asterisk = " ".join(programs.command("usr/sbin/asterisk"))
    return {
        "sudo": '#!/bin/sh\nexec "$@"\n',
        "apt": f'#!/bin/sh\necho "$@" >> {installed}\n',
        "asterisk": f'#!/bin/sh\nexec {asterisk} -C {box.etc}/asterisk.conf "$@"\n',
        "install": '#!/bin/sh\nfor last; do from=$to; to=$last; done\nexec cp "$from" "$to"\n',
    }


def test_tutorial_leads_from_nothing_to_a_reported_call(
    box: FreshBox, programs: Programs, tmp_path: Path
) -> None:
    installed = tmp_path / "installed"
    scripts = stand_ins(box, programs, installed)
    with Reader(tmp_path, programs=scripts, texts={"/etc/asterisk": str(box.etc)}) as reader:
        reader.environment["ANI_GATEWAY_AMI_PBX_ADDRESS"] = f"127.0.0.1:{box.ami_port}"
        for step in steps("docs/tutorial/real-asterisk.md"):
            reader.take(step)
        (record,) = map(json.loads, (reader.folder / "dials.jsonl").read_text().splitlines())
    assert installed.read_text() == "install asterisk\n"
    assert record["disposition_name"] == "Answered"
