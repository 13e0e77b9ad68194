"""How far a list has come, on standard error: a bar on a terminal, a line every few seconds elsewhere."""

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from gateway.cli.console import colour
from gateway.leads.loading import Loading

_BAR_S = 0.25
_LINE_S = 5.0


class Display(Protocol):
    """Where progress is shown; a context manager around the run."""

    every_s: float

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, loading: Loading) -> None:
        """Show how far it is now."""
        ...


def open_display(console: Console | None, size_bytes: int) -> Display:
    """A bar if standard error is a terminal that can draw one, lines otherwise, for `size_bytes` of input."""
    console = console or Console(stderr=True, highlight=False, no_color=colour() is False)
    if console.is_terminal and not console.is_dumb_terminal:
        return BarDisplay(console, size_bytes)
    return LineDisplay(console, size_bytes)


class _Pace:
    """Rows a second and seconds left, of this run alone."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._began = time.monotonic()
        self._first_offset: int | None = None

    def rows_per_s(self, loading: Loading) -> float:
        return (loading.counts.rows - loading.rows_before) / max(time.monotonic() - self._began, 0.001)

    def left_s(self, loading: Loading) -> float | None:
        if self._first_offset is None:
            self._first_offset = loading.offset
        done = loading.offset - self._first_offset
        if not done:
            return None
        return (time.monotonic() - self._began) / done * (self._size_bytes - loading.offset)


class BarDisplay:
    """One bar, drawn anew."""

    every_s = _BAR_S

    def __init__(self, console: Console, size_bytes: int) -> None:
        self._pace = _Pace(size_bytes)
        self._progress = Progress(
            TextColumn("{task.fields[rows]:,} rows"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]:,.0f} rows/s"),
            TextColumn("errors {task.fields[errors]:,}"),
            TimeRemainingColumn(),
            console=console,
            auto_refresh=False,
        )
        self._task = self._progress.add_task("", total=size_bytes, rows=0, rate=0.0, errors=0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def show(self, loading: Loading) -> None:
        """Draw the bar."""
        counts = loading.counts
        self._progress.update(
            self._task,
            completed=loading.offset,
            rows=counts.rows,
            rate=self._pace.rows_per_s(loading),
            errors=counts.errors,
            refresh=True,
        )


class LineDisplay:
    """One line each time, for logs and pipes."""

    every_s = _LINE_S

    def __init__(self, console: Console, size_bytes: int) -> None:
        self._console = console
        self._size_bytes = size_bytes
        self._pace = _Pace(size_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing is held open."""

    def show(self, loading: Loading) -> None:
        """Write one line."""
        left_s = self._pace.left_s(loading)
        share = loading.offset / max(self._size_bytes, 1)
        left = "" if left_s is None else f"  {left_s:,.0f} s left"
        line = (
            f"{loading.counts.rows:,} rows  {share:.0%}  {self._pace.rows_per_s(loading):,.0f} rows/s  "
            f"errors {loading.counts.errors:,}{left}"
        )
        self._console.print(line, soft_wrap=True)
