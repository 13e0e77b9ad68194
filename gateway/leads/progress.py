"""How far a run through a list has come, on disk, so that it goes on there after `kill -9`.

The file has a JSON object a line: first what the run is, then what was done. A line counts once it is whole
and on disk; one that was torn is cut off. The file is locked for the life of the process.
"""

import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import orjson


class ProgressError(Exception):
    """The file cannot be used; the message says what to do."""


class Progress:
    """One run's file. Make it with `open`."""

    def __init__(self, descriptor: int, path: Path, *, is_new: bool) -> None:
        self._descriptor = descriptor
        self.path = path
        self.is_new = is_new
        """Whether nothing of this run had been done before."""

    @classmethod
    def open(cls, path: Path, run: Mapping[str, str], told: Callable[[Mapping[str, Any]], None]) -> Self:
        """Begin a run or take it up: `told` gets what was noted before, in order.

        `run` says what it is; a file of another run raises `ProgressError`, as one another process holds.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise ProgressError(f'"{path}" cannot be written: {error.strerror}') from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_new = _read(descriptor, path, run, told)
            one = cls(descriptor, path, is_new=is_new)
            if is_new:
                one.note(run)
                sync_folder(path)
        except BlockingIOError:
            os.close(descriptor)
            raise ProgressError(f'"{path}" is held by another run of this command; wait for it') from None
        except BaseException:
            os.close(descriptor)
            raise
        return one

    def note(self, done: Mapping[str, Any]) -> None:
        """Add what was done; it is on disk when this returns. Raises `ProgressError`."""
        line = orjson.dumps(done) + b"\n"
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
            os.fsync(self._descriptor)
        except OSError as error:
            raise ProgressError(f'"{self.path}" cannot be written: {error.strerror}') from error

    def remove(self) -> None:
        """Forget the run: it is over and will not be repeated."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let others take it."""
        os.close(self._descriptor)


def sync_folder(path: Path) -> None:
    """Bring the name of a file that was made or renamed to disk. Raises `OSError`."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(
    descriptor: int, path: Path, run: Mapping[str, str], told: Callable[[Mapping[str, Any]], None]
) -> bool:
    """Tell what was noted and cut off what was torn. True when there was nothing."""
    whole_bytes = 0
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        for line in file:
            value = _object(line)
            if value is None:
                break
            if whole_bytes:
                told(value)
            elif value != run:
                raise ProgressError(_differs(path, value, run))
            whole_bytes += len(line)
    os.ftruncate(descriptor, whole_bytes)
    return whole_bytes == 0


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(line) if line.endswith(b"\n") else None
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _differs(path: Path, before: Mapping[str, Any], now: Mapping[str, str]) -> str:
    names = ", ".join(name for name in now if before.get(name) != now[name]) or "what"
    return f'"{path}" is of a run with another {names}; restore that, or remove the file to begin anew'
