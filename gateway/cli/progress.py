"""How far a long run is, on stderr: one line that renews itself on a terminal, else a line now and then."""

import sys
import time
from collections.abc import Callable

import click

from gateway.cli.outdials_progress import progress_text

_TERMINAL_EVERY_S = 0.2
_PIPE_EVERY_S = 10.0


class Progress:
    """Counts steps of a run of `total`; leave it with `close`."""

    def __init__(self, what: str, total: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`what` was done to each: `read`, `applied`."""
        self._what = what
        self._total = total
        self._clock = clock
        self._is_terminal = sys.stderr.isatty()
        self._every_s = _TERMINAL_EVERY_S if self._is_terminal else _PIPE_EVERY_S
        self._began_at = clock()
        self._told_at = self._began_at
        self._done = 0
        self._is_shown = False

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        now = self._clock()
        if now - self._told_at >= self._every_s:
            self._told_at = now
            self._tell(now)

    def close(self) -> None:
        """End the line on the terminal."""
        if self._is_shown and self._is_terminal:
            self._tell(self._clock())
            click.echo("", err=True)

    def _tell(self, now: float) -> None:
        rate_per_s = self._done / max(now - self._began_at, 0.001)
        line = progress_text(self._what, self._done, self._total, rate_per_s)
        self._is_shown = True
        if self._is_terminal:
            click.echo(f"\r{line:<78}", err=True, nl=False)
        else:
            click.echo(line, err=True)
