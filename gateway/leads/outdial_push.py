"""Push: the rows of a CSV of leads become targets of an outdial, each once, also when it is broken off.

The service takes the same target twice and calls it two, so nothing is sent that may be there already:

    begun    noted before a row is sent
    done     noted when it is there, with its id, or in the file of bad rows

A row begun and not done, because this process was killed or the answer was lost, is looked for among the
newest targets before it is sent again: one of the same name and destinations, created since the row before
it, that is not of a row before it. A request that broke off may still take effect, so it is given time first.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from gateway.leads.csv_file import CsvFile
from gateway.leads.outdial_rows import (
    BadLeadError,
    LeadFileError,
    LeadRow,
    fingerprint,
    read_rows,
    target_of,
)
from gateway.leads.progress import Progress
from gateway.model.outdial import OutdialTarget
from gateway.providers.base import BadAnswerError, RateLimitedError, RefusedError, UnavailableError
from gateway.providers.voipbin_pages import Place

_ATTEMPTS = 3
"""How often a row is sent whose answer was lost, before the run ends; it can be taken up again."""
_ROW_FAULTS = frozenset({400, 409, 413, 422})
"""Refusals that are about this row; others, such as 401, are about all of them."""
_OURS = ("line", "error")
"""Columns the file of bad rows has before those of the leads."""
_SKEW = timedelta(seconds=5)
"""How far the clocks of the service's machines may be apart: creation times may go back as much."""
_REMEMBERED = 10_000
"""Targets made last, kept to tell them from one whose answer was lost: more than the highest rate makes in
`_SKEW`."""


class Targets(Protocol):
    """Makes and lists targets; `VoipBin` does."""

    async def create_target(self, outdial_id: str, one: OutdialTarget) -> OutdialTarget:
        """Make it, once more each time it is asked. Raises `ProviderError`."""
        ...

    def target_pages(
        self, outdial_id: str, place: Place | None = None
    ) -> AsyncIterator[tuple[list[OutdialTarget], Place]]:
        """Those there are, newest first. Raises `ProviderError`."""
        ...


@dataclass(frozen=True, slots=True)
class PushOrder:
    """What to push."""

    outdial_id: str
    leads: Path
    errors: Path
    """Where rows go that cannot be used."""
    url: str = ""
    """The service, so that a run is taken up with no other."""
    settle_s: float = 5.0
    """How long a request that broke off may still take effect."""

    @property
    def progress(self) -> Path:
        """How far it has come; it stays, so that the same file is not pushed twice."""
        return self.leads.with_name(f"{self.leads.name}.{self.outdial_id}.progress")


@dataclass(slots=True)
class Pushed:
    """What became of the rows, of this run and those it took up."""

    line: int = 0
    """The last line that is done."""
    lines: int = 0
    """Lines of the file."""
    created: int = 0
    bad: int = 0
    was_whole: bool = False
    """Whether all was done before this run."""


async def push(source: Targets, order: PushOrder, on_row: Callable[[Pushed], None]) -> Pushed:
    """Send the rows, or go on with them.

    `on_row` hears of each row that is done. Raises `ProviderError`, `LeadFileError` and `ProgressError`.
    """
    is_in_the_way = order.errors.exists() and order.errors.stat().st_size > 0
    if is_in_the_way and not order.progress.exists():
        raise LeadFileError(f'"{order.errors}" exists; name another file with --errors, or remove it first')
    digest, lines = fingerprint(order.leads)
    run = {"outdial": order.outdial_id, "url": order.url, "file": digest}
    state = _State(Pushed(lines=lines))
    progress = Progress.open(order.progress, run, state.tell)
    try:
        if not state.pushed.was_whole:
            await _Push(source, order, state, progress, on_row).run()
            progress.note({"whole": True})
    finally:
        progress.close()
    return state.pushed


