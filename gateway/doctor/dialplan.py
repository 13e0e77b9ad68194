"""A dialplan as a list of steps, from AMI or from files, and the questions asked about it. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.ami.message import Message

SUBROUTINE = "gateway-assign"
FREEPBX_PART = "gateway-freepbx"
FREEPBX_HOOK = "macro-dialout-trunk-predial-hook"
FREEPBX_TRUNK = "macro-dialout-trunk"
TEST_CALL = "gateway-doctor"
OURS = frozenset({SUBROUTINE, FREEPBX_PART, TEST_CALL, "gateway-report"})
DEFAULT_PORT = 4573
"""Asterisk's own for an agi:// without a port."""

_STEP = re.compile(r"(?P<app>[A-Za-z_]\w*)\s*(?:\((?P<data>.*)\))?\s*", re.DOTALL)
_CALLS_US = re.compile(
    rf"Gosub(?:If)?\b.*\b(?:{SUBROUTINE}|{FREEPBX_PART})\b|agi://[^,)]*/assign|GATEWAY_AGI\}}/assign",
    re.IGNORECASE,
)
_ENDS = frozenset({"return", "macroexit", "hangup", "goto", "congestion", "busy"})


@dataclass(frozen=True, slots=True)
class Step:
    """One priority."""

    context: str
    extension: str
    application: str
    data: str


@dataclass(frozen=True, slots=True)
class Dialplan:
    """All steps, in the order of contexts, extensions and priorities."""

    steps: tuple[Step, ...]

    def of(self, context: str, extension: str = "s") -> list[Step]:
        """The steps of one extension."""
        return [step for step in self.steps if (step.context, step.extension) == (context, extension)]

    def has(self, context: str) -> bool:
        """Whether the context has any step."""
        return any(step.context == context for step in self.steps)

    def callers(self) -> list[Step]:
        """Steps outside our own files that ask the gateway for a number."""
        return [
            step
            for step in self.steps
            if step.context not in OURS and _CALLS_US.search(f"{step.application}({step.data})")
        ]


def from_listing(entries: Iterable[Message]) -> Dialplan:
    """From the entries of AMI's ShowDialPlan."""
    headers = [entry.headers for entry in entries]
    return Dialplan(
        tuple(
            Step(one["Context"], one["Extension"], one["Application"], one.get("AppData", ""))
            for one in headers
            if {"Context", "Extension", "Application"} <= one.keys()
        )
    )


def from_sections(sections: Mapping[str, list[tuple[str, str]]]) -> Dialplan:
    """From the sections of extensions.conf. Steps of one extension stand in the order of the file."""
    return Dialplan(tuple(_steps(sections)))


def _steps(sections: Mapping[str, list[tuple[str, str]]]) -> Iterator[Step]:
    for context, lines in sections.items():
        extension = ""
        for name, value in lines:
            if name.lower() == "exten":
                extension, _, rest = value.partition(",")
            elif name.lower() == "same":
                rest = value
            else:
                continue
            found = _STEP.fullmatch(rest.partition(",")[2].strip())
            if found is not None:
                yield Step(context, extension.strip(), found["app"], found["data"] or "")


def sets_exit_on_hangup(steps: Iterable[Step]) -> bool:
    """Whether AGIEXITONHANGUP is set to yes before the first AGI of these steps."""
    is_set = False
    for step in steps:
        if step.application.lower() == "agi":
            return is_set
        if step.application.lower() == "set" and "AGIEXITONHANGUP" in step.data:
            is_set = step.data.rpartition("=")[2].strip().lower() in {"yes", "1"}
    return False


def ending(steps: list[Step]) -> str:
    """The application the steps end with, "" when they run off their end."""
    last = steps[-1].application if steps else ""
    return last if last.lower() in _ENDS else ""


def wanted_ending(dialplan: Dialplan, major: int) -> str:
    """How FreePBX's hook must end: as the release calls it, by Gosub (17) or by Macro (16 and older).

    Where its call cannot be found, Asterisk's version tells: 21 and later have no Macro.
    """
    hook = FREEPBX_HOOK.removeprefix("macro-")
    for step in dialplan.steps:
        if step.context.startswith(FREEPBX_TRUNK) and hook in step.data:
            if "gosub" in step.application.lower() or f"{FREEPBX_HOOK}," in step.data:
                return "Return"
            if "macro" in f"{step.application}({step.data}".lower():
                return "MacroExit"
    return "Return" if major == 0 or major >= _FIRST_WITHOUT_MACRO else ""


_FIRST_WITHOUT_MACRO = 21


@dataclass(frozen=True, slots=True)
class AgiUrl:
    """Where the dialplan looks for the gateway."""

    scheme: str
    host: str
    port: int


def agi_url(text: str) -> AgiUrl | None:
    """The parts of an agi:// or hagi:// address, `None` for anything else."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"agi", "hagi"} or not parts.hostname:
        return None
    return AgiUrl(parts.scheme, parts.hostname, port or DEFAULT_PORT)
