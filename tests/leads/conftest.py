"""A provider whose answers depend on the lead alone, so that any run over a list must write the same."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from gateway.model.decision import Source
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import Answer, ProviderError

Fails = Callable[[int, Sequence[Lead]], ProviderError | None]
"""What the request of this number meets; `None`: an answer."""


def ani_for(lead: Lead) -> PhoneNumber:
    return PhoneNumber(f"+1404777{lead.phone.e164[-4:]}")


@dataclass
class ListProvider:
    """A `RemoteAssigner` that takes a random time for each batch."""

    dice: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - waits only
    fails: Fails = lambda *_: None
    source: Source = Source.OUTBOUNDIQ
    asked: list[list[Lead]] = field(default_factory=list)
    open: int = 0
    most_open: int = 0

    async def assign(self, lead: Lead, *, timeout_s: float) -> Answer:
        raise NotImplementedError

    async def assign_batch(self, leads: Sequence[Lead], *, timeout_s: float) -> list[Answer | ProviderError]:
        del timeout_s
        number = len(self.asked)
        self.asked.append(list(leads))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await asyncio.sleep(self.dice.random())
        finally:
            self.open -= 1
        error = self.fails(number, leads)
        if error is not None:
            raise error
        return [Answer(ani_for(lead)) for lead in leads]


@pytest.fixture
def provider() -> ListProvider:
    return ListProvider()
