"""Why a number was chosen: every place that was looked at before, and what became of the numbers there.

Looks at each number of the places passed over, so it takes milliseconds and is made only when asked for.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.engine.forest import Forest, Home, toll_free_place
from gateway.engine.limits import Limits
from gateway.engine.pools import ALL, SHARED, Scope
from gateway.engine.roster import Roster
from gateway.engine.rules import RULES, Rule
from gateway.engine.seat import Seat, Standing
from gateway.engine.whereabouts import Whereabouts
from gateway.model.lead import AssignmentType, Lead
from gateway.model.phone import PhoneNumber

# Answers carry the text in one line.
_MOST_TEXT = 900
_TIERS: Mapping[tuple[Scope, ...], str] = {(SHARED,): "shared", (ALL,): "all"}
_NOWHERE = "nothing tells where the prospect is"


class Reason(StrEnum):
    """Why a number that was there was not taken."""

    BRANDING = "of the other branding"
    PAUSED = "paused"
    HOURLY_CAP = "at the hourly cap"
    RESTING = "resting"
    DAILY_CAP = "at the daily cap"
    NOT_DRAWN = "not drawn"
    """The draws fell on others, which could not be used."""


@dataclass(frozen=True, slots=True)
class Passed:
    """One place that gave no number."""

    tier: str
    """Among which numbers: `own`, `shared`, `all` or `groups`; "" for the number the prospect saw before."""
    rule: Rule
    numbers: int
    reasons: tuple[tuple[Reason, int], ...] = ()
    """Each with how many numbers; they add up to `numbers`."""
    note: str = ""
    """Why nobody looked."""

    @property
    def outcome(self) -> str:
        """In words."""
        if self.note or not self.numbers:
            return self.note or "none there"
        return ", ".join(f"{count} {reason.value}" for reason, count in self.reasons)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was chosen, and what was passed over on the way, in order."""

    number: PhoneNumber | None
    rule: Rule | None
    tier: str
    passed: tuple[Passed, ...]

    @property
    def text(self) -> str:
        """One line of at most 900 characters, without the number itself."""
        among = f" among {self.tier} numbers" if self.tier else ""
        chosen = f"chosen by {self.rule}{among}" if self.rule is not None else "no number"
        parts = [f"{tier} {rule}: {outcome}".strip() for tier, rule, outcome in self._passed_lines()]
        text = f"{chosen}; passed over: {'; '.join(parts)}" if parts else chosen
        return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"

    def lines(self) -> list[tuple[str, str, str]]:
        """For a table: among which numbers, the rule, and what came of it; the choice is the last."""
        chosen = [] if self.rule is None else [(self.tier, self.rule.value, "chosen")]
        return self._passed_lines() + chosen

    def _passed_lines(self) -> list[tuple[str, str, str]]:
        return [(entry.tier, entry.rule.value, entry.outcome) for entry in self.passed]


