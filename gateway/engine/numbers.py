"""The inventory's numbers with all that is known of each, and what can be done about one: rest, wake, mend.

A page of numbers is read in short pieces on the database's thread (`stores.engine_statistics`), so that the
usage counters and the dials, which are written there too, have their turn in between.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.engine.calendar import Calendar
from gateway.engine.deadline import within
from gateway.engine.geo import Geography
from gateway.engine.management import EngineInventory
from gateway.engine.settings import EngineSettings
from gateway.engine.statistics import RATE_DAYS, Figures, Outcomes, Tally, figures
from gateway.model.inventory import Kind
from gateway.model.inventory_change import NEVER_PAUSED, AniChange
from gateway.model.phone import PhoneNumber
from gateway.providers.base import NotFoundError
from gateway.stores.engine_statistics import Act, EngineStatisticsStore, NumberFacts

OPEN_END = date.max
"""`Ani.paused_until` of a pause that nobody has dated."""
REMEDIATION_DAYS = 30
"""Days after a remediation in which another one of the same number is not begun."""
_UK_AREA = "+44 "
_DAY_S = 86_400
_TIMEOUT_S = 10.0
"""Longest wait for one piece of work on the database's thread."""
_PIECE = 100
"""Numbers tallied in one piece: about 1 ms for 1,000 dials; 700,000 at most, all at their cap for 90 days."""
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class NumberState:
    """One number today."""

    facts: NumberFacts
    figures: Figures
    area: str
    """As `Geography.area`."""
    state: str
    locality: str
    is_paused: bool
    is_remediating: bool
    """Whether a remediation was asked for within `REMEDIATION_DAYS`."""


class Numbers:
    """Looks at the numbers and cares for them. Every method raises `ProviderError`."""

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

    async def page(self, *, number: int, size: int, digits: str) -> tuple[list[NumberState], int]:
        """Page `number` (from 1) of the numbers that have `digits` in them, and how many these are in all."""
        page = await within(
            _TIMEOUT_S, self._store.numbers, digits=digits, skip=(number - 1) * size, most=size
        )
        by_number = await self.figures([facts.number.e164 for facts in page.numbers])
        now = self._clock()
        today = self._calendar.day(now)
        return [self._state(facts, by_number, now, today) for facts in page.numbers], page.total

    async def remediate(self, number: PhoneNumber, *, carrier: str, note: str) -> bool:
        """Note that a remediation was asked for; false within `REMEDIATION_DAYS` of the last one."""
        now = self._clock()
        begun = await within(
            _TIMEOUT_S,
            self._store.note_unless_since,
            number.e164,
            Act.REMEDIATE,
            at=now,
            since=now - REMEDIATION_DAYS * _DAY_S,
            carrier=carrier,
            note=note,
        )
        if begun is None:
            raise NotFoundError(f"ANI {number.masked} does not exist; create it first", status=_NOT_FOUND)
        return begun

    async def pause(self, number: PhoneNumber, until: date | None, *, carrier: str, note: str) -> None:
        """Show it no more until that day; for good when there is none, or one that has come already."""
        is_dated = until is not None and until > self._calendar.day(self._clock())
        await self._pause_until(number, until if is_dated and until else OPEN_END)
        await self._note(number, Act.PAUSE, carrier, note)

    async def activate(self, number: PhoneNumber, on: date | None, *, carrier: str, note: str) -> None:
        """Show it again from that day on; at once when there is none, or one that has come already."""
        is_later = on is not None and on > self._calendar.day(self._clock())
        await self._pause_until(number, on if is_later and on else NEVER_PAUSED)
        await self._note(number, Act.ACTIVATE, carrier, note)

    async def _pause_until(self, number: PhoneNumber, day: date) -> None:
        await self._inventory.update(AniChange(number, paused_until=day), timeout_s=_TIMEOUT_S)

    async def _note(self, number: PhoneNumber, act: Act, carrier: str, note: str) -> None:
        at = self._clock()
        await within(_TIMEOUT_S, self._store.note, number.e164, act, at=at, carrier=carrier, note=note)

    async def figures(self, numbers: Sequence[str]) -> dict[str, Figures]:
        """What became of the dials of these numbers (E.164 with plus), of those that have any."""
        outcomes = await outcomes_of(self._inventory, self._settings)
        since = self._clock() - RATE_DAYS * _DAY_S
        tallies: defaultdict[str, list[Tally]] = defaultdict(list)
        for start in range(0, len(numbers), _PIECE):
            piece = numbers[start : start + _PIECE]
            for one in await within(_TIMEOUT_S, self._store.tallies, piece, recent_since=since):
                tallies[one.number].append(Tally(one.disposition, one.dials, one.recent, one.last_at))
        return {number: figures(found, outcomes) for number, found in tallies.items()}

    def _state(
        self, facts: NumberFacts, by_number: dict[str, Figures], now: float, today: date
    ) -> NumberState:
        area = self._geography.area(facts.number)
        place = self._geography.facts(area)
        remediated_at = facts.acts.get(Act.REMEDIATE)
        return NumberState(
            facts,
            by_number.get(facts.number.e164, Figures()),
            area,
            place.state.removeprefix(_UK_AREA) if place is not None else "",
            area.removeprefix(_UK_AREA) if area.startswith(_UK_AREA) else "",
            is_paused=facts.paused_until is not None and facts.paused_until > today,
            is_remediating=remediated_at is not None and remediated_at > now - REMEDIATION_DAYS * _DAY_S,
        )


async def outcomes_of(inventory: EngineInventory, settings: EngineSettings) -> Outcomes:
    """What dispositions mean now. Raises `ProviderError`."""
    dispos: Sequence[Any] = await inventory.list_all(Kind.DISPO, timeout_s=_TIMEOUT_S)
    return Outcomes(dispos, blocked=settings.blocked_dispositions, no_answer=settings.no_answer_dispositions)
