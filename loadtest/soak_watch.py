"""Looks at the gateway from outside while a soak runs: memory, descriptors, threads, tasks, CPU."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from growth import Growth, Limit, growth
from proc import Usage, memory_mb, tree

LIMITS = {
    "memory_mb": ("MB", Limit(least=2.0, share=0.02)),
    "descriptors": ("", Limit(least=4, share=0.05)),
    "threads": ("", Limit(least=0.5)),
    "tasks": ("", Limit(least=3, share=0.05)),
}
"""What is judged, its unit, and how much it may grow from the end of the warm-up to the end of the run."""


@dataclass(frozen=True, slots=True)
class Look:
    """The gateway's processes together at one moment."""

    at: float
    """Seconds since the start."""
    memory_mb: float
    """Proportional set size."""
    descriptors: int
    threads: int
    tasks: int
    used: Usage


class Watch:
    """Looks every `every_s` seconds; `tasks` is the folder counted.py writes to."""

    def __init__(self, pid: int, tasks: Path, *, every_s: float) -> None:
        self.looks: list[Look] = []
        self._pid = pid
        self._tasks = tasks
        self._every_s = every_s
        self._began = time.monotonic()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Look during the block."""
        over = threading.Event()

        def look_on() -> None:
            while not over.wait(self._every_s):
                with contextlib.suppress(
                    OSError
                ):  # a process or thread ended just then: the next look has all
                    self.looks.append(self.look())

        watcher = threading.Thread(target=look_on)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def look(self) -> Look:
        """Look now."""
        processes = tree(self._pid)
        return Look(
            at=time.monotonic() - self._began,
            memory_mb=memory_mb(self._pid),
            descriptors=sum(_entries(one, "fd") for one in processes),
            threads=sum(_entries(one, "task") for one in processes),
            tasks=sum(self._tasks_of(one) for one in processes),
            used=Usage.of(self._pid),
        )

    def _tasks_of(self, pid: int) -> int:
        file = self._tasks / str(pid)
        return int(file.read_text()) if file.exists() else 0

    def growths(self, *, warm_s: float) -> list[Growth]:
        """What became of each figure after the warm-up; empty with fewer than three looks."""
        judged = [look for look in self.looks if look.at >= warm_s]
        if len(judged) < 3:  # noqa: PLR2004 - a slope of two says nothing
            return []
        return [
            growth(name, unit, [(look.at, float(getattr(look, name))) for look in judged], limit)
            for name, (unit, limit) in LIMITS.items()
        ]


def _entries(pid: int, folder: str) -> int:
    return len(list(Path(f"/proc/{pid}/{folder}").iterdir()))
