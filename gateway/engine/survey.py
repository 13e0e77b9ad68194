"""How the engine's numbers do, at a glance: uses of today, who rests, who reaches people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.engine.calendar import Calendar
from gateway.engine.deadline import within
from gateway.engine.numbers import Numbers
from gateway.engine.settings import EngineSettings
from gateway.engine.statistics import Figures
from gateway.stores.engine_usage import EngineUsageStore, Resting, RestLimits

MOST_NUMBERS = 1_000
"""Numbers whose uses of today are told one by one, those used most."""
MOST_SHOWN = 20
"""Numbers on each list for a screen."""
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class EngineSurvey:
    """The numbers at one moment."""

    numbers: int
    uses_today: int
    daily_cap: int
    busiest: Sequence[tuple[str, int]]
    """Up to `MOST_NUMBERS`, in E.164, with their uses of today, the first the most."""
    resting: Sequence[Resting]
    rates: Sequence[tuple[str, Figures]]
    """What became of the dials of the first of `busiest`."""


class Surveyor:
    """Looks at the numbers. `clock` gives seconds since the epoch."""

    def __init__(
        self,
        store: EngineUsageStore,
        numbers: Numbers,
        settings: EngineSettings,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._numbers = numbers
        self._settings = settings
        self._calendar = Calendar(settings.timezone)
        self._clock = clock

    async def look(self) -> EngineSurvey:
        """The numbers now; uses are up to `engine.flush_interval_s` old. Raises `ProviderError`."""
        now = self._clock()
        limits = RestLimits(now, self._settings.cool_down_s, self._settings.hourly_cap)
        today: date = self._calendar.day(now)
        usage = await within(
            _TIMEOUT_S, self._store.today, today, limits, most=MOST_NUMBERS, most_resting=MOST_SHOWN
        )
        shown = [number for number, _ in usage.busiest[:MOST_SHOWN]]
        figures = await self._numbers.figures(shown)
        return EngineSurvey(
            usage.numbers,
            usage.uses,
            self._settings.daily_cap,
            usage.busiest,
            usage.resting,
            [(number, figures[number]) for number in shown if number in figures],
        )
