"""What all workers have counted, in the one process that shows it: figures come in, sums go out. Pure.

A worker is known by its slot and the time it began, so it may connect anew and its successor may come before
it has left. What one counted stays when it ends: no sum ever goes back, as Prometheus wants it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.admin.snapshot import WorkerFigures
from gateway.telemetry.figures import CallFigures, total

_MOST_ENDED = 64
"""Ended workers kept apart, for one may only have lost its connection; the oldest are added up."""

_Who = tuple[int, float]


@dataclass(slots=True)
class _Entry:
    figures: CallFigures
    told_at: float
    is_here: bool = True


class FigureBook:
    """One for all workers. `time` is the monotonic clock in seconds."""

    def __init__(self, *, time: Callable[[], float], watch: Callable[[], None] = lambda: None) -> None:
        """`watch` tells all workers that somebody looks at the last calls."""
        self._time = time
        self.watch = watch
        self._entries: dict[_Who, _Entry] = {}
        self._past = CallFigures()

    def told(self, slot: int, born: float, figures: CallFigures) -> None:
        """The worker of a slot that began at `born` says what it has counted since."""
        # Put at the end, so that those that left longest ago stand first.
        self._entries.pop((slot, born), None)
        self._entries[slot, born] = _Entry(figures, self._time())

    def left(self, slot: int, born: float) -> None:
        """Its connection is gone, and most likely the worker too."""
        entry = self._entries.get((slot, born))
        if entry is not None:
            entry.is_here = False
            entry.figures = entry.figures.ended()
        self._forget()

    def workers(self) -> tuple[WorkerFigures, ...]:
        """Those that are connected, by slot."""
        now = self._time()
        here = sorted(
            ((who, entry) for who, entry in self._entries.items() if entry.is_here), key=lambda one: one[0]
        )
        return tuple(
            WorkerFigures(slot, entry.figures, max(0.0, now - entry.told_at)) for (slot, _), entry in here
        )

    def total(self) -> CallFigures:
        """All together, those that have ended included."""
        return total((*(entry.figures for entry in self._entries.values()), self._past))

    @property
    def is_elsewhere(self) -> bool:
        """Workers are processes of their own."""
        return True

    def _forget(self) -> None:
        ended = [who for who, entry in self._entries.items() if not entry.is_here]
        for who in ended[: max(0, len(ended) - _MOST_ENDED)]:
            self._past = total((self._past, self._entries.pop(who).figures))