class _State:
    """What was noted so far."""

    def __init__(self, pushed: Pushed) -> None:
        self.pushed = pushed
        self.errors_size = 0
        self.begun_at: float | None = None
        """When the row after the last done one was sent, wall clock; `None` when it was not."""
        self.known: deque[tuple[str, datetime | None]] = deque(maxlen=_REMEMBERED)
        """Targets made last and those there were before: id and creation time."""
        self.has_looked = False

    def tell(self, noted: Mapping[str, Any]) -> None:
        """Take one line in."""
        match noted:
            case {"before": before}:
                self.has_looked = True
                for target_id, created in before:
                    self._know(target_id, created)
            case {"begun": at}:
                self.begun_at = at
            case {"done": line, "id": target_id, "created": created}:
                self._finish(line)
                self.pushed.created += 1
                self._know(target_id, created)
            case {"bad": line, "errors_size": size}:
                self._finish(line)
                self.pushed.bad += 1
                self.errors_size = size
            case _:
                self.pushed.was_whole = True

    def _finish(self, line: int) -> None:
        self.pushed.line = line
        self.begun_at = None

    def _know(self, target_id: str, created: str | None) -> None:
        self.known.append((target_id, datetime.fromisoformat(created) if created else None))

    @property
    def oldest(self) -> datetime | None:
        """No target of the row begun can have been created before; `None` when nothing is known."""
        times = [created for _, created in self.known if created is not None]
        return max(times) - _SKEW if times else None


class _Push:
    """One run."""

    def __init__(
        self,
        source: Targets,
        order: PushOrder,
        state: _State,
        progress: Progress,
        on_row: Callable[[Pushed], None],
    ) -> None:
        self._source = source
        self._order = order
        self._state = state
        self._progress = progress
        self._on_row = on_row

    async def run(self) -> None:
        if not self._state.has_looked:
            await self._look_before()
        try:
            with CsvFile(self._order.errors, self._state.errors_size) as errors:
                for row in read_rows(self._order.leads):
                    if row.line > self._state.pushed.line:
                        await self._do(row, errors)
                        self._on_row(self._state.pushed)
        except OSError as error:
            raise LeadFileError(f'"{self._order.errors}" cannot be written: {error.strerror}') from error
        finally:
            if self._state.errors_size == 0:
                self._order.errors.unlink(missing_ok=True)

    def _note(self, done: Mapping[str, Any]) -> None:
        self._progress.note(done)
        self._state.tell(done)

    async def _look_before(self) -> None:
        """Note the newest targets there are, to tell them from ours."""
        before: list[tuple[str, str | None]] = []
        oldest: datetime | None = None
        async for targets, _ in self._source.target_pages(self._order.outdial_id):
            for target in targets:
                created = target.stamps.created
                oldest = oldest or (created and created - _SKEW)
                if oldest is not None and created is not None and created < oldest:
                    break
                before.append((target.id, _iso(created)))
            else:
                continue
            break
        self._note({"before": before})

    async def _do(self, row: LeadRow, errors: CsvFile) -> None:
        try:
            target = target_of(row, self._order.leads.name)
            made = await self._make(target)
        except BadLeadError as error:
            cells = {name: cell for name, cell in row.cells.items() if name not in _OURS}
            head = [] if self._state.errors_size else [(*_OURS, *cells)]
            errors.add([*head, (str(row.line), str(error), *cells.values())])
            self._note({"bad": row.line, "errors_size": errors.size})
        else:
            self._note({"done": row.line, "id": made.id, "created": _iso(made.stamps.created)})

    async def _make(self, target: OutdialTarget) -> OutdialTarget:
        """The target, made now or before. Raises `BadLeadError` when the service refuses this row."""
        for attempt in range(_ATTEMPTS):
            if self._state.begun_at is not None and (found := await self._find(target)) is not None:
                return found
            self._note({"begun": time.time()})
            try:
                return await self._source.create_target(self._order.outdial_id, target)
            except RefusedError as error:
                if error.status in _ROW_FAULTS:
                    raise BadLeadError(str(error)) from error
                raise
            except (UnavailableError, BadAnswerError) as error:
                if isinstance(error, RateLimitedError) or attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def _find(self, target: OutdialTarget) -> OutdialTarget | None:
        """The target of the row begun, when it is there."""
        begun_at = self._state.begun_at or 0.0
        await asyncio.sleep(
            min(max(begun_at + self._order.settle_s - time.time(), 0.0), self._order.settle_s)
        )
        known = {target_id for target_id, _ in self._state.known}
        oldest = self._state.oldest
        async for targets, _ in self._source.target_pages(self._order.outdial_id):
            for each in targets:
                created = each.stamps.created
                if oldest is not None and created is not None and created < oldest:
                    return None
                if each.id not in known and _is_same(each, target):
                    return each
        return None


def _is_same(one: OutdialTarget, other: OutdialTarget) -> bool:
    return one.name == other.name and _reached(one) == _reached(other)


def _reached(target: OutdialTarget) -> list[tuple[int, str, str]]:
    return [(place, each.type.value, each.target) for place, each in enumerate(target.destinations) if each]


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
