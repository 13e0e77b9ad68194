from pathlib import Path

import pytest

from gateway.agi.verbs.arguments import KNOWN_KEYS
from gateway.model import variables
from gateway.model.decision import Reason, Source, Status

ROOT = Path(__file__).parent.parent
REFERENCE = (ROOT / "docs" / "reference" / "dialplan.md").read_text()
SHIPPED = sorted((ROOT / "asterisk-config").rglob("*.conf"))
WORDS = [
    *(word for word in (*Status, *Source, *Reason) if word),
    *KNOWN_KEYS,
    *(value for name, value in vars(variables).items() if name.startswith("GATEWAY")),
]


@pytest.mark.parametrize("word", sorted({str(word) for word in WORDS}))
def test_every_word_of_the_contract_is_explained(word: str) -> None:
    assert f"`{word}`" in REFERENCE


def test_every_shipped_file_is_listed_with_its_place() -> None:
    readme = (ROOT / "asterisk-config" / "README.md").read_text()
    assert [path.name for path in SHIPPED if path.name not in readme] == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_file_has_a_page_that_says_how_to_use_it(path: Path) -> None:
    pages = [page.read_text() for page in (ROOT / "docs" / "how-to").glob("*.md")]
    assert any(path.name in page for page in pages)
