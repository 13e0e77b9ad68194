"""The spool as the event loop sees it: put and forget, and it stays put whatever the disk does.

Records go to the file in batches, one batch under way at a time; what arrives meanwhile makes the next one,
so that a thousand records cost the loop one wake-up. While the file cannot be written they wait in memory, up
to a limit; beyond it they are lost, counted, and written to the log as errors, masked.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from gateway.model.delivery import Confirmed, Outcome, Slice, Stored, TargetStats
from gateway.model.dial import Dial
from gateway.model.phone import parse_phone
from gateway.stores.base import (
    StoreCorruptError,
    StoreError,
    StoreInUseError,
    StoreRefusedError,
    StoreTooNewError,
    StoreUnusableError,
)
from gateway.stores.settings import SpoolSettings
from gateway.stores.spool import SqliteSpool
from gateway.telemetry.logs import Throttle
from gateway.telemetry.metrics import DialMetrics

T = TypeVar("T")

_log = logging.getLogger(__name__)
# One batch takes about 5 ms of the database's thread, and its end 0.2 ms of the loop.
_MAX_BATCH = 500
# Every 5 s: 17 million a day, in steps of about 10 ms.
_MAX_PRUNED = 1_000
_ANSWERS = (Stored.NEW, Stored.BETTER, Stored.KNOWN)
_RETRY_S = 0.5
_CLOSE_S = 5.0


class _Item(NamedTuple):
    """A record to put, or what became of one taken."""

    content: Dial | Outcome
    future: asyncio.Future[Any]


class DialSpool:
    """Give it `start` before the first record, and `close` at the end. Belongs to one event loop.

    `targets` are the names of the targets and whether each repeats safely. `clock` gives seconds since the
    epoch.
    """

    def __init__(
        self,
        settings: SpoolSettings,
        targets: Mapping[str, bool],
        metrics: DialMetrics,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._targets = dict(targets)
        self._metrics = metrics
        self._clock = clock
        self._throttle = Throttle(_log)
        self._file: SqliteSpool | None = None
        self._items: deque[_Item] = deque()
        self._batch_size = _MAX_BATCH
        self._wanted = asyncio.Event()
        self._broken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._is_corrupt = False
        self._closing = False
        self.unsettled = 0
        """Outcomes that are not on disk yet."""
        self.fault = ""
        """What is wrong with the spool now, "" when nothing is: health shows it."""

    async def start(self) -> None:
        """Open the file. Raises `StoreInUseError` or `StoreTooNewError`.

        Any other trouble with it is a state: `fault` tells it, and it is tried again until it is over.
        """
        try:
            await self._open()
        except (StoreInUseError, StoreTooNewError):
            raise
        except StoreError as error:
            self._note(error)
            self._broken.set()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._write()), loop.create_task(self._keep_open())]

    async def close(self) -> None:
        """Write what waits in memory, for 5 s at most, then close the file. Lost records are said."""
        self._closing = True
        await self._write_down(lambda: bool(self._items))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for item in self._items:
            self._lose(item)
        self._items.clear()
        if self._file is not None:
            await asyncio.to_thread(self._file.close)
            self._file = None

    async def retarget(self, targets: Mapping[str, bool]) -> None:
        """Keep records for these targets from now on; nobody may be sending meanwhile.

        What became of those taken is written first, for 5 s at most: the file is opened anew, and then has
        all sent once more that somebody was cut off from sending. What is put in between waits in memory, as
        while the disk fails.
        """
        await self._write_down(lambda: self.unsettled > 0)
        self._targets = dict(targets)
        await self._close_file()
        try:
            await self._open()
        except StoreError as error:
            self._note(error)
            self._broken.set()

    def put(self, dial: Dial) -> asyncio.Future[Stored]:
        """Keep a record; done when it is on disk, or found to be known already. Never blocks or raises.

        Nobody has to wait for the future: what was put is tried until it is written, unless memory runs out.
        """
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        item = _Item(dial, future)
        if self._closing or self._metrics.buffered >= self._settings.buffer_records:
            self._lose(item)
            return future
        self._metrics.buffered += 1
        self._add(item)
        return future

    def settle(self, outcome: Outcome) -> asyncio.Future[None]:
        """Write down what became of a record taken; done when it is on disk. Never blocks or raises."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.unsettled += 1
        self._add(_Item(outcome, future))
        return future

    async def take(self, target: str, most: int) -> Slice:
        """Up to `most` records that are due. Raises `StoreError`."""
        part = await self._run(lambda file: file.take(target, most, now=self._clock()))
        if part.taken:
            self.fault = ""
        return part

    async def confirm(self, dial_ids: Sequence[str]) -> Confirmed:
        """Note that the service has told of these dials. Raises `StoreError`."""
        return await self._run(lambda file: file.confirm(dial_ids, now=self._clock()))

    async def stats(self) -> dict[str, TargetStats]:
        """How much waits and died, by target. Raises `StoreError`."""
        return await self._run(lambda file: file.stats())

    async def prune(self) -> int:
        """Forget some of what was delivered long ago; how many. Raises `StoreError`."""
        before = self._clock() - self._settings.retention_days * 86_400
        return await self._run(lambda file: file.prune(before=before, most=_MAX_PRUNED))

    def _add(self, item: _Item) -> None:
        self._items.append(item)
        self._wanted.set()

    async def _write_down(self, waits: Callable[[], bool]) -> None:
        """Have what is in memory written, as long as something `waits`; for 5 s at most."""
        deadline = asyncio.get_running_loop().time() + _CLOSE_S
        while waits() and asyncio.get_running_loop().time() < deadline:
            await asyncio.wait([self._items[-1].future], timeout=_RETRY_S)

    async def _write(self) -> None:
        while True:
            await self._wanted.wait()
            batch = list(islice(self._items, self._batch_size))
            if not batch:
                self._wanted.clear()
                continue
            try:
                stored = await self._record(batch)
            except StoreRefusedError:
                self._fence_off(batch)
            except StoreError:
                await asyncio.sleep(_RETRY_S)
            except Exception:  # noqa: BLE001 - one record is fenced off; `_fence_off` logs and counts it
                self._fence_off(batch)
            else:
                self._finish(batch, stored)

    async def _record(self, batch: list[_Item]) -> list[Stored]:
        dials = [item.content for item in batch if isinstance(item.content, Dial)]
        outcomes = [item.content for item in batch if isinstance(item.content, Outcome)]
        return await self._run(lambda file: file.record(dials, outcomes, now=self._clock()))

    def _finish(self, batch: list[_Item], stored: list[Stored]) -> None:
        answers = iter(stored)
        for item in batch:
            self._items.popleft()
            answer = next(answers) if isinstance(item.content, Dial) else None
            if not item.future.done():
                item.future.set_result(answer)
        self._count(stored)
        self.unsettled -= len(batch) - len(stored)
        self.fault = ""
        self._batch_size = _MAX_BATCH

    def _count(self, stored: list[Stored]) -> None:
        self._metrics.buffered -= len(stored)
        for answer in _ANSWERS:
            if times := stored.count(answer):
                self._metrics.stored[answer] += times
        new = stored.count(Stored.NEW)
        for target in self._targets:
            self._metrics.target(target).waiting += new

    def _fence_off(self, batch: list[_Item]) -> None:
        """Something in the batch cannot be written: find it one by one, and go on without it."""
        if len(batch) > 1:
            self._batch_size = 1
            return
        _log.exception("the spool cannot take a record; it is left out")
        self._batch_size = _MAX_BATCH
        self._items.popleft()
        if isinstance(batch[0].content, Dial):
            self._metrics.buffered -= 1
        else:
            self.unsettled -= 1
        self._lose(batch[0])

    def _lose(self, item: _Item) -> None:
        if isinstance(item.content, Dial):
            self._metrics.stored[Stored.LOST] += 1
            _log.error("dial record lost, replay it from the CDR: %s", described(item.content))
        if not item.future.done():
            item.future.set_result(Stored.LOST if isinstance(item.content, Dial) else None)

    async def _run(self, work: Callable[[SqliteSpool], Future[T]]) -> T:
        if self._file is None:
            raise StoreUnusableError(self.fault)
        try:
            return await asyncio.wrap_future(work(self._file))
        except StoreRefusedError:
            raise
        except StoreError as error:
            self._note(error)
            if isinstance(error, StoreUnusableError):
                self._is_corrupt |= isinstance(error, StoreCorruptError)
                self._broken.set()
            raise

    async def _keep_open(self) -> None:
        while True:
            await self._broken.wait()
            try:
                await self._close_file()
                await self._open()
            except StoreError as error:
                self._note(error)
                await asyncio.sleep(_RETRY_S)
            else:
                self._broken.clear()
                self.fault = ""
                _log.warning('the spool "%s" is open again', self._settings.file)

    async def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            await asyncio.to_thread(file.close)

    async def _open(self) -> None:
        self._file = await asyncio.to_thread(
            SqliteSpool.open, self._settings, self._targets, now=self._clock(), is_corrupt=self._is_corrupt
        )
        self._is_corrupt = False
        self.fault = ""

    def _note(self, error: StoreError) -> None:
        """Said once for each kind of trouble; the metric counts every time."""
        self._metrics.spool_failures_total += 1
        if self.fault != str(error):
            self.fault = str(error)
            self._throttle.warning("the spool is out of order, calls go on: %s", error)


def described(dial: Dial) -> str:
    """The record for a log line: enough to find it, its numbers masked."""
    return (
        f"dial_id={dial.dial_id} ani={_masked(dial.ani)} phone={_masked(dial.prospect_phone)}"
        f" campaign={dial.campaign_id} at={dial.at:.0f}"
    )


def _masked(number: str) -> str:
    phone = parse_phone(number)
    return number[-2:].rjust(len(number), "*") if phone is None else phone.masked
