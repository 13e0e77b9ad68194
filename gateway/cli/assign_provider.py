"""Who is asked for the numbers of a list: a service over the network, or the engine in this process."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from gateway.cli.console import COULD_NOT_START, fail
from gateway.config.settings import Settings
from gateway.engine.provider import EngineProvider
from gateway.model.decision import Source
from gateway.model.lead import Lead
from gateway.providers.base import Answer, LocalAssigner, ProviderError, RemoteAssigner
from gateway.providers.outboundani import OutboundAni
from gateway.providers.outboundiq import OutboundIq

_Upstream = TypeVar("_Upstream", OutboundIq, OutboundAni)


@asynccontextmanager
async def opened_provider(name: str, settings: Settings) -> AsyncIterator[RemoteAssigner]:
    """The provider, open. Ends the command with 3 when its settings are not complete.

    Raises `OSError` and the engine's errors.
    """
    match name:
        case "outboundiq":
            _demand(settings.outboundiq.key, "outboundiq.key")
            async with _open(OutboundIq(settings.outboundiq)) as outboundiq:
                yield outboundiq
        case "outboundani":
            _demand(settings.outboundani.key, "outboundani.key")
            async with _open(OutboundAni(settings.outboundani)) as outboundani:
                yield outboundani
        case "engine":
            if not (settings.engine.inventory or settings.engine.database):
                _refuse("engine.inventory is missing", "name a YAML or CSV file with your numbers")
            engine = EngineProvider.open(settings.engine)
            try:
                yield LocalBatches(engine)
            finally:
                engine.close()
        case _:
            _refuse(f"{name} cannot be asked for lists in this version", "choose with --provider")


@asynccontextmanager
async def _open(upstream: _Upstream) -> AsyncIterator[_Upstream]:
    await upstream.open()
    try:
        yield upstream
    finally:
        await upstream.close()


def _demand(key: str, name: str) -> None:
    if not key:
        _refuse(f"{name} is missing", "set it, or choose another one: --provider engine")


def _refuse(message: str, hint: str) -> None:
    fail(message, hint, code=COULD_NOT_START)


class LocalBatches:
    """A provider in this process, asked like one over the network. A `RemoteAssigner`."""

    _SLICE = 100  # about 1 ms, after which the rest of the program has its turn

    def __init__(self, provider: LocalAssigner) -> None:
        self._provider = provider

    @property
    def source(self) -> Source:
        """The provider's own."""
        return self._provider.source

    async def assign(self, lead: Lead, *, timeout_s: float) -> Answer:  # noqa: ARG002 - it never waits
        """The number for one lead."""
        return self._provider.assign_now(lead)

    async def assign_batch(
        self,
        leads: Sequence[Lead],
        *,
        timeout_s: float,  # noqa: ARG002 - it never waits
    ) -> list[Answer | ProviderError]:
        """One answer for each lead, in order."""
        answers: list[Answer | ProviderError] = []
        for first in range(0, len(leads), self._SLICE):
            answers += [self._provider.assign_now(lead) for lead in leads[first : first + self._SLICE]]
            await asyncio.sleep(0)
        return answers
