"""How far a run has come, in a file beside its output: `out.csv.progress`.

Written only after the rows it speaks of are on disk, and put in place at once, so that at any moment there is
a whole one: whoever goes on by it writes every row exactly once. Everything blocks.
"""

import hashlib
import os
from pathlib import Path

import msgspec

from gateway.leads.reader import LeadsError

_VERSION = 1
_HEAD_BYTES = 65_536
_ANEW = "--restart begins anew"


class Counts(msgspec.Struct):
    """What became of the rows."""

    rows: int = 0
    assigned: int = 0
    without_number: int = 0
    """The provider has no number for them."""
    errors: int = 0
    """No answer was had, for the reason in their column."""
    not_utf8: int = 0
    """Rows with bytes that are no UTF-8, among all of the above."""
    prewarmed: int = 0
    not_prewarmed: int = 0
    """Numbers a gateway did not take; counted for each gateway, as `prewarmed` is."""


class Checkpoint(msgspec.Struct):
    """Where a run stands."""

    input: dict[str, str]
    """What the input is known by: `fingerprint`."""
    arguments: dict[str, str]
    """What else decides what is written."""
    offset: int
    """Bytes of the input that are done."""
    line: int
    """Lines of the input that are done."""
    output_bytes: int
    """Bytes of the output that are on disk; 0 before there is an output."""
    counts: Counts
    seconds: float = 0.0
    """Time spent so far, in all runs."""
    version: int = _VERSION


def fingerprint(path: Path) -> dict[str, str]:
    """What tells one input from another: size, time of change, beginning. Raises `OSError`."""
    with path.open("rb") as file:
        stat = os.fstat(file.fileno())
        head = hashlib.sha256(file.read(_HEAD_BYTES)).hexdigest()
    return {"size": str(stat.st_size), "changed": str(stat.st_mtime_ns), "head": head}


class CheckpointFile:
    """The checkpoint of the output at `output`."""

    def __init__(self, output: Path) -> None:
        self.path = output.with_name(output.name + ".progress")
        self._new = output.with_name(output.name + ".progress.new")

    def load(self) -> Checkpoint | None:
        """The checkpoint, `None` when there is none. Raises `LeadsError`, `OSError`."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            checkpoint = msgspec.json.decode(content, type=Checkpoint)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise LeadsError(f'"{self.path}" is no checkpoint: {error}', _ANEW) from error
        if checkpoint.version != _VERSION:
            raise LeadsError(f'"{self.path}" is of another version of this program', _ANEW)
        return checkpoint

    def save(self, checkpoint: Checkpoint) -> None:
        """Put `checkpoint` in place, on disk. Raises `OSError`."""
        with self._new.open("wb") as file:
            file.write(msgspec.json.encode(checkpoint))
            file.flush()
            os.fsync(file.fileno())
        self._new.replace(self.path)
        self._sync_folder()

    def remove(self) -> None:
        """The run is complete. Raises `OSError`."""
        self._new.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)
        self._sync_folder()

    def _sync_folder(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def differences(earlier: Checkpoint, wanted: Checkpoint) -> str:
    """Why a run may not go on by `earlier`, in words; "" when it may."""
    if earlier.input != wanted.input:
        return "the input was changed since"
    names = sorted(earlier.arguments.keys() | wanted.arguments.keys())
    changed = [name for name in names if earlier.arguments.get(name) != wanted.arguments.get(name)]
    return f"it was begun with another {', '.join(changed)}" if changed else ""
