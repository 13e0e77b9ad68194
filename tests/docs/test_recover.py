"""The how-to after an outage, taken step by step: what nobody reported comes back out of the CDRs."""

import json
from pathlib import Path

from tests.docs.page import ROOT, steps
from tests.docs.reader import FOLLOWED, Reader

pytestmark = FOLLOWED

SETTINGS = """\
[assignment]
providers = ["engine"]

[engine]
inventory = "gateway/engine/sample.yaml"

[dials]
targets = ["file"]

[dials_file]
path = "dials.jsonl"

[spool]
file = "spool.db"
settle_s = 0.1
"""
TEXTS = {
    "/var/log/asterisk/cdr-csv/Master.csv": str(ROOT / "tests" / "fixtures" / "cdr" / "Master.csv"),
    "2026-04-10T14:00": "2026-11-20T13:00",
    "2026-04-10T16:30": "2026-11-20T15:00",
}
"""A PBX's CDRs, and the hours of that day in them."""
CALLS = 5


def test_calls_of_the_outage_are_reported_once_however_often_the_page_is_followed(tmp_path: Path) -> None:
    with Reader(tmp_path, programs={"asterisk": "#!/bin/sh\n"}, texts=TEXTS) as reader:
        reader.environment["TZ"] = "UTC"
        reader.command(". .venv/bin/activate")
        (reader.folder / "ani-gateway.toml").write_text(SETTINGS)
        reader.command("ani-gateway serve")
        page = steps("docs/how-to/recover-from-an-outage.md")
        for step in (*page, *(step for step in page if "replay" in step.text)):
            reader.take(step)
        reader.stop_gateway()
        records = [json.loads(line) for line in (reader.folder / "dials.jsonl").read_text().splitlines()]
    assert len({record["dial_id"] for record in records}) == len(records) == CALLS