@dataclass(frozen=True, slots=True)
class Explainer:
    """Looks at a selector's parts without changing them."""

    forest: Forest
    roster: Roster
    where: Whereabouts
    limits: Limits

    def explain(
        self, lead: Lead, chosen: tuple[Seat, Rule, int] | None, kept: PhoneNumber | None
    ) -> Explanation:
        """`chosen` with the tier's number, -1 for none; `kept` is what the prospect saw before."""
        tiers = self.forest.pools.tiers(lead)
        if chosen is None:
            return Explanation(None, None, "", (*self._kept(kept), *self._passed(lead, None, len(tiers))))
        seat, rule, number = chosen
        if rule is Rule.STICKY:
            return Explanation(seat.ani.number, rule, "", ())
        passed = (*self._kept(kept), *self._passed(lead, rule, number))
        return Explanation(seat.ani.number, rule, _named(tiers[number], lead), passed)

    def _kept(self, number: PhoneNumber | None) -> Iterator[Passed]:
        if number is None:
            return
        seat = self.roster.seat(number)
        if seat is None:
            yield Passed("", Rule.STICKY, 0, note="not in the inventory any more")
        elif (reason := self._reason(seat)) is not None:
            yield Passed("", Rule.STICKY, 1, ((reason, 1),))
        else:
            yield Passed("", Rule.STICKY, 1, note="not for this lead")

    def _passed(self, lead: Lead, last: Rule | None, last_tier: int) -> Iterator[Passed]:
        """Every rule of every tier before the last rule of the last tier."""
        for number, scopes in enumerate(self.forest.pools.tiers(lead)):
            for rule in RULES[lead.assignment_type]:
                if number == last_tier and rule is last:
                    return
                yield self._tally(lead, scopes, rule)

    def _tally(self, lead: Lead, scopes: tuple[Scope, ...], rule: Rule) -> Passed:
        tier = _named(scopes, lead)
        allows = self._place(rule, lead)
        if isinstance(allows, str):
            return Passed(tier, rule, 0, note=allows)
        counts: Counter[Reason] = Counter()
        for home, leaf in self.forest.leaves():
            if not leaf.members or not allows(home) or not self._is_in(home, scopes):
                continue
            if lead.branded not in {None, home.branded}:
                counts[Reason.BRANDING] += len(leaf.members)
                continue
            counts.update(self._reason(seat) or Reason.NOT_DRAWN for seat in self.roster.seats(leaf))
        reasons = tuple((reason, counts[reason]) for reason in Reason if counts[reason])
        return Passed(tier, rule, counts.total(), reasons)

    def _is_in(self, home: Home, scopes: tuple[Scope, ...]) -> bool:
        return not set(scopes).isdisjoint(self.forest.pools.scopes(home.group))

    def _reason(self, seat: Seat) -> Reason | None:
        """Why the number cannot be used now, `None` when it can."""
        if seat.standing is Standing.PAUSED:
            return Reason.PAUSED
        if seat.standing is Standing.RESTING:
            return Reason.HOURLY_CAP if self.roster.is_full(seat) else Reason.RESTING
        return Reason.DAILY_CAP if seat.key >= self.roster.limit else None

    def _place(self, rule: Rule, lead: Lead) -> Callable[[Home], bool] | str:
        """Which leaves the rule allows, or in words why it looked nowhere."""
        country = lead.phone.country_code
        if not country:
            return "no numbers of the prospect's country are handed out"
        if rule is Rule.TFN:
            if not self.limits.toll_free_last and lead.assignment_type is not AssignmentType.TFN:
                return "only when asked for"
            return lambda home: home.area == toll_free_place(country)
        if rule in {Rule.ANY, Rule.RANDOM, Rule.RATE_ANY}:
            return lambda home: home.country == country and home.is_local
        if rule in {Rule.STATE, Rule.RATE_STATE}:
            return self._in_state(lead)
        areas = self._areas(rule, lead)
        return areas if isinstance(areas, str) else lambda home: home.area in areas

    def _in_state(self, lead: Lead) -> Callable[[Home], bool] | str:
        facts = self.where.facts(lead)
        if facts is None:
            return _NOWHERE
        return lambda home: self.forest.state(home) == facts.state

    def _areas(self, rule: Rule, lead: Lead) -> frozenset[str] | str:
        if rule is Rule.ZIP:
            home = self.where.home(lead)
            if home is not None:
                return frozenset(home.area_codes)
            return "the zip is unknown" if lead.zip else "the lead has no zip"
        if rule is Rule.AREA_CODE:
            area = self.where.area(lead)
            return frozenset((area,)) if area else "the phone tells no area"
        facts = self.where.facts(lead)
        if facts is None or facts.point is None:
            return _NOWHERE
        return frozenset(self.where.near(facts.point, lead.phone.country_code))


def _named(scopes: tuple[Scope, ...], lead: Lead) -> str:
    if lead.pools:
        return "groups"
    return _TIERS.get(scopes, "own")
