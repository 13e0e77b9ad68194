"""The settings in force and where each came from, secrets masked."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from gateway.config.load import Loaded
from gateway.config.reference import written
from gateway.config.schema import find

MASK = "********"
"""As long for every secret: the length of one helps to guess it."""


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting in force. A secret that is set has `MASK` as its value."""

    path: str
    value: Any
    origin: str
    """`FILE:LINE`, `environment NAME`, `flag --NAME` or `default`."""


def effective(loaded: Loaded) -> list[Effective]:
    """Every setting, in the order of the reference."""
    return [
        Effective(".".join(parts), _masked(parts, value), loaded.origins.get(".".join(parts), "default"))
        for parts, value in leaves(loaded.settings)
    ]


def leaves(section: Any, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every setting with its path in pieces, in the order of the reference. Secrets are not masked."""
    for field in fields(section):
        parts, value = (*prefix, field.name), getattr(section, field.name)
        if is_dataclass(value):
            yield from leaves(value, parts)
        elif find(parts) is not None:
            yield parts, value
        else:
            for name, each in value.items():
                yield from leaves(each, (*parts, name))


def _masked(parts: tuple[str, ...], value: Any) -> Any:
    entry = find(parts)
    return MASK if entry is not None and entry.secret and value else value


def as_text(loaded: Loaded) -> str:
    """One line a setting: `path = value`, and behind it the origin."""
    rows = [(f"{each.path} = {written(each.value)}", each.origin) for each in effective(loaded)]
    width = min(60, max(len(left) for left, _ in rows))
    return "".join(f"{left:<{width}}  # {origin}\n" for left, origin in rows)


def as_json(loaded: Loaded) -> str:
    """A list of objects: path, value, origin."""
    rows = [{"path": each.path, "value": each.value, "origin": each.origin} for each in effective(loaded)]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
