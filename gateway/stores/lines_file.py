"""A file that grows by whole lines, each on disk before it is reported written."""

import os
from collections.abc import Sequence
from pathlib import Path

from gateway.stores.base import StoreBusyError, StoreUnusableError


class LinesFile:
    """Appends to `path`, which may be moved away at any time: the next lines start a new file.

    Use from one thread at a time; everything blocks.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._descriptor = -1

    def append(self, lines: Sequence[bytes]) -> None:
        """Write `lines`, without their line ends, and sync them to disk. Raises `StoreError`.

        After an error some of them may stand in the file; a line cut short is never followed on its own line.
        """
        try:
            self._follow()
            content = b"".join(line + b"\n" for line in lines)
            size = os.fstat(self._descriptor).st_size
            try:
                _write(self._descriptor, content)
                os.fsync(self._descriptor)
            except OSError:
                os.ftruncate(self._descriptor, size)
                raise
        except OSError as error:
            raise StoreBusyError(f'"{self._path}" cannot be written: {error.strerror}') from error

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _follow(self) -> None:
        """Open the file, anew when another stands at its path or none."""
        if self._descriptor >= 0 and not self._is_moved():
            return
        self.close()
        if not self._path.parent.is_dir():
            raise StoreUnusableError(f'folder of "{self._path}" does not exist; create it')
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        size = os.fstat(self._descriptor).st_size
        # A crash may have left half a line.
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            _write(self._descriptor, b"\n")

    def _is_moved(self) -> bool:
        mine = os.fstat(self._descriptor)
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return True
        return (mine.st_dev, mine.st_ino) != (there.st_dev, there.st_ino)


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
