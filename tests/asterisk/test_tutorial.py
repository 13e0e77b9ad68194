"""The tutorial with a real Asterisk, taken step by step: every file written, every command given."""

import json
from pathlib import Path

from tests.asterisk.fetch import Programs
from tests.asterisk.fresh import FreshBox
from tests.asterisk.rig import REAL_ASTERISK
from tests.docs.page import steps
from tests.docs.reader import Reader

pytestmark = REAL_ASTERISK


def test_tutorial_leads_from_nothing_to_a_reported_call(programs: Programs, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    with (
        FreshBox(programs, tmp_path / "box") as box,
        Reader(tmp_path, programs=box.stand_ins(installed), texts={"/etc/asterisk": str(box.etc)}) as reader,
    ):
        reader.environment["ANI_GATEWAY_AMI_PBX_ADDRESS"] = f"127.0.0.1:{box.ami_port}"
        for step in steps("docs/tutorial/real-asterisk.md"):
            reader.take(step)
        (record,) = map(json.loads, (reader.folder / "dials.jsonl").read_text().splitlines())
    assert installed.read_text().startswith("install asterisk ")
    assert record["disposition_name"] == "Answered"
