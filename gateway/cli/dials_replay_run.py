"""One replay: from the sources through the recorder into the spool, and what became of everything."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from gateway.cli.console import say, warn
from gateway.cli.dials_replay_sources import Source, SourceError
from gateway.dials.cdr import BadRowError, CdrCount, CdrOptions
from gateway.dials.recorder import NoRecord, Recorder
from gateway.model.delivery import Stored
from gateway.model.dial import Dial

BATCH = 500
"""Records put at once: they share a transaction, and a running gateway waits for it a few milliseconds."""
_MOST_SAID = 20

Put = Callable[[Sequence[Dial]], Sequence[Stored]]
"""Puts records on disk and says of each what became of it. Raises `StoreError`."""


@dataclass(slots=True)
class Tally:
    """What became of everything that was read."""

    read: CdrCount = field(default_factory=CdrCount)
    records: int = 0
    stored: Counter[Stored] = field(default_factory=Counter)
    skipped: Counter[NoRecord] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    """Why a source was not read to its end."""

    def as_object(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "rows": self.read.rows,
            "bad_rows": self.read.bad,
            "out_of_range_rows": self.read.out_of_range,
            "other_rows": self.read.not_ours,
            "calls": self.read.calls,
            "skipped": {reason.value: number for reason, number in self.skipped.items()},
            "records": self.records,
            **{outcome.value: self.stored[outcome] for outcome in (Stored.NEW, Stored.BETTER, Stored.KNOWN)},
        }

    def rows(self) -> Iterator[tuple[str, int]]:
        """For people."""
        yield "rows read", self.read.rows
        yield "  that cannot be read", self.read.bad
        yield "  outside --since and --until", self.read.out_of_range
        yield "  of calls that are not the gateway's", self.read.not_ours
        yield "calls", self.read.calls
        for reason, number in sorted(self.skipped.items()):
            yield f"  that make no record: {reason.value}", number
        yield "records", self.records
        if self.stored:
            yield "  new, to be sent", self.stored[Stored.NEW]
            yield "  better than the one known", self.stored[Stored.BETTER]
            yield "  known already, not sent again", self.stored[Stored.KNOWN]


def run(sources: Iterable[Source], options: CdrOptions, recorder: Recorder, put: Put | None) -> Tally:
    """Replay all sources; a broken one keeps no other from being read. `put` is `None` for a dry run.

    Raises `StoreError` when the spool cannot be written.
    """
    tally = Tally()
    for source in sources:
        records = _records(source, options, recorder, tally)
        while batch := list(islice(records, BATCH)):
            tally.records += len(batch)
            if put is not None:
                tally.stored.update(put(batch))
    if tally.read.bad > _MOST_SAID:
        say(f"{tally.read.bad - _MOST_SAID} further rows that cannot be read are not named")
    return tally


def _records(source: Source, options: CdrOptions, recorder: Recorder, tally: Tally) -> Iterator[Dial]:
    def on_bad(where: str, error: BadRowError) -> None:
        if tally.read.bad <= _MOST_SAID:
            warn([f"{where}: {error}"])

    try:
        for each in source.read(options, on_bad, tally.read):
            record = each if isinstance(each, Dial) else recorder.record(each)
            if isinstance(record, Dial):
                yield record
            else:
                tally.skipped[record] += 1
    except SourceError as error:
        tally.broken.append(str(error))
