"""The way to one upstream: paced batches, limits, breaker, retries. Implements `Lane`.

`Pacing` says when: a lone miss goes at once as a single request, many gather for a batch. When all
connections are busy, misses wait for one and then go together. The added wait is bounded by the window while
connections are free.

    ask → waiting → (may be sent, connection free) → one task per request → done
             ↑ retry, or one by one after a failed batch        │
             └──────────────────────────────────────────────────┘
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence

from gateway.assignment.batch_rest import BatchRest
from gateway.assignment.deadlines import Timer
from gateway.assignment.lane import Done, reason_of
from gateway.assignment.pacing import Pacing
from gateway.assignment.settings import AssignmentSettings
from gateway.model.decision import Reason, Source, Waits
from gateway.model.lead import Lead
from gateway.providers.base import (
    Answer,
    BadAnswerError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    RemoteAssigner,
    TimedOutError,
    UnavailableError,
)
from gateway.providers.breaker import Breaker, BreakerState, RetryBudget
from gateway.providers.errand import Errand
from gateway.telemetry.figures import UpstreamState
from gateway.telemetry.logs import Throttle
from gateway.telemetry.metrics import UpstreamMetrics

log = logging.getLogger(__name__)

_MAX_ATTEMPTS = 2
_RETRY_PAUSE_S = 0.03  # long enough for a listener that is being replaced, short within 700 ms
_RATE_LIMIT_REST_S = 1.0  # when a 429 names no time
_MAX_RATE_LIMIT_REST_S = 60.0  # an hour named by mistake must not outlive the mistake
_UNAUTHORIZED = (401, 403)


class _Ask:
    """One lead on its way."""

    __slots__ = ("alone", "asked_at", "attempts", "deadline", "done", "lead")

    def __init__(self, lead: Lead, deadline: float, done: Done, asked_at: float) -> None:
        self.lead = lead
        self.asked_at = asked_at
        self.deadline = deadline
        self.done = done
        self.attempts = 0
        self.alone = False
        """True once a batch with this lead failed: the next attempt is a single request."""


class Coalescer:
    """Sends leads to one provider, singly or in batches, and calls each one back exactly once."""

    waits = True

    def __init__(
        self,
        provider: RemoteAssigner,
        settings: AssignmentSettings,
        loop: asyncio.AbstractEventLoop,
        metrics: UpstreamMetrics,
    ) -> None:
        self._provider = provider
        self._settings = settings
        self._loop = loop
        self._metrics = metrics
        self._failures = Throttle(log)
        self._waiting: deque[_Ask] = deque()
        self._under_way: set[Errand] = set()
        self._timer: Timer | None = None
        self._is_pumping = False
        self._pacing = Pacing(settings)
        self._held_until = 0.0
        self._rest = BatchRest()
        self._budget = RetryBudget(settings.retry_budget)
        self.breaker = Breaker(
            failures=settings.breaker_failures,
            open_s=settings.breaker_open_s,
            max_open_s=settings.breaker_max_open_s,
        )

    @property
    def source(self) -> Source:
        """The provider's own."""
        return self._provider.source

    def ask(self, lead: Lead, deadline: float, done: Done) -> None:
        """Ask for one lead; refused at once when rate limited, the queue full, or the breaker open."""
        now, waiting = self._loop.time(), self._waiting
        if self._held_until > deadline:
            done(Reason.RATE_LIMITED)
        elif len(waiting) >= self._settings.max_waiting:
            done(Reason.OVERLOADED)
        elif not self.breaker.allows(now):
            done(Reason.UNAVAILABLE)
        else:
            self._budget.earn()
            self._pacing.came(now)
            waiting.append(_Ask(lead, deadline, done, now))
            # With a timer nothing may be sent before it rings, save a whole batch.
            if self._timer is None or len(waiting) == self._settings.max_batch:
                self._pump()

    @property
    def state(self) -> UpstreamState:
        """How the provider stands now."""
        now = self._loop.time()
        if self._held_until > now:
            return UpstreamState.HELD
        if self.breaker.state is BreakerState.CLOSED:
            return UpstreamState.OK
        is_asked = self.breaker.state is BreakerState.PROBING or not self.breaker.rests(now)
        return UpstreamState.PROBING if is_asked else UpstreamState.RESTING

    async def close(self) -> None:
        """Stop: what waits is answered `unavailable`, what is under way is given up."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._let_go(self._waiting, Reason.UNAVAILABLE)
        for errand in tuple(self._under_way):
            errand.cancel()
        while self._under_way:  # noqa: ASYNC110 - two turns of the loop at most: each was told to end
            await asyncio.sleep(0)

    # When and what to send

    def _pump(self) -> None:
        """Send what may be sent now; set the timer for the rest.

        What ends at once asks for this again within it: then the loop under way goes on with the rest.
        """
        if self._is_pumping:
            return
        self._is_pumping = True
        try:
            self._send_waiting()
        finally:
            self._is_pumping = False

    def _send_waiting(self) -> None:
        while self._waiting and len(self._under_way) < self._settings.max_in_flight:
            now = self._loop.time()
            ready_at = self._held_until
            if self._is_paced(now):
                ready_at = max(ready_at, self._pacing.ready_at(len(self._waiting), len(self._under_way)))
            if now < ready_at:
                if self._timer is None:
                    self._timer = self._loop.call_at(ready_at, self._ring)
                return
            asks = self._take(now)
            if asks:
                self._pacing.sent(now)
                self._start(asks)

    def _ring(self) -> None:
        self._timer = None
        self._pump()

    def _is_paced(self, now: float) -> bool:
        return self._settings.batching and not self._rest.is_broken(now) and not self._rest.is_slow(now)

    def _most_together(self, now: float) -> int:
        last_connection = len(self._under_way) >= self._settings.max_in_flight - 1
        crowded = last_connection and self._settings.batching and not self._rest.is_broken(now)
        return self._settings.max_batch if crowded or self._is_paced(now) else 1

    def _take(self, now: float) -> list[_Ask]:
        """The next leads to send together; those nobody waits for any more are let go."""
        most = self._most_together(now)
        asks: list[_Ask] = []
        while self._waiting and len(asks) < most and not (asks and self._waiting[0].alone):
            ask = self._waiting.popleft()
            if ask.deadline <= now:
                ask.done(Reason.TIMEOUT)
                continue
            asks.append(ask)
            if ask.alone:
                break
        return asks

    # One request

    def _start(self, asks: list[_Ask]) -> None:
        errand = Errand(self._send(asks), self._finished)
        self._under_way.add(errand)
        errand.start()

    def _finished(self, errand: Errand) -> None:
        self._under_way.discard(errand)
        self._pump()

    async def _send(self, asks: list[_Ask]) -> None:
        started = self._loop.time()
        self._metrics.sent(len(asks))
        for ask in asks:
            ask.attempts += 1
        try:
            outcomes = await self._request(asks, max(ask.deadline for ask in asks) - started)
        except ProviderError as error:
            self._failed(asks, error.without_trace())
        except asyncio.CancelledError:
            self._let_go(asks, Reason.UNAVAILABLE)
            raise
        except Exception:
            log.exception("the %s client failed; the calls it held fall back", self.source)
            self.breaker.fail(self._loop.time())
            self._let_go(asks, Reason.INTERNAL)
        else:
            self._answered(asks, outcomes, self._loop.time() - started)

    async def _request(self, asks: list[_Ask], timeout_s: float) -> Sequence[Answer | ProviderError]:
        if len(asks) == 1:
            return [await self._provider.assign(asks[0].lead, timeout_s=timeout_s)]
        return await self._provider.assign_batch([ask.lead for ask in asks], timeout_s=timeout_s)

    def _answered(self, asks: list[_Ask], outcomes: Sequence[Answer | ProviderError], took_s: float) -> None:
        now = self._loop.time()
        self._metrics.answered(took_s)
        if self.breaker.state is BreakerState.PROBING:
            log.warning("%s answers again", self.source)
        self.breaker.succeed(now)
        if len(asks) == 1:
            self._rest.saw_single(took_s)
        else:
            self._rest.saw_batch(now, took_s)
        left_out = []
        for ask, outcome in zip(asks, outcomes, strict=True):
            if isinstance(outcome, Answer):
                waits = Waits(now - took_s - ask.asked_at, took_s)
                ask.done(Answer(outcome.ani, outcome.message, outcome.request_id, waits))
            elif len(asks) > 1 and isinstance(outcome, BadAnswerError):
                left_out.append(ask)
            else:
                ask.done(reason_of(outcome))
        self._fall_apart(left_out)

    # When a request failed

    def _failed(self, asks: list[_Ask], error: ProviderError) -> None:
        """Tell the breaker, then put back what may be tried again and answer the rest."""
        now = self._loop.time()
        reason = reason_of(error)
        self._metrics.failed(reason, str(error))
        self._failures.warning(
            "%s: %s (%d leads, request id %s)", self.source, error, len(asks), error.request_id or "-"
        )
        if len(asks) > 1 and _may_be_the_batch(error):
            self._rest.failed(now)
            self._fall_apart(asks)
            return
        if isinstance(error, RateLimitedError):
            self._hold(now, error.retry_after_s)
        elif not isinstance(error, RefusedError) or error.status in _UNAUTHORIZED:
            self._count_failure(now)
        self._let_go([ask for ask in asks if not self._retries(ask, error, now)], reason)

    def _count_failure(self, now: float) -> None:
        self.breaker.fail(now)
        if self.breaker.state is BreakerState.OPEN and self._waiting:
            log.warning("%s is resting; %d waiting calls fall back", self.source, len(self._waiting))
            self._let_go(self._waiting, Reason.UNAVAILABLE)

    def _hold(self, now: float, retry_after_s: float | None) -> None:
        """Send nothing until the provider's time is over; who cannot wait that long falls back now."""
        rest_s = _RATE_LIMIT_REST_S if retry_after_s is None else retry_after_s
        self._held_until = now + min(rest_s, _MAX_RATE_LIMIT_REST_S)
        waiting = tuple(self._waiting)
        self._waiting.clear()
        self._waiting.extend(ask for ask in waiting if ask.deadline > self._held_until)
        self._let_go([ask for ask in waiting if ask.deadline <= self._held_until], Reason.RATE_LIMITED)

    def _fall_apart(self, asks: list[_Ask]) -> None:
        """Leads of a failed batch go one by one, before newer ones; the breaker ends it if they fail too."""
        for ask in reversed(asks):
            ask.alone = True
            ask.attempts = 0
            self._waiting.appendleft(ask)
        self._pump()

    def _retries(self, ask: _Ask, error: ProviderError, now: float) -> bool:
        """Whether the lead is put back: only where repeating is safe, within the budget and in time."""
        limited = isinstance(error, RateLimitedError)
        unsent = isinstance(error, UnavailableError) and error.never_sent
        again_at = self._held_until if limited else now + _RETRY_PAUSE_S
        if not (limited or unsent) or ask.attempts >= _MAX_ATTEMPTS or again_at >= ask.deadline:
            return False
        if not self._budget.spend():
            return False
        self._loop.call_at(again_at, self._put_back, ask)
        return True

    def _put_back(self, ask: _Ask) -> None:
        if not self.breaker.allows(self._loop.time()):
            ask.done(Reason.UNAVAILABLE)
            return
        self._waiting.appendleft(ask)
        self._pump()

    def _let_go(self, asks: Iterable[_Ask], reason: Reason) -> None:
        """Answer leads that get no number here. Callbacks may ask again, so a queue is emptied first."""
        going = tuple(asks)
        if asks is self._waiting:
            self._waiting.clear()
        for ask in going:
            ask.done(reason)


def _may_be_the_batch(error: ProviderError) -> bool:
    """Whether single requests may fare better: the endpoint answered, only not usefully for a batch."""
    match error:
        case RefusedError():
            return error.status not in _UNAUTHORIZED
        case BadAnswerError():
            return True
        case TimedOutError() | RateLimitedError():
            return False
        case UnavailableError():
            return not error.never_sent
        case _:
            return False
