"""Two PBXes and one gateway, with the settings of docs/how-to/several-pbxes.md."""

import json
from contextlib import ExitStack
from pathlib import Path

from tests.asterisk.fetch import Programs
from tests.asterisk.fresh import FreshBox
from tests.asterisk.rig import REAL_ASTERISK
from tests.asterisk.wait import wait_for
from tests.docs.page import Act, steps
from tests.docs.reader import Reader

pytestmark = REAL_ASTERISK

NAMES = ("east", "west")


def first_calls() -> str:
    """The dialplan of the tutorial, whose carrier is a context."""
    tutorial = steps("docs/tutorial/real-asterisk.md")
    return next(step.text for step in tutorial if step.name == "first-calls.conf")


def test_each_pbx_has_its_calls_reported_under_ids_of_its_own(programs: Programs, tmp_path: Path) -> None:
    with ExitStack() as stack:
        boxes = [stack.enter_context(FreshBox(programs, tmp_path / name, system_name=name)) for name in NAMES]
        texts = {"/etc/ani-gateway": str(tmp_path)}
        texts |= {f"10.0.0.1{place}:5038": f"127.0.0.1:{box.ami_port}" for place, box in enumerate(boxes)}
        texts |= {f"10.0.0.1{place}/32": "127.0.0.1/32" for place in range(len(boxes))}
        reader = stack.enter_context(Reader(tmp_path, texts=texts))
        reader.environment |= {
            "ANI_GATEWAY_ASSIGNMENT_PROVIDERS": "engine",
            "ANI_GATEWAY_ENGINE_INVENTORY": "gateway/engine/sample.yaml",
            "ANI_GATEWAY_SPOOL_FILE": "spool.db",
            "ANI_GATEWAY_DIALS_TARGETS": "file",
            "ANI_GATEWAY_DIALS_FILE_PATH": "dials.jsonl",
        }
        for name, box in zip(NAMES, boxes, strict=True):
            box.add_gateway(f"secret-of-{name}", f"agi://127.0.0.1:{reader.port}", first_calls())
            (tmp_path / f"ami-{name}.secret").write_text(f"secret-of-{name}")
        reader.take(next(step for step in steps("docs/how-to/several-pbxes.md") if step.act is Act.WRITE))
        reader.command(".venv/bin/ani-gateway serve")
        wait_for(lambda: reader.gateway_output().count(": up,") == len(NAMES), "both links")
        for box in boxes:
            box.cli("channel originate Local/14045550123@first-calls/n application Wait 1")
        lines = reader.folder / "dials.jsonl"
        wait_for(
            lambda: lines.exists() and lines.read_text().count("\n") == len(NAMES), "two records", within_s=10
        )
        records = [json.loads(line) for line in lines.read_text().splitlines()]
    assert sorted(record["dial_id"].partition("-")[0] for record in records) == list(NAMES)
