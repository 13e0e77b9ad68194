import re
from pathlib import Path

from gateway.dials.dispositions import NAMES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "dispositions.md"


def test_the_page_shows_the_built_in_table() -> None:
    section = PAGE.read_text().partition("## Built-in names")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", section, re.MULTILINE)
    assert {word: "" if name == "no record" else name for word, name in rows} == NAMES
