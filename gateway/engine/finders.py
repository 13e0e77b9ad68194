"""How each rule finds its number: the least used one of the places it allows.

A finder takes where to look, for whom, and where the prospect's zip is (`None` when it tells nothing); it
gives the least key it allows, or one that is not below the limit when there is none.
"""

from collections.abc import Callable, Mapping

from gateway.engine.forest import View, toll_free_place
from gateway.engine.geo import ZipFacts
from gateway.engine.limits import Limits
from gateway.engine.ranks import NOBODY
from gateway.engine.roster import Roster
from gateway.engine.rules import Rule
from gateway.engine.whereabouts import Whereabouts
from gateway.model.lead import AssignmentType, Lead

Find = Callable[[View, Lead, ZipFacts | None], int]

# An enum's member costs more to look up than a constant, and this is asked for at many calls.
_TOLL_FREE = AssignmentType.TFN


def finders(roster: Roster, where: Whereabouts, limits: Limits) -> Mapping[Rule, Find]:
    """The finder of each rule but the draw and the number seen before."""
    one = _Finders(roster, where, limits)
    return {
        Rule.ZIP: one.of_zip,
        Rule.AREA_CODE: one.of_area,
        Rule.NEAREST: one.nearest,
        Rule.STATE: one.of_state,
        Rule.ANY: one.of_country,
        Rule.TFN: one.toll_free,
        Rule.RATE_STATE: one.best_of_state,
        Rule.RATE_ANY: one.best_of_country,
    }


class _Finders:
    def __init__(self, roster: Roster, where: Whereabouts, limits: Limits) -> None:
        self._roster = roster
        self._where = where
        self._limits = limits

    def of_zip(self, view: View, _lead: Lead, home: ZipFacts | None) -> int:
        return view.least_of(home.area_codes) if home is not None else NOBODY

    def of_area(self, view: View, lead: Lead, _home: ZipFacts | None) -> int:
        return view.least(self._where.area(lead))

    def nearest(self, view: View, lead: Lead, home: ZipFacts | None) -> int:
        facts = home or self._where.of_phone(lead)
        if facts is None or facts.point is None:
            return NOBODY
        return view.nearest(facts.point, lead.phone.country_code, self._roster.limit, self._where.near)

    def of_state(self, view: View, lead: Lead, home: ZipFacts | None) -> int:
        facts = home or self._where.of_phone(lead)
        return view.least(facts.state) if facts is not None else NOBODY

    def of_country(self, view: View, lead: Lead, _home: ZipFacts | None) -> int:
        return view.least(lead.phone.country_code)

    def toll_free(self, view: View, lead: Lead, _home: ZipFacts | None) -> int:
        allowed = self._limits.toll_free_last or lead.assignment_type is _TOLL_FREE
        return view.least(toll_free_place(lead.phone.country_code)) if allowed else NOBODY

    def best_of_state(self, view: View, lead: Lead, home: ZipFacts | None) -> int:
        facts = home or self._where.of_phone(lead)
        return view.best_grade(facts.state, self._roster.limit) if facts is not None else NOBODY

    def best_of_country(self, view: View, lead: Lead, _home: ZipFacts | None) -> int:
        return view.best_grade(lead.phone.country_code, self._roster.limit)
