"""Chooses the number to show. Pure: the time and the dice are passed in.

Each kind of assignment is a row of rules, tried from left to right (`rules.RULES`); the first place with a
usable number wins, and there the least used number of today. First in all of the campaign's own numbers, then
in the shared ones (`pools`). A number is usable when it is of the prospect's country, has not reached its
caps, does not rest after its last use, and is not paused (`roster`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from gateway.engine.explain import Explainer, Explanation
from gateway.engine.finders import finders
from gateway.engine.forest import Forest, View
from gateway.engine.geo import Geography, is_toll_free
from gateway.engine.limits import Limits
from gateway.engine.lottery import Lottery
from gateway.engine.pools import Pools, Scope
from gateway.engine.ranks import Leaf
from gateway.engine.roster import Roster
from gateway.engine.rules import RULES, Rule
from gateway.engine.seat import Seat, Standing
from gateway.engine.sticky import StickyMap
from gateway.engine.whereabouts import Whereabouts
from gateway.model.inventory import Ani
from gateway.model.lead import AssignmentType, Lead
from gateway.model.phone import PhoneNumber
from gateway.stores.usage import Usage

# An enum's member costs more to look up than a constant, and these are asked for at every call.
_STICKY, _BEST, _TOLL_FREE = Rule.STICKY, AssignmentType.HIGHEST_CONTACT_RATE, AssignmentType.TFN
# Blanks drawn in a row before the least used number is taken instead.
_DRAWS = 8
# Most combinations of campaign or groups and branding remembered.
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Terms:
    """What a selector chooses by."""

    geography: Geography
    pools: Pools
    limits: Limits
    random: Callable[[], float]
    """0 to below 1, evenly; for `AssignmentType.RANDOM`."""
    sticky: StickyMap | None = None
    """`None` when prospects are not remembered."""


class Choice(NamedTuple):
    """The number and why."""

    ani: PhoneNumber
    rule: Rule
    uses: int
    """Uses today, this one included."""
    hour_began_s: float = 0.0
    """Unix time of the first use of its hour; 0 without an hourly cap."""
    hour_uses: int = 0
    """Uses in that hour, this one included."""


_Asked = tuple[str | tuple[str, ...], bool | None]
"""Groups or campaign, and branding, as a lead has them."""
_Found = tuple[Leaf, int, Rule, int]
"""A number that may be used: its leaf, its position in the heap, why, and in which of the lead's tiers.

