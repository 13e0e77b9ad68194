import re
from pathlib import Path

from gateway.doctor.checkup import CHECKS

PAGE = (Path(__file__).parents[2] / "docs/reference/doctor.md").read_text()
ROWS = {
    f"| `{kind.name}` | {kind.verdict} | {kind.why} |": check.part for check in CHECKS for kind in check.kinds
}


def test_every_finding_is_listed_with_its_weight_and_meaning_under_its_part() -> None:
    for row, part in ROWS.items():
        section = PAGE.partition(f"\n## {part}\n")[2].partition("\n## ")[0]
        assert row in section


def test_nothing_is_listed_that_cannot_be_found() -> None:
    listed = re.findall(r"^\| `[\w.-]+` \| (?:fault|warning) \| .*\|$", PAGE, re.MULTILINE)
    assert set(listed) == set(ROWS)
