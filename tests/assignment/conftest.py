"""Fakes for the decision: a provider whose answers the test gives, on simulated time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from gateway.assignment.settings import AssignmentSettings
from gateway.model.decision import Source
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import Answer, ProviderError

ANI = PhoneNumber("+12345678901")


@dataclass
class ScriptedProvider:
    """Answers each request after `delay_s` with what `script` says; remembers how leads were sent."""

    delay_s: float = 0.02
    source: Source = Source.OUTBOUNDIQ
    sent: list[int] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list)
    script: Callable[[int, list[Lead]], list[Answer | ProviderError] | ProviderError] | None = None

    async def assign(self, lead: Lead, *, timeout_s: float) -> Answer:
        outcome = (await self._send([lead], timeout_s))[0]
        if isinstance(outcome, ProviderError):
            raise outcome
        return outcome

    async def assign_batch(self, leads: Sequence[Lead], *, timeout_s: float) -> list[Answer | ProviderError]:
        return await self._send(list(leads), timeout_s)

    async def _send(self, leads: list[Lead], timeout_s: float) -> list[Answer | ProviderError]:
        from gateway.providers.base import TimedOutError

        number = len(self.sent)
        self.sent.append(len(leads))
        self.sent_at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(min(self.delay_s, timeout_s))
        if self.delay_s >= timeout_s:
            raise TimedOutError("silent")
        outcome: list[Answer | ProviderError] | ProviderError = [Answer(ANI) for _ in leads]
        if self.script is not None:
            outcome = self.script(number, leads)
        if isinstance(outcome, ProviderError):
            raise outcome
        return outcome


@pytest.fixture
def provider() -> ScriptedProvider:
    return ScriptedProvider()


@pytest.fixture
def settings() -> AssignmentSettings:
    """Gathers always, so that a test sees batches without a rush of calls."""
    return AssignmentSettings(batch_above=0)


@pytest.fixture
def lead() -> Callable[[int], Lead]:
    return lambda number: Lead(PhoneNumber(f"+1555{number:07d}"))
