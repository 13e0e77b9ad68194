"""Chooses the number to show. Pure: the time and the dice are passed in.

Each kind of assignment is a row of rules, tried from left to right (`RULES`); the first place with a usable
number wins, and there the least used number of today. First in all of the campaign's own numbers, then in the
shared ones (`pools`). A number is usable when it is of the prospect's country, has not reached its daily cap,
does not rest after its last use, and is not paused.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from gateway.engine.forest import Forest, Lottery, View, toll_free_place
from gateway.engine.geo import Geography, Point, ZipFacts
from gateway.engine.pools import Pools, Scope
from gateway.engine.ranks import MAX_COUNT, NOBODY, Leaf, count_on, index_of, limit_key, make_key
from gateway.model.inventory import Ani
from gateway.model.lead import AssignmentType, Lead
from gateway.model.phone import PhoneNumber
from gateway.stores.inventory import Usage


class Rule(StrEnum):
    """What a number was chosen for."""

    ZIP = "zip"
    """It is of an area code that serves the prospect's zip."""
    AREA_CODE = "area_code"
    """It is of the prospect's own area."""
    NEAREST = "nearest"
    """It is of the nearest area within reach."""
    STATE = "state"
    """It is of the prospect's state or province."""
    ANY = "any"
    """It is of the prospect's country."""
    TFN = "tfn"
    """It is toll-free."""
    RANDOM = "random"
    """It was drawn among the local numbers of the prospect's country."""


# An enum's member costs more to look up than a constant, and the rules are asked at every call.
_ZIP, _AREA, _NEAREST, _STATE, _ANY, _TFN, _RANDOM = Rule
_AUTOMATIC = (_ZIP, _AREA, _NEAREST, _STATE, _ANY, _TFN)
RULES: Mapping[AssignmentType | None, tuple[Rule, ...]] = {
    None: _AUTOMATIC,
    AssignmentType.ZIP: (_ZIP, _NEAREST, _STATE, _ANY, _TFN),
    AssignmentType.AREA_CODE: (_AREA, _NEAREST, _STATE, _ANY, _TFN),
    AssignmentType.STATE: (_STATE, _ANY, _TFN),
    AssignmentType.TFN: (_TFN,),
    AssignmentType.RANDOM: (_RANDOM, _ANY, _TFN),
    # Contact rates are not known yet: the answer names the automatic rule that really chose.
    AssignmentType.HIGHEST_CONTACT_RATE: _AUTOMATIC,
}
# Blanks drawn in a row before the least used number is taken instead.
_DRAWS = 8
# Most combinations of campaign or groups and branding remembered.
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard a number may be used."""

    daily_cap: int = 75
    cool_down_s: float = 0.0
    nearest_km: float = 160.0
    toll_free_last: bool = True
    """Whether a prospect who did not ask for a toll-free number gets one when there is no other."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a selector chooses by."""

    geography: Geography
    pools: Pools
    limits: Limits
    random: Callable[[], float]
    """0 to below 1, evenly; for `AssignmentType.RANDOM`."""


class Choice(NamedTuple):
    """The number and why."""

    ani: PhoneNumber
    rule: Rule
    uses: int
    """Uses today, this one included."""


_Asked = tuple[str | tuple[str, ...], bool | None]
"""Groups or campaign, and branding, as a lead has them."""


@dataclass(slots=True, eq=False)
class _Tier:
    """What is searched together, and drawn from together."""

    scopes: tuple[Scope, ...]
    view: View
    lotteries: dict[str, Lottery] = field(default_factory=dict)


