"""Logs: set up once at start, throttled where an outage would flood them."""

import contextlib
import logging
import queue
import sys
import time
from collections.abc import Callable
from logging.handlers import QueueHandler, QueueListener, WatchedFileHandler
from typing import Any

import orjson

from gateway.telemetry.settings import LogFormat, LogSettings

_MOST_WAITING = 10_000  # about 10 MB; a second of errors at full load


class Throttle:
    """Lets `most` lines through per second; says how many it held back when the next second begins."""

    def __init__(
        self, log: logging.Logger, *, most: int = 5, time: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._most = most
        self._time = time
        self._second = 0
        self._written = 0
        self._held = 0

    def warning(self, message: str, *values: object) -> None:
        """A warning, unless this second has had its share."""
        second = int(self._time())
        if second != self._second:
            if self._held:
                self._log.warning("%d further lines like the following were left out", self._held)
            self._second, self._written, self._held = second, 0, 0
        if self._written < self._most:
            self._written += 1
            self._log.warning(message, *values)
        else:
            self._held += 1


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time (UTC, ISO 8601), level, logger, message, error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for one record."""
        line = {
            "time": _utc(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


class TextFormatter(logging.Formatter):
    """Time (UTC), level, message on one line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime


class BehindHandler(QueueHandler):
    """Has a thread write the lines: a slow disk or a full pipe must not hold up a call.

    At most `_MOST_WAITING` lines wait; further ones are left out and counted. `flush` and `close` wait for
    what was handed over.
    """

    def __init__(self, target: logging.Handler) -> None:
        self._lines: queue.Queue[Any] = queue.Queue(_MOST_WAITING)
        super().__init__(self._lines)
        self.left_out = 0
        self._target = target
        self._listener = QueueListener(self._lines, target)
        self._listener.start()
        self._is_open = True

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Put the message together now: what it names may have changed when it is written."""
        record.msg, record.args = record.getMessage(), None
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Hand a line over, or count it."""
        try:
            self._lines.put_nowait(record)
        except queue.Full:
            self.left_out += 1

    def flush(self) -> None:
        """Return when all lines are written."""
        if self._is_open:
            self._lines.join()

    def close(self) -> None:
        """Write what waits and end the thread."""
        if self._is_open:
            self.flush()
            self._is_open = False
            self._listener.stop()
            if isinstance(self._target, FileHandler):
                self._target.close()
        super().close()


class FileHandler(WatchedFileHandler):
    """Appends to a file; one that was renamed or removed is left for a new one of its name.

    A line that cannot be written, on a full disk, goes to standard error instead.
    """

    def __init__(self, file: str) -> None:
        """Open the file, or make it. Raises `OSError`."""
        super().__init__(file, encoding="utf-8", errors="backslashreplace")

    def close(self) -> None:
        """Close the file, whatever has become of it."""
        with contextlib.suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Called while the error is being handled."""
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{self.format(record)}\nlog.file cannot be written: {sys.exc_info()[1]}\n")


def lines_left_out() -> int:
    """How many lines of this process were not written because too many waited."""
    handlers = logging.getLogger().handlers
    return sum(one.left_out for one in handlers if isinstance(one, BehindHandler))


def configure(settings: LogSettings) -> None:
    """Send the logs of this process where the settings say, from now on. Blocks while the earlier end.

    Raises `OSError` when `log.file` cannot be opened; then all stays as it was.
    """
    target = FileHandler(settings.file) if settings.file else logging.StreamHandler(sys.stderr)
    target.setFormatter(JsonFormatter() if settings.format is LogFormat.JSON else TextFormatter())
    root = logging.getLogger()
    earlier, root.handlers[:] = root.handlers[:], [BehindHandler(target)]
    for handler in earlier:
        if isinstance(handler, BehindHandler):
            handler.close()
    root.setLevel(settings.level.upper())
    for noisy in ("asyncio", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _utc(created: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(created)) + f".{int(created % 1 * 1000):03d}Z"
