"""The decision: which number a call shows, within the deadline, whatever providers do.

    fresh cache ► single flight ► providers in order ► otherwise the fallback

Each lead asked for is one `_Flight`, shared by all calls with an equal lead. A call waits as a callback,
not as a task; nor is its request one (`providers/errand.py`).
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial

from gateway.assignment.cache import AnswerCache, LeadKey, Recalled, key_of
from gateway.assignment.campaigns import Campaigns
from gateway.assignment.deadlines import Clock, Deadlines
from gateway.assignment.fallback import Fallback
from gateway.assignment.lane import Lane
from gateway.assignment.owned import OwnedGuard
from gateway.model.decision import Decision, Reason, Source, Status, Waits
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import Answer
from gateway.telemetry.metrics import CallMetrics

log = logging.getLogger(__name__)

_ASSIGNED, _NONE, _NO_PROVIDER = Status.ASSIGNED, Reason.NONE, Reason.NO_PROVIDER
"""Looking a member up in its enum takes as long as making a decision."""

Deliver = Callable[[Decision], None]
"""Called exactly once with the decision for one call, possibly before `resolve` returns."""


class _Waiter:
    """One call waiting for a flight."""

    __slots__ = ("deliver", "flight")

    def __init__(self, flight: "_Flight", deliver: Deliver) -> None:
        self.flight = flight
        self.deliver = deliver


class _Flight:
    """One lead being asked for, with everybody who waits for it."""

    __slots__ = ("deadline", "key", "lanes", "lead", "only_none", "reason", "told", "waiters")

    def __init__(self, lead: Lead, key: LeadKey, lanes: tuple[Lane, ...]) -> None:
        self.lead = lead
        self.key = key
        self.lanes = lanes
        """Providers not asked yet."""
        self.waiters: dict[_Waiter, None] = {}
        """In the order they came; a dict, so that one can leave without the others being touched."""
        self.deadline = 0.0
        self.reason = _NO_PROVIDER
        self.only_none = True
        """Whether every provider asked so far said that it has no number."""
        self.told: tuple[str, ...] = ()
        """What each provider asked so far said, when the lead asks for an explanation."""

    def explained(self, decision: Decision) -> Decision:
        """`decision` with what led to it, when the lead asks for that."""
        return decision.explained(self.told) if self.lead.explain else decision


class Resolver:
    """Decides numbers for leads. `resolve` always delivers, in time, whatever a provider does."""

    def __init__(
        self,
        *,
        deadline_s: float,
        lanes: Mapping[Source, Lane],
        cache: AnswerCache,
        campaigns: Campaigns,
        fallback: Fallback,
        owned: OwnedGuard,
        clock: Clock,
        metrics: CallMetrics,
    ) -> None:
        self._lanes = lanes
        self._cache = cache
        self._campaigns = campaigns
        self._fallback = fallback
        self._owned = owned
        self._clock = clock
        self._metrics = metrics
        self._flights: dict[LeadKey, _Flight] = {}
        self._lanes_of: dict[tuple[Source, ...], tuple[Lane, ...]] = {}
        """Lanes by the providers of a campaign; few lists are configured."""
        self._deadlines: Deadlines[_Waiter] = Deadlines(clock, deadline_s, self._expire)

    def resolve(self, lead: Lead, deliver: Deliver) -> None:
        """Decide for one call: at once from the cache, else when a provider answered or the deadline came."""
        key = key_of(lead)
        known = self._cache.fresh(key)
        if known is not None:
            deliver(known)
            return
        if self._cache.is_none(key):
            deliver(self._fallback.decide(lead, Reason.NO_NUMBER))
            return
        flight = self._flights.get(key)
        if flight is not None:
            self._wait(flight, deliver)
            return
        flight = self._flights[key] = _Flight(lead, key, self._lanes_for(lead))
        flight.deadline = self._wait(flight, deliver)
        if self._cache.recall is None:
            self._ask_next(flight)
        else:
            self._cache.recall.look(key, partial(self._recalled, flight))

    def now(self) -> float:
        """The time of the clock that `fresh_until` goes by."""
        return self._clock.time()

    def fresh_until(self, lead: Lead) -> float:
        """How long the answer to an equal lead will be given again, on the clock; 0 without one."""
        return self._cache.fresh_until(key_of(lead))

    def close(self) -> None:
        """Decide for everybody who still waits, at once."""
        for flight in tuple(self._flights.values()):
            flight.lanes = ()
            self._land(flight, None, Reason.UNAVAILABLE)
        self._deadlines.close()

    def _lanes_for(self, lead: Lead) -> tuple[Lane, ...]:
        sources = self._campaigns.of(lead.campaign).providers
        lanes = self._lanes_of.get(sources)
        if lanes is None:
            lanes = tuple(self._lanes[source] for source in sources if source in self._lanes)
            self._lanes_of[sources] = lanes
        return lanes

    def _wait(self, flight: _Flight, deliver: Deliver) -> float:
        waiter = _Waiter(flight, deliver)
        flight.waiters[waiter] = None
        return self._deadlines.watch(waiter)

    def _recalled(self, flight: _Flight, found: Recalled | None) -> None:
        """What another gateway answered, if any, is as good as an answer of our own of that age."""
        known = self._cache.take(flight.key, found) if found and self._owned.accepts(found.ani) else None
        if known is None:
            self._ask_next(flight)
        else:
            self._finish(flight, known)

    def _ask_next(self, flight: _Flight) -> None:
        if not flight.lanes or not flight.waiters:
            self._land(flight, None, flight.reason)
            return
        lane, *others = flight.lanes
        flight.lanes = tuple(others)
        deadline = self._share_of(flight, lane) if others else flight.deadline
        lane.ask(flight.lead, deadline, partial(self._take, flight, lane))

    def _share_of(self, flight: _Flight, lane: Lane) -> float:
        """Equal shares of the time left, so that a silent provider leaves time for the next."""
        now = self._clock.time()
        shares = lane.waits + sum(other.waits for other in flight.lanes)
        return now + (flight.deadline - now) / max(shares, 1)

    def _take(self, flight: _Flight, lane: Lane, outcome: Answer | Reason) -> None:
        """A provider answered, or did not."""
        if flight.lead.explain:
            said = (outcome.message or "a number") if isinstance(outcome, Answer) else outcome
            flight.told += (f"{lane.source}: {said}",)
        if isinstance(outcome, Answer):
            if outcome.ani is None:
                outcome = Reason.NO_NUMBER
            elif self._owned.accepts(outcome.ani):
                self._land(flight, outcome.ani, _NONE, lane.source, outcome.waits)
                return
            else:
                self._metrics.not_owned += 1
                outcome = Reason.NOT_OWNED
        flight.only_none = flight.only_none and outcome is Reason.NO_NUMBER
        if flight.reason in (Reason.NO_PROVIDER, Reason.NO_NUMBER):
            flight.reason = outcome
        self._ask_next(flight)

    def _land(
        self,
        flight: _Flight,
        ani: PhoneNumber | None,
        reason: Reason,
        source: Source = Source.NONE,
        waits: Waits | None = None,
    ) -> None:
        """The flight is over: remember the answer and deliver it to all who wait."""
        if self._flights.get(flight.key) is not flight:
            return
        if ani is not None:
            self._cache.keep(flight.key, ani)
            decision = flight.explained(Decision(_ASSIGNED, source, ani, waits=waits))
        else:
            if flight.only_none and reason is Reason.NO_NUMBER:
                self._cache.keep_none(flight.key)
            decision = _NOBODY_WAITS
            if flight.waiters:
                decision = flight.explained(self._fallback.decide(flight.lead, reason))
        self._finish(flight, decision)

    def _finish(self, flight: _Flight, decision: Decision) -> None:
        if self._flights.get(flight.key) is not flight:
            return
        del self._flights[flight.key]
        # A waiter and its flight hold each other: let go here, they are no work for the garbage collector.
        waiters, flight.waiters = flight.waiters, {}
        for waiter in waiters:
            self._deadlines.release(waiter)
            self._deliver(waiter, decision)

    def _expire(self, waiter: _Waiter) -> None:
        """The deadline came first. The flight goes on without the call, to warm the cache."""
        flight = waiter.flight
        del flight.waiters[waiter]
        self._deliver(waiter, flight.explained(self._fallback.decide(flight.lead, Reason.TIMEOUT)))

    def _deliver(self, waiter: _Waiter, decision: Decision) -> None:
        try:
            waiter.deliver(decision)
        except Exception:
            self._metrics.faults += 1
            log.exception("delivering a decision failed; the other calls go on")


_NOBODY_WAITS = Decision(Status.UNCHANGED)
