"""One run over a lead file: results into the output, and a checkpoint from which another run can go on.

Every row is written exactly once, whenever this process dies: the output is cut back to what the checkpoint
speaks of, and the rows after it are asked for again. Writes and syncs block the event loop, which has nothing
to do here that could not wait for them.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gateway.leads.assigning import Assigning, Became, Done
from gateway.leads.checkpoint import Checkpoint, CheckpointFile, Counts, differences, fingerprint
from gateway.leads.reader import LeadsError, Place, Row, Sheet, read_rows
from gateway.leads.writer import ResultFile
from gateway.model.phone import PhoneNumber

_MOST_HELD = 20
"""Batches in a row without any answer after which a run stops."""
_SAVE_AFTER_S = 2.0
"""Most time between checkpoints while rows come; a kill costs so much, or the rows between checkpoints."""
_GO_ON = "the same command goes on from here when the provider is back"


class OutageError(LeadsError):
    """The provider does not answer any more. The rows it did not answer are not written."""


class Loading:
    """The input, the output and the checkpoint of one run. `close` it in the end."""

    def __init__(
        self,
        paths: tuple[Path, Path],
        sheet: Sheet,
        *,
        campaign: str,
        written: Callable[[PhoneNumber], str],
        checkpoint: tuple[CheckpointFile, Checkpoint],
        file: ResultFile,
        checkpoint_rows: int,
    ) -> None:
        """Made by `open_loading`."""
        self._input, self._output = paths
        self._sheet = sheet
        self._campaign = campaign
        self._written = written
        self._checkpoint_file, self._checkpoint = checkpoint
        self._file = file
        self._checkpoint_rows = checkpoint_rows
        self._held: list[Done] = []
        self._saved_rows = self._checkpoint.counts.rows
        self._saved_at = time.monotonic()
        self._began = time.monotonic() - self._checkpoint.seconds
        self.rows_before = self._checkpoint.counts.rows
        """Rows that an earlier run has done."""
        self.on_not_utf8: Callable[[Row], None] = lambda _: None
        """Called with each row whose bytes are no UTF-8."""

    @property
    def counts(self) -> Counts:
        """What became of the rows so far, in all runs."""
        return self._checkpoint.counts

    @property
    def offset(self) -> int:
        """Bytes of the input that are done."""
        return self._checkpoint.offset

    @property
    def seconds(self) -> float:
        """Time spent so far, in all runs."""
        return time.monotonic() - self._began

    async def run(self, assigning: Assigning) -> None:
        """Assign what is left and take the checkpoint away.

        Raises `OutageError`, `LeadsError`, `RefusedError` or `OSError`; what was done until then stays.
        """
        start = Place(self._checkpoint.offset, self._checkpoint.line)
        rows = read_rows(self._input, self._sheet, start, campaign=self._campaign)
        await assigning.run(self._with_notes(rows), self.take)
        if self._held:
            # The provider answered others since it was started: these may be what it cannot answer.
            if self.counts.rows == self.rows_before:
                raise self._outage()
            self._write_held()
        self.save()
        self._checkpoint_file.remove()

    async def take(self, done: Done) -> None:
        """Write a batch, unless it met an outage: then wait whether the provider comes back."""
        self._held.append(done)
        if not done.is_outage:
            self._write_held()
            if self._is_save_due():
                self.save()
        elif len(self._held) >= _MOST_HELD:
            raise self._outage()

    def save(self) -> None:
        """Have the output on disk, and then a checkpoint that says so. Raises `OSError`."""
        self._checkpoint.output_bytes = self._file.sync()
        self._checkpoint.seconds = round(self.seconds, 3)
        self._checkpoint_file.save(self._checkpoint)
        self._saved_rows = self.counts.rows
        self._saved_at = time.monotonic()

    def close(self) -> None:
        """Close the output. Safe to call twice."""
        self._file.close()

    def _is_save_due(self) -> bool:
        rows = self.counts.rows - self._saved_rows
        return rows >= self._checkpoint_rows or time.monotonic() - self._saved_at >= _SAVE_AFTER_S

    def _with_notes(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            if not row.is_utf8:
                self.on_not_utf8(row)
            yield row

    def _outage(self) -> OutageError:
        return OutageError(f"the provider does not answer: {self._held[0].results[-1].error}", _GO_ON)

    def _write_held(self) -> None:
        for done in self._held:
            self._write(done)
        self._held.clear()

    def _write(self, done: Done) -> None:
        self._file.append(
            (*each.row.cells, self._written(each.ani) if each.ani else "", each.error)
            for each in done.results
        )
        counts = self.counts
        for each in done.results:
            counts.rows += 1
            counts.assigned += each.became is Became.ASSIGNED
            counts.without_number += each.became is Became.WITHOUT_NUMBER
            counts.errors += each.became in (Became.ERROR, Became.UNANSWERED)
            counts.not_utf8 += not each.row.is_utf8
        counts.prewarmed += done.warmed.taken
        counts.not_prewarmed += done.warmed.refused
        self._checkpoint.offset, self._checkpoint.line = done.results[-1].row.after


def open_loading(
    paths: tuple[Path, Path],
    sheet: Sheet,
    *,
    campaign: str,
    written: Callable[[PhoneNumber], str],
    arguments: Mapping[str, str],
    restart: bool = False,
    force: bool = False,
    checkpoint_rows: int = 5_000,
) -> Loading:
    """A run from `paths`, input and output: a new one, or the rest of one that was broken off.

    `arguments` are what else decides what is written; a run that is gone on with must have the same.
    `restart` begins anew in place of going on; it and `force` write over an output that is complete.
    Raises `LeadsError`, `OSError`.
    """
    source, output = paths
    if output.exists() and output.samefile(source):
        raise LeadsError("the output is the input", "name another file with -o")
    wanted = Checkpoint(fingerprint(source), dict(arguments), *sheet.first, output_bytes=0, counts=Counts())
    checkpoint_file = CheckpointFile(output)
    file = ResultFile.open(output, sheet)
    try:
        earlier = None if restart else checkpoint_file.load()
        may_begin = restart or force or not file.size_bytes
        _check(wanted, earlier, checkpoint_file, file, may_begin=may_begin)
        checkpoint = earlier or wanted
        _make_ready(file, checkpoint, checkpoint_file)
    except BaseException:
        file.close()
        raise
    return Loading(
        paths,
        sheet,
        campaign=campaign,
        written=written,
        checkpoint=(checkpoint_file, checkpoint),
        file=file,
        checkpoint_rows=checkpoint_rows,
    )


def _check(
    wanted: Checkpoint,
    earlier: Checkpoint | None,
    checkpoint_file: CheckpointFile,
    file: ResultFile,
    *,
    may_begin: bool,
) -> None:
    """Refuse to spoil an output that is complete, or is of another run. Raises `LeadsError`."""
    if earlier is None:
        if not may_begin:
            raise LeadsError(f'"{file.path}" is there already', "--force writes over it")
        return
    why = differences(earlier, wanted)
    if why:
        message = f'a run that was broken off cannot go on: {why} ("{checkpoint_file.path}")'
        raise LeadsError(message, "--restart begins anew; or take back what was changed")
    if file.size_bytes < earlier.output_bytes:
        message = f'"{file.path}" is shorter than the {earlier.output_bytes} bytes an earlier run wrote'
        raise LeadsError(message, "--restart begins anew")


def _make_ready(file: ResultFile, checkpoint: Checkpoint, checkpoint_file: CheckpointFile) -> None:
    """The output as the checkpoint says: cut back, or begun."""
    if checkpoint.output_bytes:
        file.cut(checkpoint.output_bytes)
        return
    # The checkpoint first: an output without one would be taken for complete.
    checkpoint_file.save(checkpoint)
    file.begin()
    checkpoint.output_bytes = file.sync()
    checkpoint_file.save(checkpoint)
