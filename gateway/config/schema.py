"""Every setting there is, found in the type hints and metadata of the settings dataclasses.

Nothing is listed by hand: a field added to a section is read, checked and documented from then on.
A section that repeats (`dict[str, Section]`, as `[campaigns.ID]`) stands as `campaigns.*` here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from gateway.config.settings import Settings
from gateway.model.setting import Form

ANY = "*"
ENVIRONMENT_PREFIX = "ANI_GATEWAY_"

Parts = tuple[str, ...]
"""A path in pieces: `("agi", "listen")`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting and all that is known about it. The meaning of the facts: `gateway.model.setting`."""

    parts: Parts
    hint: Any
    default: Any
    what: str
    why: str
    unit: str
    secret: bool
    least: float | None
    most: float | None
    form: Form
    choices: tuple[str, ...]

    @property
    def path(self) -> str:
        """`agi.listen`; `campaigns.ID.name` in a section that repeats."""
        return ".".join("ID" if part == ANY else part for part in self.parts)

    @property
    def environment(self) -> str:
        """Name of the environment variable; `ID` stands for the name of a section that repeats."""
        return ENVIRONMENT_PREFIX + self.path.upper().replace(".", "_")


def repeated_section(hint: Any) -> type[Any] | None:
    """The section type of a `dict[str, Section]`, or `None` for any other hint."""
    arguments = get_args(hint)
    if get_origin(hint) is dict and is_dataclass(arguments[1]) and isinstance(arguments[1], type):
        return arguments[1]
    return None


def _entry(field: Field[Any], hint: Any, parts: Parts) -> Entry:
    default = field.default
    if default is MISSING and field.default_factory is not MISSING:
        default = field.default_factory()
    return Entry(parts=parts, hint=hint, default=default, **field.metadata)


def _walk(section: type[Any], prefix: Parts) -> Iterator[Entry]:
    hints = get_type_hints(section)
    for field in fields(section):
        hint, parts = hints[field.name], (*prefix, field.name)
        if is_dataclass(hint) and isinstance(hint, type):
            yield from _walk(hint, parts)
        elif (repeated := repeated_section(hint)) is not None:
            yield from _walk(repeated, (*parts, ANY))
        else:
            yield _entry(field, hint, parts)


@cache
def entries() -> tuple[Entry, ...]:
    """Every setting, in the order of the sections and their fields."""
    return tuple(_walk(Settings, ()))


def _fits(template: Sequence[str], parts: Sequence[str]) -> bool:
    return all(wanted in (ANY, part) for wanted, part in zip(template, parts, strict=False))


def find(parts: Parts) -> Entry | None:
    """The setting at `parts`, or `None`."""
    same_length = (entry for entry in entries() if len(entry.parts) == len(parts))
    return next((entry for entry in same_length if _fits(entry.parts, parts)), None)


def is_section(parts: Parts) -> bool:
    """Whether settings stand below `parts`."""
    return any(len(entry.parts) > len(parts) and _fits(entry.parts, parts) for entry in entries())


def find_secret_file(parts: Parts) -> Parts | None:
    """The secret that `parts` names a file for (`outboundiq.key_file`), or `None` when it names none."""
    if not parts or find(parts) is not None:
        return None
    secret = (*parts[:-1], parts[-1].removesuffix("_file"))
    entry = find(secret)
    return secret if secret != parts and entry is not None and entry.secret else None


def names_below(parts: Parts) -> list[str]:
    """The names of settings and sections right below `parts`, for "did you mean"."""
    depth = len(parts)
    below = [entry for entry in entries() if len(entry.parts) > depth and _fits(entry.parts, parts)]
    names = [entry.parts[depth] for entry in below]
    names += [
        f"{entry.parts[depth]}_file" for entry in below if entry.secret and len(entry.parts) == depth + 1
    ]
    return [name for name in dict.fromkeys(names) if name != ANY]
