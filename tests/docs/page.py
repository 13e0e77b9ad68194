"""A document as the steps its reader takes: files to write, commands to give, and what is then to be seen."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"\bfile `([^`]+)`")
_STOP = "Stop the gateway"
_DATA = ("", "text", "toml", "yaml", "csv", "json")


class Act(Enum):
    """What a step asks of the reader."""

    WRITE = "write"
    """Write `text` into the file `name`: the block after a paragraph with "file `NAME`"."""
    RUN = "run"
    """Give the commands of `text`, all of which succeed; the last one shows `seen`, at once or soon."""
    STOP = "stop"
    """Stop the gateway: a paragraph that begins with these words."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do."""

    act: Act
    text: str = ""
    name: str = ""
    seen: str = ""

    @property
    def commands(self) -> list[str]:
        """The commands of a RUN step; a line that ends in a backslash goes on in the next."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line for line in lines if line.strip() and not line.startswith("#")]


def steps(page: str) -> list[Step]:
    """The steps of a page below the project's folder, in order. Blocks that are none are left out."""
    found: list[Step] = []
    for language, text, before in _blocks((ROOT / page).read_text()):
        found += [Step(Act.STOP) for paragraph in before.split("\n\n") if paragraph.startswith(_STOP)]
        name = _FILE.search(before.strip().rpartition("\n\n")[2])
        if language == "sh":
            found.append(Step(Act.RUN, text))
        elif name is not None and language in _DATA:
            found.append(Step(Act.WRITE, text, name=name[1]))
        elif language in {"", "text"} and found and _is_output(before, found[-1]):
            found[-1] = Step(Act.RUN, found[-1].text, seen=text)
    return found


def _is_output(before: str, last: Step) -> bool:
    """Whether a block of no language shows what the commands before it print: under the same heading."""
    return last.act is Act.RUN and not last.seen and "\n#" not in before


def _blocks(text: str) -> Iterator[tuple[str, str, str]]:
    """Language and text of each fenced block, and the prose since the block before it."""
    end = 0
    for block in _FENCE.finditer(text):
        yield block[1], block[2], text[end : block.start()]
        end = block.end()


def missing(seen: str, output: str) -> list[str]:
    """Lines of `seen` that no line of the output contains; blanks count as one."""
    lines = [" ".join(line.split()) for line in output.splitlines()]
    wanted = [" ".join(line.split()) for line in seen.splitlines() if line.strip()]
    return [want for want in wanted if not any(want in line for line in lines)]
