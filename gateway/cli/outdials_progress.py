"""One line on the terminal that says how far a long run is: how many, how fast, how long still."""

import sys
import time

_EVERY_S = 0.2
_MINUTE_S = 60


class ProgressLine:
    """Rewrites a line on stderr when that is a terminal, and says nothing when it is not."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_on = sys.stderr.isatty()
        self._began = self._shown_at = time.monotonic()
        self._first: int | None = None

    def show(self, done: int, total: int | None = None) -> None:
        """So many are done, of so many; `None`: nobody knows. What was done before this run is no speed."""
        now = time.monotonic()
        if self._first is None:
            self._first = done
        if not self._is_on or now - self._shown_at < _EVERY_S:
            return
        self._shown_at = now
        text = progress_text(self._what, done, total, (done - self._first) / (now - self._began))
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._is_on:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


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
