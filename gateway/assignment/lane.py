"""A lane asks one provider for one lead and calls back once: with its answer, or with the reason for none."""

import logging
from collections.abc import Callable
from typing import Protocol

from gateway.model.decision import Reason, Source
from gateway.model.lead import Lead
from gateway.providers.base import (
    Answer,
    BadAnswerError,
    LocalAssigner,
    ProviderError,
    RateLimitedError,
    RefusedError,
    TimedOutError,
)

log = logging.getLogger(__name__)

Done = Callable[[Answer | Reason], None]
"""Called exactly once for each lead asked, possibly before `ask` returns. Must not raise."""


class Lane(Protocol):
    """The way to one provider."""

    @property
    def source(self) -> Source:
        """What `GATEWAY_SOURCE` says when this lane answered."""
        ...

    @property
    def waits(self) -> bool:
        """Whether an answer may take time; an in-process provider's does not."""
        ...

    def ask(self, lead: Lead, deadline: float, done: Done) -> None:
        """Ask for one lead; an answer after `deadline` (clock time) may still come, for the cache."""
        ...


class LocalLane:
    """The way to a provider in this process: the answer is there when `ask` returns."""

    waits = False

    def __init__(self, provider: LocalAssigner) -> None:
        self._provider = provider

    @property
    def source(self) -> Source:
        """The provider's own."""
        return self._provider.source

    def ask(self, lead: Lead, deadline: float, done: Done) -> None:  # noqa: ARG002 - it never waits
        """Answer at once. A fault of the provider is fenced off: the call goes on without it."""
        try:
            answer: Answer | Reason = self._provider.assign_now(lead)
        except Exception:
            log.exception("%s failed for one lead; the call goes on without it", self.source)
            answer = Reason.INTERNAL
        done(answer)


def reason_of(error: ProviderError) -> Reason:
    """The word for a provider's fault in `GATEWAY_REASON`."""
    match error:
        case TimedOutError():
            return Reason.TIMEOUT
        case RateLimitedError():
            return Reason.RATE_LIMITED
        case RefusedError():
            return Reason.REFUSED
        case BadAnswerError():
            return Reason.BAD_ANSWER
        case _:
            return Reason.UNAVAILABLE
