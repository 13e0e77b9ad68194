"""The engine as a provider in this process: inventory and counters on disk, selection in memory."""

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from gateway.engine.calendar import Calendar
from gateway.engine.dial_target import EngineDials, OnKept
from gateway.engine.geo import Geography
from gateway.engine.geo_cache import open_geography
from gateway.engine.inventory import read_inventory
from gateway.engine.management import EngineInventory
from gateway.engine.numbers import Numbers
from gateway.engine.planner import Planner
from gateway.engine.pools import Pools
from gateway.engine.selector import Choice, Limits, Selector, Terms
from gateway.engine.settings import EngineSettings
from gateway.engine.usage import UsageLog
from gateway.model.decision import Source
from gateway.model.dial import Dial
from gateway.model.inventory import Item
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import Answer
from gateway.stores.engine_dials import EngineDialStore
from gateway.stores.engine_statistics import EngineStatisticsStore
from gateway.stores.inventory import MIGRATIONS, InventoryStore
from gateway.stores.outdials import OutdialStore
from gateway.stores.sqlite import SqliteDatabase

NO_ANI = "No available ANI found"
"""What an answer without a number says; the Assignment API's words."""
_NOBODY = Answer(None, NO_ANI)


class EngineProvider:
    """A `LocalAssigner` and `OwnedNumbers` over the user's own numbers. Use from one thread.

    Counters survive a restart; what a crash can lose is stated at `UsageLog`.
    """

    def __init__(
        self,
        database: SqliteDatabase,
        geography: Geography,
        settings: EngineSettings,
        *,
        clock: Callable[[], float] = time.time,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._geography = geography
        self._settings = settings
        self._clock = clock
        self._dice = dice
        self._calendar = Calendar(settings.timezone)
        self._store = InventoryStore(database)
        self._usage = UsageLog(self._store, settings.flush_interval_s)
        self._on_kept: OnKept | None = None
        if settings.inventory:
            self._store.save(read_inventory(Path(settings.inventory)))
        self._load()

    @classmethod
    def open(
        cls,
        settings: EngineSettings,
        *,
        clock: Callable[[], float] = time.time,
        dice: Callable[[], float] = random.random,
    ) -> Self:
        """Open the database, load the inventory file if one is set, and be ready to answer.

        Blocks: 0.1 s for a usual inventory, 1 to 2 s more at first use (geography). Raises `StoreError`,
        `InventoryError` or `UnknownTimezoneError`.
        """
        database = SqliteDatabase.open(settings.database, MIGRATIONS)
        try:
            return cls(database, open_geography(settings.cache_dir), settings, clock=clock, dice=dice)
        except BaseException:
            database.close()
            raise

    @property
    def source(self) -> Source:
        """The engine."""
        return Source.ENGINE

    @property
    def size(self) -> int:
        """Numbers in the inventory, paused ones included."""
        return len(self._owned)

    def assign_now(self, lead: Lead) -> Answer:
        """The number for one lead; the message names the rule that chose it. Never blocks, never raises."""
        choice = self.choose(lead)
        return _NOBODY if choice is None else Answer(choice.ani, choice.rule.value)

    def choose(self, lead: Lead) -> Choice | None:
        """The number for one lead with the rule that chose it, `None` when there is none."""
        now_s = self._clock()
        if now_s >= self._day_ends_s:
            self._begin_day(now_s)
        choice = self._selector.select(lead, now_s)
        if choice is not None:
            self._usage.count(choice.ani, self._day, choice.uses, now_s)
        return choice

    def owns(self, ani: PhoneNumber) -> bool:
        """Whether the number is in the inventory, usable today or not."""
        return ani in self._owned

    def inventory(self) -> EngineInventory:
        """The inventory, to be managed; a change holds from the next choice on."""
        return EngineInventory(self._store, self._changed)

    def numbers(self) -> Numbers:
        """The numbers with their figures, to look at and to care for."""
        return Numbers(
            EngineStatisticsStore(self._database),
            self.inventory(),
            self._geography,
            self._settings,
            clock=self._clock,
        )

    def planner(self) -> Planner:
        """Plans out of the dials that are kept."""
        return Planner(
            EngineStatisticsStore(self._database),
            self.inventory(),
            self._geography,
            self._settings,
            clock=self._clock,
        )

    def dial_target(self) -> EngineDials:
        """Where reported dials go; they stay in the engine's database."""
        store = EngineDialStore(self._database, clock=self._clock)
        return EngineDials(store, self._settings, clock=self._clock, on_kept=self._kept)

    def tell_kept_dials(self, on_kept: OnKept) -> None:
        """From now on, tell `on_kept` of every dial that was kept through a `dial_target`."""
        self._on_kept = on_kept

    def outdials(self) -> OutdialStore:
        """Lists to be dialled, as VoIPBin has them."""
        return OutdialStore(self._database, clock=self._clock)

    def close(self) -> None:
        """Write the last counters and close the database. Blocks. Raises `StoreError`."""
        try:
            self._usage.close()
        finally:
            self._database.close()

    def _kept(self, dials: Sequence[Dial]) -> None:
        if self._on_kept is not None:
            self._on_kept(dials)

    def _changed(self, _before: Item | None, _after: Item | None) -> None:
        self._load()

    def _load(self) -> None:
        inventory = self._store.load()
        settings = self._settings
        self._day = self._calendar.day(self._clock())
        self._day_ends_s = self._calendar.end_s(self._day)
        self._owned = {ani.number for ani in inventory.anis}
        pools = Pools(
            inventory.campaigns, default_campaign=settings.default_campaign, strict=settings.strict_campaigns
        )
        limits = Limits(
            daily_cap=settings.daily_cap,
            cool_down_s=settings.cool_down_s,
            nearest_km=settings.nearest_km,
            toll_free_last=settings.toll_free_last,
        )
        self._selector = Selector(
            inventory.anis,
            self._store.load_usage(),
            Terms(self._geography, pools, limits, self._dice),
            today=self._day,
        )

    def _begin_day(self, now_s: float) -> None:
        self._day = self._calendar.day(now_s)
        self._day_ends_s = self._calendar.end_s(self._day)
        self._selector.begin_day(self._day)
