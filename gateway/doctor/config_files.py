"""Asterisk's configuration files as Asterisk reads them: sections, includes, templates, comments.

    [section](!)            a template        [section](template,…)   begins with the template's lines
    [section](+)            adds to a section that stands before
    name = value            or name => value; `;` begins a comment, ;-- … --; a longer one
    #include file           and #tryinclude, relative to the folder, wildcards allowed; #exec is not run

Source: config.c of Asterisk.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

Lines = list[tuple[str, str]]
"""Names and values of a section, in order; a name may come again."""

_MAX_DEPTH = 10
_MAX_BYTES = 4 * 1024 * 1024
_SECTION = re.compile(r"\[([^\]]*)\](?:\(([^)]*)\))?")
_INCLUDE = re.compile(r"#(?:try)?include\s+[\"<]?([^\">]+)[\">]?")
_LONG_COMMENT = re.compile(r";--(?!-).*?--;", re.DOTALL)
_COMMENT = re.compile(r"(?<!\\);.*")


def read_sections(folder: Path, name: str) -> Mapping[str, Lines]:
    """The sections of the file `name`. Raises `OSError` when it or what it includes cannot be read."""
    sections: dict[str, Lines] = {}
    current: Lines = []
    for line in _lines(folder, name, 0):
        heading = _SECTION.match(line)
        if heading is None:
            key, equals, value = line.partition("=")
            if equals:
                current.append((_name(key), value.removeprefix(">").strip()))
            continue
        current = _opened(sections, heading[1].strip(), (heading[2] or "").replace(" ", "").split(","))
    return sections


def _name(key: str) -> str:
    return key.strip()


def _opened(sections: dict[str, Lines], name: str, options: list[str]) -> Lines:
    """The lines of a section that begins here."""
    bases = [base for option in options if option not in {"", "!", "+"} for base in sections.get(option, [])]
    # A section that comes again is read as one: Asterisk's users of these files look through all of them.
    section = sections.setdefault(name, [])
    section += bases
    return section


def _lines(folder: Path, name: str, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    for path in _paths(folder, name):
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES).decode("utf-8", "replace")
        for line in _LONG_COMMENT.sub("", text).splitlines():
            plain = _COMMENT.sub("", line).replace("\\;", ";").strip()
            include = _INCLUDE.match(plain)
            if include is not None:
                yield from _lines(folder, include[1].strip(), depth + 1)
            elif plain:
                yield plain


def _paths(folder: Path, name: str) -> list[Path]:
    if "\0" in name:
        return []
    if any(mark in name for mark in "*?["):
        base = Path("/") if name.startswith("/") else folder
        return sorted(path for path in base.glob(name.lstrip("/")) if path.is_file())
    return [folder / name]
