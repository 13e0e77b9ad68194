"""What a backend has no place for: it never differs, and is told once. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import MISSING, fields, replace
from typing import Any

from gateway.model.inventory import Item


def kept(item: Item, lacks: Collection[str]) -> Item:
    """`item` as a backend keeps it that has no place for the fields `lacks`: those are empty."""
    told: dict[str, Any] = dict(_losses(item, lacks))
    return replace(item, **told) if told else item


def lost(items: Iterable[Item], lacks: Collection[str]) -> Counter[str]:
    """How many of `items` have something in a field the backend has no place for, by field."""
    return Counter(name for item in items for name, _ in _losses(item, lacks))


def _losses(item: Item, lacks: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Name and empty value of each such field that has something in it."""
    for field in fields(item) if lacks else ():
        if (
            field.name in lacks
            and field.default is not MISSING
            and getattr(item, field.name) != field.default
        ):
            yield field.name, field.default
