"""What a call gets when no provider had a number for it: stale answer, engine, default, or nothing."""

from gateway.assignment.cache import AnswerCache, key_of
from gateway.assignment.campaigns import Campaigns
from gateway.assignment.lane import LocalLane
from gateway.model.decision import Decision, Reason, Source, Status
from gateway.model.lead import Lead
from gateway.providers.base import Answer

_NOTHING = Answer(None)


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
            answer = self._answer(source, lead)
            if answer.ani is not None:
                told = f"fallback {source}: {answer.message}" if lead.explain else ""
                return Decision(Status.FALLBACK, source, answer.ani, reason, told.removesuffix(": "))
        return Decision(Status.UNCHANGED, reason=reason)

    def _answer(self, source: Source, lead: Lead) -> Answer:
        match source:
            case Source.STALE:
                return Answer(self._cache.stale(key_of(lead._replace(explain=False))))
            case Source.ENGINE:
                return self._ask_engine(lead)
            case Source.DEFAULT:
                return Answer(self._campaigns.of(lead.campaign).default_ani)
            case _:
                return _NOTHING

    def _ask_engine(self, lead: Lead) -> Answer:
        if self._engine is None:
            return _NOTHING
        answers: list[Answer | Reason] = []
        self._engine.ask(lead, 0.0, answers.append)
        return answers[0] if isinstance(answers[0], Answer) else _NOTHING