The tier is -1 for a number that was not searched for.
"""


@dataclass(slots=True, eq=False)
class _Tier:
    """What is searched together, and drawn from together."""

    number: int
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
        self._limits = terms.limits
        self._random = terms.random
        self._sticky = terms.sticky
        self._where = Whereabouts(terms.geography, terms.limits)
        self._forest = Forest(terms.geography, terms.pools)
        self._roster = Roster(anis, usage, self._forest, terms.limits, today=today)
        self._epoch = self._forest.epoch
        self._is_graded = False
        self._tiers: dict[_Asked, tuple[_Tier, ...]] = {}
        find = finders(self._roster, self._where, terms.limits)
        self._steps = {kind: tuple((rule, find.get(rule)) for rule in rules) for kind, rules in RULES.items()}

    def __len__(self) -> int:
        return len(self._roster)

    def __contains__(self, number: PhoneNumber) -> bool:
        return number in self._roster

    @property
    def is_graded(self) -> bool:
        """Whether anybody asked for the highest contact rate, so that `grade` is worth its work."""
        return self._is_graded

    def anis(self) -> Iterator[Ani]:
        """All numbers, in the order in which equals are chosen."""
        return self._roster.anis()

    def select(self, lead: Lead, now_s: float) -> Choice | None:
        """The number for `lead`, counted as used; `None` when there is none. `now_s` must not go back."""
        found = self._decide(lead, now_s)
        return None if found is None else self._use(found, lead, now_s)

    def explain(self, lead: Lead, now_s: float) -> Explanation:
        """What `select` would choose now and why; counts nothing. Takes milliseconds, and one of the dice."""
        return self._explained(self._decide(lead, now_s), lead, now_s)

    def select_explained(self, lead: Lead, now_s: float) -> tuple[Choice | None, Explanation]:
        """What `select` gives, and why. Takes milliseconds."""
        found = self._decide(lead, now_s)
        explanation = self._explained(found, lead, now_s)
        return None if found is None else self._use(found, lead, now_s), explanation

    def begin_day(self, day: date) -> None:
        """Count from nothing, and end the pauses that are over. A day that is not later changes nothing."""
        self._roster.begin_day(day)

    def recount(self, usage: Iterable[Usage]) -> None:
        """Count what other processes used as well. 10 µs for each number."""
        for used in usage:
            self._roster.recount(used)

    def put(self, ani: Ani) -> None:
        """Let a number in, or change one, whose uses and rest stay. Takes 10 µs.

        The first number of an area or of a group also has what is remembered of the neighbourhoods made again
        at the next calls, 10 to 20 µs for each zip.
        """
        self._roster.put(ani)
        self._forget()

    def discard(self, number: PhoneNumber) -> None:
        """Take a number out, if it is there. Takes 5 µs."""
        self._roster.discard(number)
        self._forget()

    def regroup(self, pools: Pools) -> None:
        """Share the numbers out anew, by other campaigns.

        Takes 20 µs for each area of the groups that changed hands, however many numbers there are.
        """
        self._forest.regroup(pools)
        self._tiers.clear()

    def grade(self, grades: Mapping[PhoneNumber, int]) -> None:
        """Give numbers their grades (`rates.grades`); the highest is chosen first. 10 µs for each."""
        self._grow_grades()
        for number, grade in grades.items():
            self._roster.grade(number, grade)
        self._forget()

    def grade_of(self, number: PhoneNumber) -> int:
        """The number's grade, 0 when it has none."""
        seat = self._roster.seat(number)
        return seat.grade if seat is not None else 0

    def _decide(  # noqa: C901 - the way of every call, where each function more costs a fiftieth
        self, lead: Lead, now_s: float
    ) -> _Found | None:
        roster = self._roster
        if now_s >= roster.next_look_s:
            roster.wake(now_s)
        kind = lead.assignment_type
        if kind is _BEST and not self._is_graded:
            self._grow_grades()
        asked = (lead.pools or lead.campaign, lead.branded)
        tiers = self._tiers.get(asked)
        if tiers is None:
            tiers = self._remember_tiers(lead, asked)
        if self._sticky is not None and (found := self._again(lead, now_s)) is not None:
            return found
        limit = roster.limit
        home = self._where.home(lead)
        for tier in tiers:
            view = tier.view
            for rule, find in self._steps[kind]:
                if find is None:
                    drawn = self._draw(tier, lead)
                    if drawn is not None:
                        return *drawn, rule, tier.number
                    continue
                key = find(view, lead, home)
                if key < limit:
                    return roster.seat_of(key).leaf, 0, rule, tier.number
        if now_s < roster.next_look_s:
            return None
        # More were due than return at one call, and those that did are none for this lead.
        roster.wake(now_s, all_at_once=True)
        return self._decide(lead, now_s)

    def _use(self, found: _Found, lead: Lead, now_s: float) -> Choice:
        leaf, position, rule, _ = found
        seat, uses = self._roster.use(leaf, position, now_s)
        number = seat.ani.number
        if self._sticky is not None:
            self._sticky.keep(lead.phone, number, now_s)
        return Choice(number, rule, uses, seat.hour_began_s, seat.hour_uses)

    def _explained(self, found: _Found | None, lead: Lead, now_s: float) -> Explanation:
        explainer = Explainer(self._forest, self._roster, self._where, self._limits)
        kept = self._sticky.number(lead.phone, now_s) if self._sticky is not None else None
        if found is None:
            return explainer.explain(lead, None, kept)
        leaf, position, rule, tier = found
        return explainer.explain(lead, (self._roster.seat_of(leaf.heap[position]), rule, tier), kept)

    def _draw(self, tier: _Tier, lead: Lead) -> tuple[Leaf, int] | None:
        country = lead.phone.country_code
        lottery = tier.lotteries.get(country)
        if lottery is None:
            lottery = self._forest.lottery(tier.scopes, branded=lead.branded, country=country)
            tier.lotteries[country] = lottery
        for _ in range(_DRAWS):
            drawn = lottery.draw(self._random())
            if drawn is not None and drawn[0].heap[drawn[1]] < self._roster.limit:
                return drawn
        return None

    def _again(self, lead: Lead, now_s: float) -> _Found | None:
        """The number the prospect saw before, if it may be shown to this lead now."""
        if self._sticky is None:
            return None
        number = self._sticky.number(lead.phone, now_s)
        seat = self._roster.seat(number) if number is not None else None
        if seat is None or seat.standing is not Standing.READY or seat.key >= self._roster.limit:
            return None
        if not self._permits(lead, seat):
            return None
        return seat.leaf, seat.leaf.heap.index(seat.key), _STICKY, -1

    def _permits(self, lead: Lead, seat: Seat) -> bool:
        """Whether some rule of the lead's kind could choose the number, other than for want of a better."""
        ani = seat.ani
        if ani.country_code != lead.phone.country_code or lead.branded not in {None, ani.is_branded}:
            return False
        if is_toll_free(ani.number) is not (lead.assignment_type is _TOLL_FREE):
            return False
        pools = self._forest.pools
        scopes = pools.scopes(ani.inbound_group_id)
        return any(scope in scopes for tier in pools.tiers(lead) for scope in tier)

    def _grow_grades(self) -> None:
        if not self._is_graded:
            self._is_graded = True
            self._forest.grow_grades()
            self._tiers.clear()

    def _remember_tiers(self, lead: Lead, asked: _Asked) -> tuple[_Tier, ...]:
        # Leads may name any campaign and groups, so what is remembered needs a limit.
        if len(self._tiers) >= _REMEMBERED:
            self._tiers.clear()
        tiers = (
            _Tier(number, scopes, self._forest.view(scopes, branded=lead.branded))
            for number, scopes in enumerate(self._forest.pools.tiers(lead))
        )
        found = self._tiers[asked] = tuple(tier for tier in tiers if tier.view)
        return found

    def _forget(self) -> None:
        """After a change of numbers: what was remembered may miss a place, and draws miss a number."""
        if self._forest.epoch != self._epoch:
            self._epoch = self._forest.epoch
            self._tiers.clear()
            return
        for tiers in self._tiers.values():
            for tier in tiers:
                tier.lotteries.clear()
