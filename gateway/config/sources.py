"""What was given where: the file, then the environment, then flags; the later one wins."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.config.problems import Problem
from gateway.config.schema import (
    ANY,
    ENVIRONMENT_PREFIX,
    Entry,
    Parts,
    entries,
    find,
    find_secret_file,
    is_section,
    names_below,
)
from gateway.config.toml_file import FILE_VARIABLE


@dataclass(frozen=True, slots=True)
class Given:
    """One value as it was written. `is_text` is True for the environment and flags, where all is text."""

    parts: Parts
    raw: object
    origin: str
    is_text: bool = False
    is_file_name: bool = False
    """True for `x_file`: `raw` names the file that holds the value of the secret `x`."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One setting given on the command line. `name` is how it was written there: `--set agi.listen`."""

    name: str
    path: str
    value: str


@dataclass(slots=True)
class Layer:
    """All that one source gives."""

    given: list[Given] = field(default_factory=list)
    declared: list[Parts] = field(default_factory=list)
    """Sections that stand there, perhaps empty: `[campaigns.c12]` makes a campaign."""
    problems: list[Problem] = field(default_factory=list)

    def add(self, given: Given) -> None:
        """Sort `given` in as a setting, as the file of a secret, or as unknown."""
        if find(given.parts) is not None:
            self.given.append(given)
        elif (secret := find_secret_file(given.parts)) is not None:
            self.given.append(replace(given, parts=secret, is_file_name=True))
        else:
            self.problems.append(_unknown(given.parts, given.origin))


def from_file(path: Path, tree: Mapping[str, Any], lines: Mapping[Parts, int]) -> Layer:
    """What the TOML file gives."""
    layer = Layer()
    for parts, raw in _leaves(tree, ()):
        origin = f"{path}:{_line(parts, lines)}"
        if not is_section(parts):
            layer.add(Given(parts, raw, origin))
        elif isinstance(raw, dict):
            layer.declared.append(parts)
        else:
            hint = f"write [{'.'.join(parts)}] on a line of its own and its settings below"
            layer.problems.append(Problem(".".join(parts), "is a section, not a setting", origin, hint))
    return layer


def _leaves(tree: Mapping[str, Any], prefix: Parts) -> Iterator[tuple[Parts, Any]]:
    """Every setting, and before its settings every section itself."""
    for name, raw in tree.items():
        parts = (*prefix, name)
        yield parts, raw
        if isinstance(raw, dict) and is_section(parts):
            yield from _leaves(raw, parts)


def _line(parts: Parts, lines: Mapping[Parts, int]) -> int:
    """The line of a key, or of the nearest section around it (inline tables have no line of their own)."""
    while parts not in lines and parts:
        parts = parts[:-1]
    return lines.get(parts, 1)


def from_environment(environ: Mapping[str, str], known: Iterable[Parts]) -> Layer:
    """What `ANI_GATEWAY_…` variables give. `known` sections lend their names the case they have there."""
    layer, known = Layer(), list(known)
    for name in sorted(environ):
        if name.startswith(ENVIRONMENT_PREFIX) and name != FILE_VARIABLE:
            _add_variable(layer, name, environ[name], known)
    return layer


def _add_variable(layer: Layer, name: str, text: str, known: Sequence[Parts]) -> None:
    parts, origin = _variable_parts(name, known), f"environment {name}"
    if parts is not None:
        layer.add(Given(parts, text, origin, is_text=True))
        return
    names = {entry.environment for entry in entries()}
    close = difflib.get_close_matches(name, names | {FILE_VARIABLE}, 1)
    hint = (
        f"did you mean {close[0]}?" if close else 'unset it; "ani-gateway config reference" lists all names'
    )
    layer.problems.append(Problem(name, "names no setting", "environment", hint))


def _variable_parts(name: str, known: Sequence[Parts]) -> Parts | None:
    """The setting `name` stands for; the longest fitting key wins (`fixed_name` before `name`)."""
    found = (_match_variable(name, entry, known) for entry in entries())
    fitting = [parts for parts in found if parts is not None]
    return max(fitting, key=lambda parts: len(parts[-1]), default=None)


def _match_variable(name: str, entry: Entry, known: Sequence[Parts]) -> Parts | None:
    """The setting `name` stands for if it is `entry`, or the file of it, or `None`."""
    before, repeats, after = entry.environment.partition("_ID_" if ANY in entry.parts else "\0")
    for suffix in ("", "_FILE") if entry.secret else ("",):
        last = entry.parts[-1] + suffix.lower()
        if not repeats and name == before + suffix:
            return (*entry.parts[:-1], last)
        start, end = f"{before}_", f"_{after}{suffix}"
        if repeats and name.startswith(start) and name.endswith(end) and len(name) > len(start) + len(end):
            section = _as_declared((*entry.parts[:-2], name[len(start) : -len(end)]), known)
            return (*section, last)
    return None


def _as_declared(section: Parts, known: Sequence[Parts]) -> Parts:
    """`section` with the case its name has in the file; variables are often written in capitals."""
    folded = [part.casefold() for part in section]
    return next((each for each in known if [part.casefold() for part in each] == folded), section)


def from_flags(flags: Iterable[Flag]) -> Layer:
    """What the command line gives."""
    layer = Layer()
    for flag in flags:
        parts = _flag_parts(flag.path)
        layer.add(Given(parts, flag.value, f"flag {flag.name}", is_text=True))
    return layer


def _flag_parts(path: str) -> Parts:
    """`section.key`; the name of a section that repeats may have dots itself."""
    parts = tuple(path.split("."))
    for entry in entries():
        at = entry.parts.index(ANY) if ANY in entry.parts else len(entry.parts)
        if at < len(entry.parts) < len(parts) and parts[:at] == entry.parts[:at]:
            tail = len(entry.parts) - at - 1
            return (*parts[:at], ".".join(parts[at:-tail]), *parts[-tail:])
    return parts


def _unknown(parts: Parts, origin: str) -> Problem:
    around, name = parts[:-1], parts[-1]
    while around and not is_section(around):
        around, name = around[:-1], around[-1]
    what = "unknown section" if len(parts) == 1 or around != parts[:-1] else "unknown setting"
    return Problem(".".join(parts), what, origin, _mend_unknown(around, name))


def _mend_unknown(around: Parts, name: str) -> str:
    close = difflib.get_close_matches(name, names_below(around), 1)
    if close:
        return f"did you mean {'.'.join((*around, close[0]))}?"
    elsewhere = [entry.path for entry in entries() if entry.parts[-1] == name]
    if elsewhere:
        return f"did you mean {' or '.join(elsewhere)}?"
    where = f"[{'.'.join(around)}] has" if around else "sections are"
    return f"{where}: {', '.join(names_below(around))}"
