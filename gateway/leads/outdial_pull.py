"""Pull: the targets of an outdial become a CSV of leads, each once, also when it is broken off and taken up.

Rows are written page by page into `FILE.part`; after each page its length and the place in the listing are
noted in `FILE.progress`. Taken up again, the file is cut to that length and the listing goes on there. Whole,
it gets its name. The listing comes newest first: what is created after the beginning is not in it.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from gateway.leads.csv_file import CsvFile
from gateway.leads.outdial_rows import COLUMNS, LeadFileError, cells_of
from gateway.leads.progress import Progress, sync_folder
from gateway.model.outdial import OutdialTarget, TargetStatus
from gateway.providers.base import ProviderError
from gateway.providers.voipbin_pages import HiddenRowsError, Place


class TargetPages(Protocol):
    """Lists targets, newest first; `VoipBin` does."""

    def target_pages(
        self, outdial_id: str, place: Place | None = None
    ) -> AsyncIterator[tuple[list[OutdialTarget], Place]]:
        """Page by page, from `place` on, with the place behind each. Raises `ProviderError`."""
        ...


@dataclass(frozen=True, slots=True)
class PullOrder:
    """What to pull."""

    outdial_id: str
    output: Path
    status: TargetStatus | None = None
    """Only targets that stand so; `None` for all."""
    url: str = ""
    """The service, so that a run is taken up with no other."""

    @property
    def part(self) -> Path:
        """What is written until the file is whole."""
        return self.output.with_name(f"{self.output.name}.part")

    @property
    def progress(self) -> Path:
        """How far it has come."""
        return self.output.with_name(f"{self.output.name}.progress")


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was pulled."""

    rows: int
    may_hide: bool
    """Whether there may be targets the service cannot list: too many were created in one microsecond."""


class _Done:
    """What was noted so far."""

    def __init__(self) -> None:
        self.place = Place()
        self.size = self.rows = 0
        self.is_whole = False

    def tell(self, noted: Mapping[str, Any]) -> None:
        self.size, self.rows = noted["size"], noted["rows"]
        self.is_whole = noted["is_whole"]
        self.place = Place(noted["token"], frozenset(noted["edge"]), noted["may_hide"])

    def line(self) -> dict[str, Any]:
        return {
            "size": self.size,
            "rows": self.rows,
            "is_whole": self.is_whole,
            "token": self.place.token,
            "edge": sorted(self.place.edge),
            "may_hide": self.place.may_hide,
        }


async def pull(source: TargetPages, order: PullOrder, on_rows: Callable[[int], None]) -> Pulled:
    """Write the file, or go on with it.

    `on_rows` hears how many rows there are after each page. Raises `ProviderError`, `LeadFileError` and
    `ProgressError`.
    """
    if order.output.exists() and not order.progress.exists():
        raise _in_the_way(order)
    done = _Done()
    run = {"outdial": order.outdial_id, "status": order.status or "", "url": order.url}
    progress = Progress.open(order.progress, run, done.tell)
    try:
        if order.output.exists() and (order.part.exists() or not done.is_whole):
            raise _in_the_way(order)
        if not done.is_whole:
            await _write(source, order, done, progress, on_rows)
        _give_name(order)
        progress.remove()
    except ProviderError:
        if not done.place.token:  # Nothing to go on from, and perhaps a mistyped id.
            order.part.unlink(missing_ok=True)
            progress.remove()
        raise
    finally:
        progress.close()
    return Pulled(done.rows, done.place.may_hide)


def _in_the_way(order: PullOrder) -> LeadFileError:
    return LeadFileError(f'"{order.output}" exists; name another file, or remove it first')


async def _write(
    source: TargetPages,
    order: PullOrder,
    done: _Done,
    progress: Progress,
    on_rows: Callable[[int], None],
) -> None:
    with _opened(order, done.size) as file:
        if done.size == 0:
            file.add([COLUMNS])
        try:
            async for targets, place in source.target_pages(order.outdial_id, done.place):
                wanted = [target for target in targets if _is_wanted(target, order.status)]
                file.add(cells_of(target) for target in wanted)
                done.size, done.rows, done.place = file.size, done.rows + len(wanted), place
                progress.note(done.line())
                on_rows(done.rows)
        except HiddenRowsError:
            done.place = replace(done.place, may_hide=True)
        except OSError as error:
            raise LeadFileError(f'"{order.part}" cannot be written: {error.strerror}') from error
    done.is_whole = True
    progress.note(done.line())


def _is_wanted(target: OutdialTarget, status: TargetStatus | None) -> bool:
    return target.stamps.deleted is None and status in {None, target.status}


def _opened(order: PullOrder, size: int) -> CsvFile:
    try:
        return CsvFile(order.part, size)
    except OSError as error:
        raise LeadFileError(
            f'"{order.part}" cannot be used: {error.strerror}; remove it and "{order.progress}" to begin anew'
        ) from error


def _give_name(order: PullOrder) -> None:
    """The part becomes the file; done already when a run ended between this and forgetting its progress."""
    try:
        if order.part.exists():
            order.part.replace(order.output)
        sync_folder(order.output)
    except OSError as error:
        raise LeadFileError(f'"{order.output}" cannot be made: {error.strerror}') from error
