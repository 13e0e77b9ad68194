"""How far a long run is, on stderr: one line that renews itself on a terminal, else a line now and then."""

import sys
import time
from collections.abc import Callable

import click

_TERMINAL_EVERY_S = 0.2
_PIPE_EVERY_S = 10.0
_MINUTE_S = 60


class Progress:
    """Counts what a run has done; leave it with `close`."""

    def __init__(
        self, what: str, total: int | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`what` is counted: `read`, `targets`; `total` is `None` while nobody knows."""
        self._what = what
        self._total = total
        self._clock = clock
        self._is_terminal = sys.stderr.isatty()
        self._every_s = _TERMINAL_EVERY_S if self._is_terminal else _PIPE_EVERY_S
        self._began_at = self._told_at = clock()
        self._first: int | None = None
        self._done = 0
        self._is_shown = False

    def step(self) -> None:
        """One more is done."""
        if self._first is None:
            self._first = 0
        self.show(self._done + 1, self._total)

    def show(self, done: int, total: int | None = None) -> None:
        """So many are done, of so many. What was done before the first call is no speed of this run."""
        self._done, self._total = done, total
        if self._first is None:
            self._first = done
        now = self._clock()
        if now - self._told_at >= self._every_s:
            self._told_at = now
            self._tell(now)

    def close(self) -> None:
        """End the line on the terminal."""
        if self._is_shown and self._is_terminal:
            self._tell(self._clock())
            click.echo("", err=True)
        self._is_shown = False

    def _tell(self, now: float) -> None:
        rate_per_s = (self._done - (self._first or 0)) / max(now - self._began_at, 0.001)
        line = progress_text(self._what, self._done, self._total, rate_per_s)
        self._is_shown = True
        if self._is_terminal:
            click.echo(f"\r{line:<78}", err=True, nl=False)
        else:
            click.echo(line, err=True)


def progress_text(what: str, done: int, total: int | None, rate_per_s: float) -> str:
    """`rows: 1,200 of 5,000, 14.8/s, 04:17 left`."""
    text = f"{what}: {done:,}"
    if total is not None:
        text += f" of {total:,}"
    text += f", {rate_per_s:.1f}/s"
    if total is not None and rate_per_s > 0:
        left_s = round(max(total - done, 0) / rate_per_s)
        minutes, seconds = divmod(left_s, _MINUTE_S)
        hours, minutes = divmod(minutes, _MINUTE_S)
        clock = f"{minutes:02}:{seconds:02}"
        text += f", {f'{hours}:{clock}' if hours else clock} left"
    return text
