"""Gathers what a plan is made of (`planning`): where dials went, and what numbers there are.

The dials are read in short pieces, one plan at a time, so that calls, usage counters and new dials never wait
for more than one piece.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from gateway.engine.calendar import Calendar
from gateway.engine.deadline import within
from gateway.engine.geo import Geography
from gateway.engine.management import EngineInventory
from gateway.engine.numbers import outcomes_of
from gateway.engine.planning import GroupBy, Plan, Region, Regions, Target, business_days, make_plan
from gateway.engine.settings import EngineSettings
from gateway.engine.statistics import Outcomes
from gateway.model.inventory import Campaign, Kind
from gateway.providers.base import UnavailableError
from gateway.stores.engine_statistics import DialPlace, EngineStatisticsStore, Place

_TIMEOUT_S = 10.0
"""Longest wait for one piece of work on the database's thread."""
_PLAN_S = 120.0
"""Longest time for a plan, other plans before it included; 1,000,000 dials take about 15 s."""
_PIECE = 2_000
"""Dials read in one piece: about 20 ms of the database's thread, and 10 ms of the loop."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be planned."""

    first: date
    last: date
    """Included; there is a business day between them."""
    target: Target
    group_by: GroupBy
    with_paused: bool
    """Whether paused numbers count as numbers there are."""
    campaigns: Collection[str] = ()
    """Ids or names; empty: all."""
    excluded: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class CampaignDials:
    """One campaign's share."""

    id: str
    name: str
    """"" when the inventory does not know it."""
    dials: int
    is_selected: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan and what it was made of."""

    plan: Plan
    days: int
    """Business days."""
    country: str
    """`US` or `GB`: where most of the dials went; "" when elsewhere."""
    dials: int
    contacts: int
    without_zip: int
    numbers: int
    """Local numbers there are."""
    campaigns: Sequence[CampaignDials]
    """Those of the inventory and those dialled for, by id."""


@dataclass(slots=True)
class _Sums:
    regions: Regions
    dials: Counter[Region] = field(default_factory=Counter)
    countries: Counter[str] = field(default_factory=Counter)
    campaigns: Counter[str] = field(default_factory=Counter)
    """Of all campaigns, selected or not."""
    contacts: int = 0
    without_zip: int = 0

    def add(self, place: DialPlace, group_by: GroupBy, outcomes: Outcomes) -> None:
        if group_by is GroupBy.ZIP:
            region = self.regions.of_zip(place.zip, place.prefix)
        else:
            region = self.regions.of_prefix(place.prefix)
        self.dials[region] += place.dials
        self.countries[_country(place.prefix)] += place.dials
        self.without_zip += place.without_zip
        if outcomes.is_contact(place.disposition):
            self.contacts += place.dials


class Planner:
    """Makes plans out of the engine's own dials and numbers."""

    def __init__(
        self,
        store: EngineStatisticsStore,
        inventory: EngineInventory,
        geography: Geography,
        settings: EngineSettings,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._inventory = inventory
        self._geography = geography
        self._calendar = Calendar(settings.timezone)
        self._settings = settings
        self._clock = clock
        self._one = asyncio.Lock()

    async def make(self, wish: Wish) -> Planned:
        """The plan. Raises `ProviderError`."""
        try:
            async with asyncio.timeout(_PLAN_S), self._one:
                return await self._make(wish)
        except TimeoutError as error:
            raise UnavailableError(f"no plan within {_PLAN_S:.0f} s; plan for fewer days") from error

    async def _make(self, wish: Wish) -> Planned:
        outcomes = await outcomes_of(self._inventory, self._settings)
        listed: Sequence[Any] = await self._inventory.list_all(Kind.CAMPAIGN, timeout_s=_TIMEOUT_S)
        names = {campaign.id: campaign.name for campaign in listed if isinstance(campaign, Campaign)}
        sums = _Sums(Regions(self._geography))
        is_selected = _selection(wish, names)
        after: Place | None = (self._calendar.end_s(wish.first - _DAY), "")
        while after is not None:
            part = await within(
                _TIMEOUT_S,
                self._store.dial_places,
                after=after,
                before=self._calendar.end_s(wish.last),
                most=_PIECE,
                by_ani=wish.group_by is GroupBy.ANI,
                by_zip=wish.group_by is GroupBy.ZIP,
            )
            for place in part.places:
                sums.campaigns[place.campaign_id] += place.dials
                if is_selected(place.campaign_id):
                    sums.add(place, wish.group_by, outcomes)
            after = part.last
        numbers = await self._numbers(wish, sums.regions)
        days = business_days(wish.first, wish.last)
        return Planned(
            make_plan(sums.dials, numbers, days=days, target=wish.target),
            days,
            sums.countries.most_common(1)[0][0] if sums.countries else "",
            sums.dials.total(),
            sums.contacts,
            sums.without_zip,
            sum(count for region, count in numbers.items() if region.areas),
            [
                CampaignDials(key, names.get(key, ""), sums.campaigns[key], is_selected(key))
                for key in sorted({*names, *sums.campaigns})
            ],
        )

    async def _numbers(self, wish: Wish, regions: Regions) -> Counter[Region]:
        today = None if wish.with_paused else self._calendar.day(self._clock())
        found = await within(_TIMEOUT_S, self._store.number_prefixes, paused_on=today)
        numbers: Counter[Region] = Counter()
        for prefix, count in found.items():
            numbers[regions.of_prefix(prefix)] += count
        return numbers


def _selection(wish: Wish, names: dict[str, str]) -> Callable[[str], bool]:
    """Whether dials of a campaign count, by its id."""
    wanted, excluded = set(wish.campaigns), set(wish.excluded)

    def is_selected(campaign: str) -> bool:
        called = {campaign, names.get(campaign, campaign)}
        return not called & excluded and (not wanted or bool(called & wanted))

    return is_selected


def _country(prefix: str) -> str:
    if prefix.startswith("+44"):
        return "GB"
    return "US" if prefix.startswith("+1") else ""
