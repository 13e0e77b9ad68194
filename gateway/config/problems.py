"""What can be wrong with a configuration, in words an administrator can act on."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `path` is the setting (`agi.listen`) or the file; `origin` is "" when unknown."""

    path: str
    message: str
    origin: str = ""
    """`FILE:LINE`, `environment NAME` or `flag --NAME`."""
    hint: str = ""

    @property
    def line(self) -> str:
        """The problem in one line, without the hint."""
        where = f" ({self.origin})" if self.origin else ""
        return f"{self.path}: {self.message}{where}"


class ConfigError(Exception):
    """The configuration cannot be used. `problems` holds all that was found, never none."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.line for problem in self.problems))
