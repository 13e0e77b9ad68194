"""A CSV file that grows, and is cut back to what was known to be whole when a run is taken up."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self


class CsvFile:
    """Rows at the end of a file. `size` is how many bytes are whole."""

    def __init__(self, path: Path, size: int) -> None:
        """Open it and cut it to `size` bytes. Raises `OSError`, also when it is shorter than that."""
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        if os.fstat(self._descriptor).st_size < size:
            os.close(self._descriptor)
            raise OSError(None, "it is shorter than it was", str(path))
        os.ftruncate(self._descriptor, size)
        os.lseek(self._descriptor, 0, os.SEEK_END)
        self.size = size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        os.close(self._descriptor)

    def add(self, rows: Iterable[Sequence[str]]) -> None:
        """Write rows; they are on disk when this returns. Raises `OSError`."""
        text = io.StringIO()
        plain = csv.writer(text, lineterminator="\n")
        quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for row in rows:
            # With line feeds between rows the module leaves a carriage return in a cell unquoted.
            (quoted if any("\r" in cell for cell in row) else plain).writerow(row)
        data = text.getvalue().encode()
        self.size += len(data)
        while data:
            data = data[os.write(self._descriptor, data) :]
        os.fsync(self._descriptor)