class Selector:
    """All numbers of one inventory. Not thread-safe."""

    def __init__(
        self,
        anis: Iterable[Ani],
        usage: Iterable[Usage],
        terms: Terms,
        *,
        today: date,
    ) -> None:
        self._geography = terms.geography
        self._pools = terms.pools
        self._limits = terms.limits
        self._random = terms.random
        self._forest = Forest(terms.geography, terms.pools)
        self._numbers: list[PhoneNumber] = []
        self._leaves: list[Leaf] = []
        self._paused: list[tuple[date, int]] = []
        self._resting: deque[tuple[float, int]] = deque()
        self._tiers: dict[_Asked, tuple[_Tier, ...]] = {}
        self._order = 0
        self._day = today
        self._ordinal = today.toordinal()
        self._limit = limit_key(day=self._ordinal, cap=terms.limits.daily_cap)
        self._fill(tuple(anis), usage)

    def begin_day(self, day: date) -> None:
        """Count from nothing, and end the pauses that are over. A day that is not later changes nothing."""
        if day <= self._day:
            return
        self._day, self._ordinal = day, day.toordinal()
        self._limit = limit_key(day=self._ordinal, cap=self._limits.daily_cap)
        while self._paused and self._paused[-1][0] <= day:
            _, key = self._paused.pop()
            self._leaves[index_of(key)].add(key)

    def select(self, lead: Lead, now_s: float) -> Choice | None:
        """The number for `lead`, counted as used; `None` when there is none. `now_s` must not go back."""
        resting = self._resting
        while resting and resting[0][0] <= now_s:
            key = resting.popleft()[1]
            self._leaves[index_of(key)].add(key)
        asked = (lead.pools or lead.campaign, lead.branded)
        tiers = self._tiers.get(asked)
        if tiers is None:
            tiers = self._remember_tiers(lead, asked)
        for tier in tiers:
            choice = self._choose(tier, lead, now_s)
            if choice is not None:
                return choice
        return None

    def _choose(self, tier: "_Tier", lead: Lead, now_s: float) -> Choice | None:
        for rule in RULES[lead.assignment_type]:
            if rule is _RANDOM:
                drawn = self._draw(tier, lead)
                if drawn is not None:
                    return self._use(*drawn, rule, now_s)
                continue
            key = self._find(rule, tier.view, lead)
            if key < self._limit:
                return self._use(self._leaves[index_of(key)], 0, rule, now_s)
        return None

    def _find(self, rule: Rule, view: View, lead: Lead) -> int:
        """The least key the rule allows."""
        if rule is _ZIP:
            home = self._home(lead)
            return view.least_of(home.area_codes) if home is not None else NOBODY
        if rule is _AREA:
            return view.least(self._geography.area(lead.phone))
        if rule is _NEAREST:
            return self._nearest(view, lead)
        if rule is _STATE:
            facts = self._home(lead) or self._geography.facts(self._geography.area(lead.phone))
            return view.least(facts.state) if facts is not None else NOBODY
        if rule is _TFN:
            allowed = self._limits.toll_free_last or lead.assignment_type is AssignmentType.TFN
            return view.least(toll_free_place(lead.phone.country_code)) if allowed else NOBODY
        return view.least(lead.phone.country_code)

    def _nearest(self, view: View, lead: Lead) -> int:
        facts = self._home(lead) or self._geography.facts(self._geography.area(lead.phone))
        if facts is None or facts.point is None:
            return NOBODY
        return view.nearest(facts.point, self._limit, self._near)

    def _near(self, point: Point) -> tuple[str, ...]:
        return self._geography.near(point, self._limits.nearest_km)

    def _home(self, lead: Lead) -> ZipFacts | None:
        """The zip's facts. A prospect asked for by area code is where the phone is from, whatever the zip."""
        if not lead.zip or lead.assignment_type is AssignmentType.AREA_CODE or not lead.phone.is_nanp:
            return None
        return self._geography.zip(lead.zip)

    def _draw(self, tier: "_Tier", lead: Lead) -> tuple[Leaf, int] | None:
        country = lead.phone.country_code
        lottery = tier.lotteries.get(country)
        if lottery is None:
            lottery = self._forest.lottery(tier.scopes, branded=lead.branded, country=country)
            tier.lotteries[country] = lottery
        for _ in range(_DRAWS):
            drawn = lottery.draw(self._random())
            if drawn is not None and drawn[0].heap[drawn[1]] < self._limit:
                return drawn
        return None

    def _use(self, leaf: Leaf, position: int, rule: Rule, now_s: float) -> Choice:
        before = leaf.heap[position]
        index = index_of(before)
        count = count_on(self._ordinal, before) + 1
        self._order += 1
        key = make_key(day=self._ordinal, count=count, order=self._order, index=index)
        if self._limits.cool_down_s > 0:
            leaf.take(position)
            self._resting.append((now_s + self._limits.cool_down_s, key))
        else:
            leaf.replace(position, key)
        return Choice(self._numbers[index], rule, count)

    def _remember_tiers(self, lead: Lead, asked: "_Asked") -> "tuple[_Tier, ...]":
        # Leads may name any campaign and groups, so what is remembered needs a limit.
        if len(self._tiers) >= _REMEMBERED:
            self._tiers.clear()
        tiers = (
            _Tier(scopes, self._forest.view(scopes, branded=lead.branded))
            for scopes in self._pools.tiers(lead)
        )
        found = self._tiers[asked] = tuple(tier for tier in tiers if tier.view)
        return found

    def _fill(self, anis: tuple[Ani, ...], usage: Iterable[Usage]) -> None:
        ordered = sorted(usage, key=lambda entry: entry.last_used_s)
        ranks = {entry.number: (order, entry) for order, entry in enumerate(ordered, start=1)}
        self._order = len(ordered)
        resting: list[tuple[float, int]] = []
        for index, ani in enumerate(anis):
            leaf = self._forest.leaf(ani)
            self._numbers.append(ani.number)
            self._leaves.append(leaf)
            order, used = ranks.get(ani.number, (0, None))
            # A counter of tomorrow (the time zone was changed) must not block the number today.
            day, count = (
                (min(used.day, self._day).toordinal(), min(used.count, MAX_COUNT)) if used else (0, 0)
            )
            key = make_key(day=day, count=count, order=order, index=index)
            if ani.paused_until is not None and ani.paused_until > self._day:
                self._paused.append((ani.paused_until, key))
            elif used and self._limits.cool_down_s > 0:
                resting.append((used.last_used_s + self._limits.cool_down_s, key))
            else:
                leaf.add(key)
        self._paused.sort(reverse=True)
        self._resting.extend(sorted(resting))
