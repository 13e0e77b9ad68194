"""One batch asked of a provider, until each of its leads has an outcome.

no answer, 429, a strange answer    asked again, a bounded number of times, with growing random waits
400, 413, 422                       asked in halves, so that one bad lead spoils no other
any other refusal of a batch        raised: it would meet every lead, as a wrong key does
401, 402, 403 to one of its leads   raised, for the same reason
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.model.lead import Lead
from gateway.providers.backoff import next_delay
from gateway.providers.base import (
    Answer,
    BadAnswerError,
    ProviderError,
    RefusedError,
    RemoteAssigner,
    UnavailableError,
)

Outcome = Answer | ProviderError
_ABOUT_A_LEAD = (400, 413, 422)
"""Statuses that may speak of one lead, or of too many at once."""
_ABOUT_THE_KEY = (401, 402, 403)
"""Statuses that never speak of one lead, also where each lead is a request of its own."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to try for one batch. The waits of 8 tries are half a minute together, on average."""

    tries: int = 8
    timeout_s: float = 30.0
    """For one request: 500 leads take a provider well under a second."""
    base_s: float = 0.5
    cap_s: float = 30.0
    most_retry_after_s: float = 300.0
    """A provider that asks for a longer rest is asked after this one."""


class Asking:
    """Asks `provider`; batches may be asked at once, and rest together when it says so."""

    def __init__(
        self, provider: RemoteAssigner, patience: Patience, *, dice: Callable[[], float] = random.random
    ) -> None:
        """`dice` gives the share of a wait that is waited, 0 to 1."""
        self._provider = provider
        self._patience = patience
        self._dice = dice
        self._rest_until = 0.0

    async def ask(self, leads: Sequence[Lead]) -> list[Outcome]:
        """One outcome for each lead, in order. Raises `RefusedError` when the provider refuses them all."""
        outcomes: dict[int, Outcome] = {}
        open_places = list(range(len(leads)))
        for attempt in range(1, self._patience.tries + 1):
            answered = await self._ask_once([leads[place] for place in open_places])
            outcomes.update(zip(open_places, answered, strict=True))
            open_places = [place for place in open_places if _may_be_repeated(outcomes[place])]
            if not open_places:
                break
            if attempt < self._patience.tries:
                await self._wait(attempt, [outcomes[place] for place in open_places])
        return [outcomes[place] for place in range(len(leads))]

    async def _ask_once(self, leads: Sequence[Lead]) -> Sequence[Outcome]:
        loop = asyncio.get_running_loop()
        rest_s = self._rest_until - loop.time()
        if rest_s > 0:
            await asyncio.sleep(rest_s)
        try:
            outcomes = await self._provider.assign_batch(leads, timeout_s=self._patience.timeout_s)
        except RefusedError as error:
            if error.status not in _ABOUT_A_LEAD:
                raise
            if len(leads) == 1:
                return [error]
            middle = len(leads) // 2
            return [*await self._ask_once(leads[:middle]), *await self._ask_once(leads[middle:])]
        except ProviderError as error:
            return [error] * len(leads)
        for outcome in outcomes:
            if isinstance(outcome, RefusedError) and outcome.status in _ABOUT_THE_KEY:
                raise outcome
        return outcomes

    async def _wait(self, attempt: int, outcomes: Sequence[Outcome]) -> None:
        """Wait as long as is due before the next try; a rest that is asked for is every batch's."""
        patience = self._patience
        asked_s = max(
            (o.retry_after_s or 0.0 for o in outcomes if isinstance(o, UnavailableError)), default=0.0
        )
        if asked_s:
            until = asyncio.get_running_loop().time() + min(asked_s, patience.most_retry_after_s)
            self._rest_until = max(self._rest_until, until)
        delay_s = next_delay(attempt, base_s=patience.base_s, cap_s=patience.cap_s, dice=self._dice)
        await asyncio.sleep(delay_s)


def _may_be_repeated(outcome: Outcome) -> bool:
    return isinstance(outcome, UnavailableError | BadAnswerError)
