"""Results out: the rows of the input with two columns more, appended to a file that may be cut back.

Everything blocks. The file is locked while it is open: two runs on one output would mix their rows.
"""

import csv
import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from gateway.leads.columns import ANI, ERROR
from gateway.leads.reader import BOM, LeadsError, Sheet

_MODE = 0o640  # it holds phone numbers
_CRLF = "\r\n"


class _CsvLines(list[str]):
    """Takes what `csv.writer` writes, line by line.

    The writer quotes a cell that holds a character of its line end, so it must think in CRLF: a lone CR that
    is not quoted ends a line for many readers.
    """

    write = list[str].append


class ResultFile:
    """The output, from its beginning or from the byte up to which an earlier run had it safe."""

    def __init__(self, path: Path, descriptor: int, sheet: Sheet) -> None:
        """Made by `open`."""
        self.path = path
        self._descriptor = descriptor
        self._sheet = sheet
        self.size_bytes = os.fstat(descriptor).st_size
        """Bytes of whole rows. A write that failed half way leaves more in the file."""

    @classmethod
    def open(cls, path: Path, sheet: Sheet) -> Self:
        """Open and lock the file, empty if it is not there. Raises `LeadsError`, `OSError`."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise LeadsError(f'"{path}" is being written by another run', "wait for it to end") from error
        return cls(path, descriptor, sheet)

    def begin(self) -> None:
        """Begin anew, whatever is there, with the header. Raises `OSError`."""
        self.cut(0)
        text = self._csv([[*self._sheet.kept_header, ANI, ERROR]])
        self._write(BOM + text if self._sheet.has_bom else text)

    def cut(self, size_bytes: int) -> None:
        """Cut off what comes after the first `size_bytes`, and go on there. Raises `OSError`."""
        os.ftruncate(self._descriptor, size_bytes)
        os.lseek(self._descriptor, 0, os.SEEK_END)
        self.size_bytes = size_bytes

    def append(self, rows: Iterable[Iterable[str]]) -> None:
        """Write rows: the kept cells, ANI, error. Raises `OSError`; then nothing may be appended any more."""
        self._write(self._csv(rows))

    def sync(self) -> int:
        """Have everything on disk; the bytes of whole rows. Raises `OSError`."""
        os.fsync(self._descriptor)
        return self.size_bytes

    def close(self) -> None:
        """Close the file and give up the lock. Safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _csv(self, rows: Iterable[Iterable[str]]) -> bytes:
        lines = _CsvLines()
        csv.writer(lines, delimiter=self._sheet.delimiter, lineterminator=_CRLF).writerows(rows)
        end = self._sheet.line_end
        return "".join([line[: -len(_CRLF)] + end for line in lines]).encode("utf-8", "surrogateescape")

    def _write(self, content: bytes) -> None:
        left = memoryview(content)
        while left:
            left = left[os.write(self._descriptor, left) :]
        self.size_bytes += len(content)
