"""What the documents say in passing, and can be held to: defaults, log lines, the glossary, the index."""

import re
from pathlib import Path

import pytest

from gateway.config.schema import entries
from tests.test_docs import LINK, PAGES, ROOT, TEXT

QUOTED_DEFAULT = re.compile(
    r"`([a-z_]+\.[a-z_]+)`(?:, | \()([\d.,]*\d)(?: ?(ms|s|h|min|days|km|records)\b)?(?=[),;.| ])"
)
"""A setting with its value: `agi.drain_timeout_s`, 3 s; `spool.retention_days` (30)."""
IN_SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600}


def quoted_defaults() -> list[tuple[str, str, float, str]]:
    return [
        (page.name, path, float(value.replace(",", "")), unit)
        for page, text in TEXT.items()
        for path, value, unit in QUOTED_DEFAULT.findall(text)
    ]


@pytest.mark.parametrize(("page", "path", "value", "unit"), quoted_defaults())
def test_every_default_the_documents_tell_is_the_default(
    page: str, path: str, value: float, unit: str
) -> None:
    known = {entry.path: entry.default for entry in entries()}
    scale = IN_SECONDS.get(unit, 1) if path.endswith("_s") else 1
    assert known[path] == pytest.approx(value * scale), page


def headings(page: Path) -> list[tuple[str, list[str]]]:
    """The sections of a page with the entries below them."""
    sections = page.read_text().split("\n## ")[1:]
    return [(each.partition("\n")[0], re.findall(r"^### (.+)$", each, re.MULTILINE)) for each in sections]


def test_glossary_is_in_the_order_of_the_alphabet_and_says_each_word_once() -> None:
    sections = headings(ROOT / "docs/glossary.md")
    assert [(name, sorted(words, key=str.casefold)) for name, words in sections] == sections
    every = [word.casefold() for _, words in sections for word in words]
    assert len(set(every)) == len(every)


def test_every_document_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(TEXT[index])}
    assert [
        page.name for page in PAGES if index.parent in page.parents and page not in {*listed, index}
    ] == []


LOG_LINES = (
    ("how-to/recover-from-an-outage.md", "dial record lost, replay it from the CDR"),
    ("how-to/recover-from-an-outage.md", "the damaged spool is kept as "),
    ("how-to/recover-from-an-outage.md", "AMI link "),
    ("how-to/upgrade.md", "listening for Asterisk"),
    ("how-to/ami-tls.md", "the certificate does not fit: "),
    ("how-to/ami-tls.md", "the PBX closed the connection"),
)


@pytest.mark.parametrize(("page", "words"), LOG_LINES)
def test_log_lines_the_documents_quote_are_the_codes(page: str, words: str) -> None:
    code = "".join(path.read_text() for path in (ROOT / "gateway").rglob("*.py"))
    assert f"`{words}" in (ROOT / "docs" / page).read_text()
    assert words in code
