"""What a call gets when no provider had a number for it: stale answer, engine, default, or nothing."""

from gateway.assignment.cache import AnswerCache, key_of
from gateway.assignment.campaigns import Campaigns
from gateway.assignment.lane import LocalLane
from gateway.model.decision import Decision, Reason, Source, Status
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import Answer


class Fallback:
    """Tries each configured fallback in order; never waits."""

    def __init__(
        self,
        order: tuple[Source, ...],
        *,
        cache: AnswerCache,
        campaigns: Campaigns,
        engine: LocalLane | None,
    ) -> None:
        self._order = order
        self._cache = cache
        self._campaigns = campaigns
        self._engine = engine

    def decide(self, lead: Lead, reason: Reason) -> Decision:
        """The decision for a lead no provider served because of `reason`."""
        for source in self._order:
            ani = self._number(source, lead)
            if ani is not None:
                return Decision(Status.FALLBACK, source, ani, reason)
        return Decision(Status.UNCHANGED, reason=reason)

    def _number(self, source: Source, lead: Lead) -> PhoneNumber | None:
        match source:
            case Source.STALE:
                return self._cache.stale(key_of(lead))
            case Source.ENGINE:
                return self._ask_engine(lead)
            case Source.DEFAULT:
                return self._campaigns.of(lead.campaign).default_ani
            case _:
                return None

    def _ask_engine(self, lead: Lead) -> PhoneNumber | None:
        if self._engine is None:
            return None
        answers: list[Answer | Reason] = []
        self._engine.ask(lead, 0.0, answers.append)
        return answers[0].ani if isinstance(answers[0], Answer) else None
