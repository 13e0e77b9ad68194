"""From rows to results: batches of rows, several asked at once, handed on in the order of the file."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from enum import Enum, auto
from itertools import islice
from typing import NamedTuple, Protocol

from gateway.leads.asking import Asking, Outcome
from gateway.leads.reader import Row
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import Answer, UnavailableError

_WINDOW = 4
"""Batches read for each one in flight: while the first is tried again the next ones go on."""
_NOT_OURS = "the number answered is implausible and was not taken"
_NO_NUMBER = "no number"


class Became(Enum):
    """What became of a row."""

    ASSIGNED = auto()
    WITHOUT_NUMBER = auto()
    """The provider's answer: it has none for this lead."""
    ERROR = auto()
    """The row, or the answer to it, makes no sense, or was refused."""
    UNANSWERED = auto()
    """The provider could not be reached, or did not answer."""


class Result(NamedTuple):
    """One row and what became of it: a number, or the reason for none."""

    row: Row
    became: Became
    ani: PhoneNumber | None = None
    error: str = ""


class Warmed(NamedTuple):
    """How many numbers the gateways took, and how many they did not."""

    taken: int = 0
    refused: int = 0


class Done(NamedTuple):
    """A batch that is done. `is_outage`: the provider answered none of it, though asked again and again."""

    results: list[Result]
    warmed: Warmed
    is_outage: bool


class Warmer(Protocol):
    """Gives assigned numbers to gateways, ahead of the calls."""

    async def give(self, assigned: Sequence[tuple[Lead, PhoneNumber]]) -> Warmed:
        """Give all of them to each gateway. Never raises for a gateway's fault."""
        ...


Take = Callable[[Done], Awaitable[None]]


class Assigning:
    """Asks for all rows. One run at a time."""

    def __init__(
        self,
        asking: Asking,
        *,
        batch: int,
        in_flight: int,
        accepts: Callable[[PhoneNumber], bool],
        warmer: Warmer | None = None,
    ) -> None:
        """`batch` rows go together, `in_flight` batches are asked at once; `accepts` screens the answers."""
        self._asking = asking
        self._batch = batch
        self._window = in_flight * _WINDOW
        self._slots = asyncio.Semaphore(in_flight)
        self._accepts = accepts
        self._warmer = warmer

    async def run(self, rows: Iterator[Row], take: Take) -> None:
        """Hand each batch to `take`, in order, one at a time.

        Raises `RefusedError` when the provider refuses all leads, and whatever `rows` and `take` raise; the
        batches before have been taken then.
        """
        waiting: deque[asyncio.Task[Done]] = deque()
        try:
            while batch := list(islice(rows, self._batch)):
                waiting.append(asyncio.create_task(self._assign(batch)))
                while len(waiting) >= self._window or (waiting and waiting[0].done()):
                    await self._hand_on(waiting, take)
            while waiting:
                await self._hand_on(waiting, take)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    @staticmethod
    async def _hand_on(waiting: deque[asyncio.Task[Done]], take: Take) -> None:
        done = await waiting[0]
        waiting.popleft()
        await take(done)

    async def _assign(self, rows: list[Row]) -> Done:
        async with self._slots:
            leads = [row.lead for row in rows if row.lead is not None]
            outcomes = iter(await self._asking.ask(leads) if leads else ())
            results = [
                Result(row, Became.ERROR, None, row.fault)
                if row.lead is None
                else self._result(row, next(outcomes))
                for row in rows
            ]
            warmed = await self._warm(results)
        asked = [result.became for result in results if result.row.lead]
        is_outage = bool(asked) and all(became is Became.UNANSWERED for became in asked)
        return Done(results, warmed, is_outage)

    def _result(self, row: Row, outcome: Outcome) -> Result:
        if isinstance(outcome, UnavailableError):
            return Result(row, Became.UNANSWERED, None, str(outcome))
        if not isinstance(outcome, Answer):
            return Result(row, Became.ERROR, None, str(outcome))
        if outcome.ani is None:
            return Result(row, Became.WITHOUT_NUMBER, None, outcome.message or _NO_NUMBER)
        if not self._accepts(outcome.ani):
            return Result(row, Became.ERROR, None, _NOT_OURS)
        return Result(row, Became.ASSIGNED, outcome.ani)

    async def _warm(self, results: Sequence[Result]) -> Warmed:
        """Before the batch counts as done, so that a run that goes on by a checkpoint misses none."""
        assigned = [(each.row.lead, each.ani) for each in results if each.row.lead and each.ani]
        return await self._warmer.give(assigned) if self._warmer and assigned else Warmed()
