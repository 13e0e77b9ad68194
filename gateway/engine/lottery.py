"""Draws among many numbers without listing them."""

from bisect import bisect_right
from itertools import accumulate

from gateway.engine.ranks import Leaf


class Lottery:
    """Draws a number with equal chances, as long as few are resting."""

    def __init__(self, leaves: list[Leaf]) -> None:
        self._leaves = leaves
        self._ends = list(accumulate(len(leaf.members) for leaf in leaves))

    def draw(self, chance: float) -> tuple[Leaf, int] | None:
        """The leaf and the position in its heap that `chance` (0 to below 1) falls on; `None` for a blank."""
        if not self._ends:
            return None
        ticket = int(chance * self._ends[-1])
        slot = bisect_right(self._ends, ticket)
        leaf = self._leaves[slot]
        position = ticket - (self._ends[slot - 1] if slot else 0)
        # Resting and paused numbers are out of the heap; their tickets are blanks.
        return (leaf, position) if position < len(leaf.heap) else None
