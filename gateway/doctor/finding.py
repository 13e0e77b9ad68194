"""What a check is, and what it finds: values, printed by `gateway.cli.doctor`.

A `Check` looks; it gives a `Finding` of one of its `Kind`s for each thing that is wrong, or what it saw as
`right`. What it needs and cannot have raises `NotExaminedError`.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeVar

from gateway.model.phone import parse_phone

_NUMBER = re.compile(r"(?<![\w.])\+?[0-9]{10,}(?!\w)")
Looked = TypeVar("Looked")


class Verdict(StrEnum):
    """How a thing stands; the later, the more urgent."""

    RIGHT = "ok"
    UNCHECKED = "not checked"
    WARNING = "warning"
    """Works, and will cost something one day."""
    FAULT = "fault"
    """Calls go without their number, or reports are lost."""


class Part(StrEnum):
    """What the output groups by, in the order of its printing."""

    CONFIG = "Configuration"
    MACHINE = "This machine"
    SPOOL = "Spool"
    GATEWAY = "Gateway"
    UPSTREAM = "Upstream"
    ASTERISK = "Asterisk"
    DIALPLAN = "Dialplan"


@dataclass(frozen=True, slots=True)
class Change:
    """What to write, and where."""

    file: str
    """A file, with its section where that matters; "shell" for a command to run."""
    line: str
    """The literal line."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing seen. No text holds a secret or a full phone number."""

    name: str
    """Its `Kind`, or the check's name where all is right or nothing could be seen."""
    verdict: Verdict
    what: str
    why: str = ""
    change: Change | None = None
    part: Part = Part.CONFIG
    subject: str = ""
    """Which PBX or upstream, "" where there is one only."""

    def about(self, part: Part, subject: str) -> "Finding":
        """The same, put in its place."""
        change = self.change and replace(self.change, line=_fit(self.change.line))
        return replace(self, part=part, subject=subject, what=_fit(self.what), change=change)


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of finding a check can make; listed in docs/reference/doctor.md."""

    name: str
    verdict: Verdict
    why: str
    """Why it matters."""

    def seen(self, what: str, change: Change | None = None) -> Finding:
        """It is so: `what` says where, and how it shows."""
        return Finding(self.name, self.verdict, what, self.why, change)


def right(what: str) -> Finding:
    """Looked at, nothing to mend."""
    return Finding("", Verdict.RIGHT, what)


class NotExaminedError(Exception):
    """A check could not look; the text says what it lacked."""


@dataclass(frozen=True, slots=True)
class Check(Generic[Looked]):
    """One look at one thing. `Looked` is what it needs to see."""

    name: str
    part: Part
    examine: Callable[[Looked], Awaitable[Iterable[Finding]]]
    """What is wrong, or one `right`; nothing at all where there is nothing to look at."""
    kinds: tuple[Kind, ...]
    """All it can find."""


def _fit(text: str) -> str:
    """`text` without whole phone numbers, and without control characters: others' words are in it."""
    masked = _NUMBER.sub(lambda found: _masked(found.group()), text)
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in masked)


def _masked(digits: str) -> str:
    phone = parse_phone(digits)
    return "***" + digits[-2:] if phone is None else phone.masked
