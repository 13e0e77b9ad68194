"""The TOML file: found, read, and each key's line remembered, which `tomllib` does not tell."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.config.problems import ConfigError, Problem

FILE_VARIABLE = "ANI_GATEWAY_CONFIG"
SEARCHED = (Path("ani-gateway.toml"), Path("/etc/ani-gateway/ani-gateway.toml"))

_HEADER = re.compile(r"\s*\[\[?(?P<key>[^\[\]]+)\]")
_ASSIGNMENT = re.compile(r"""\s*(?P<key>(?:"[^"]*"|'[^']*'|[A-Za-z0-9_.\s-])+?)\s*=""")
_POSITION = re.compile(r"\s*\(at line (?P<line>\d+), column \d+\)$")


def find_file(asked_for: Path | None, environ: Mapping[str, str]) -> Path | None:
    """`--config`, else `ANI_GATEWAY_CONFIG`, else the first that exists of `SEARCHED`, else none."""
    if asked_for is not None:
        return asked_for
    if environ.get(FILE_VARIABLE):
        return Path(environ[FILE_VARIABLE])
    return next((path for path in SEARCHED if path.exists()), None)


def read_file(path: Path) -> tuple[dict[str, Any], dict[tuple[str, ...], int]]:
    """The tree of the file, and the line of each key and header. Raises `ConfigError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        hint = "name a file that this user can read, or leave it out for the defaults"
        raise ConfigError([Problem(str(path), f"cannot be read: {error.strerror}", hint=hint)]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(str(path), "is not UTF-8 text", hint="save it as UTF-8")]) from error
    try:
        return tomllib.loads(text), key_lines(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_problem(path, str(error))]) from error


def _syntax_problem(path: Path, message: str) -> Problem:
    position = _POSITION.search(message)
    where = f"line {position['line']}" if position is not None else ""
    hint = "text stands in quotes, lists in square brackets, and each section has its [header] once"
    return Problem(str(path), f"is not TOML: {_POSITION.sub('', message)}", where, hint)


def key_lines(text: str) -> dict[tuple[str, ...], int]:
    """The line, from 1, where each key and each section header first stands."""
    lines: dict[tuple[str, ...], int] = {}
    section: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if (header := _HEADER.match(line)) is not None:
            section = _key_parts(header["key"])
            lines.setdefault(section, number)
        elif (assignment := _ASSIGNMENT.match(line)) is not None:
            lines.setdefault(section + _key_parts(assignment["key"]), number)
    return lines


def _key_parts(key: str) -> tuple[str, ...]:
    """`a."b c".d` as its parts; () when it is no key, as in the middle of a text of several lines."""
    try:
        tree: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    parts = []
    while isinstance(tree, dict):
        name, tree = next(iter(tree.items()))
        parts.append(name)
    return tuple(parts)
