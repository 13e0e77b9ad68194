"""Which number each prospect saw last, so that the next call shows it again."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.model.phone import PhoneNumber

Note = Callable[[str, "Kept | None", float], None]
"""Told of each change: the prospect in E.164, what is kept now (`None` for nothing any more), and when."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The number one prospect saw, and when."""

    number: PhoneNumber
    seen_s: float
    """Unix time."""


class StickyMap:
    """Prospect -> number, bounded in number and age; who was not called the longest goes first."""

    def __init__(self, rows: Iterable[tuple[str, Kept]], *, keep_s: float, size: int, note: Note) -> None:
        """`rows` are what was kept before, the oldest first and at most `size`."""
        self._kept = OrderedDict(rows)
        self._keep_s = keep_s
        self._size = size
        self._note = note

    def __len__(self) -> int:
        return len(self._kept)

    def number(self, prospect: PhoneNumber, now_s: float) -> PhoneNumber | None:
        """The number `prospect` saw, `None` when none or too long ago."""
        kept = self._kept.get(prospect.e164)
        if kept is None or kept.seen_s + self._keep_s <= now_s:
            return None
        return kept.number

    def learn(self, prospect: str, kept: Kept) -> None:
        """Take over what another process showed, unless we have shown one since. Nobody is told of it."""
        known = self._kept.get(prospect)
        if known is not None and known.seen_s >= kept.seen_s:
            return
        self._kept[prospect] = kept
        self._kept.move_to_end(prospect)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def keep(self, prospect: PhoneNumber, number: PhoneNumber, now_s: float) -> None:
        """Remember what `prospect` saw now."""
        kept = Kept(number, now_s)
        self._kept[prospect.e164] = kept
        self._kept.move_to_end(prospect.e164)
        self._note(prospect.e164, kept, now_s)
        while len(self._kept) > self._size:
            oldest, _ = self._kept.popitem(last=False)
            self._note(oldest, None, now_s)
