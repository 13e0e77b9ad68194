"""The engine as a provider in this process: inventory and counters on disk, selection in memory."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from gateway.engine.calendar import Calendar
from gateway.engine.dial_target import EngineDials, OnKept
from gateway.engine.explain import Explanation
from gateway.engine.geo import Geography
from gateway.engine.geo_cache import open_geography
from gateway.engine.inventory import read_inventory
from gateway.engine.limits import Limits
from gateway.engine.management import EngineInventory
from gateway.engine.numbers import Numbers
from gateway.engine.planner import Planner
from gateway.engine.pools import Pools
from gateway.engine.refresh import Known, Portion, Refresh
from gateway.engine.selector import Choice, Selector, Terms
from gateway.engine.settings import EngineSettings
from gateway.engine.sticky_log import StickyLog
from gateway.engine.survey import Surveyor
from gateway.engine.usage import UsageLog
from gateway.model.decision import Source
from gateway.model.dial import Dial
from gateway.model.inventory import Ani, Campaign, Dispo, Inventory, Item
from gateway.model.lead import AssignmentType, Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import Answer
from gateway.stores.engine_dials import EngineDialStore
from gateway.stores.engine_statistics import EngineStatisticsStore
from gateway.stores.engine_sticky import StickyStore
from gateway.stores.engine_usage import EngineUsageStore
from gateway.stores.inventory import MIGRATIONS, InventoryStore
from gateway.stores.outdials import OutdialStore
from gateway.stores.sqlite import SqliteDatabase
from gateway.stores.usage import Usage, UsageStore

NO_ANI = "No available ANI found"
"""What an answer without a number says; the Assignment API's words."""
_NOBODY = Answer(None, NO_ANI)
_BEST = AssignmentType.HIGHEST_CONTACT_RATE
# Rows of other processes taken over at one call: a millisecond.
_PORTION = 100


class EngineProvider:
    """A `LocalAssigner` and `OwnedNumbers` over the user's own numbers. Use from one thread.

    Counters survive a restart; what a crash can lose is stated at `UsageLog`. Changes by another process hold
    from the first choice that comes `engine.refresh_s` and a read of the inventory later.
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
        used = UsageStore(database).load()
        self._usage = UsageLog(UsageStore(database), settings.flush_interval_s, mark=used.mark)
        self._on_kept: OnKept | None = None
        if settings.inventory:
            self._store.save(read_inventory(Path(settings.inventory)))
        self._sticky = StickyLog(StickyStore(database), settings)
        now_s = clock()
        self._set_day(now_s)
        known = Known.read(self._store)
        self._selector = self._select_from(known.inventory, used.others, now_s)
        self._refresh = Refresh(self._store, EngineDialStore(database), settings, known)
        self._attend_s = 0.0

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
        return len(self._selector)

    def assign_now(self, lead: Lead) -> Answer:
        """The number for one lead; the message names the rule that chose it. Never blocks, never raises.

        For a lead that wants it explained the message is `Explanation.text`, which takes milliseconds.
        """
        if lead.explain:
            chosen, explanation = self.choose_explained(lead)
            return Answer(None if chosen is None else chosen.ani, explanation.text)
        choice = self.choose(lead)
        return _NOBODY if choice is None else Answer(choice.ani, choice.rule.value)

    def choose(self, lead: Lead) -> Choice | None:
        """The number for one lead with the rule that chose it, `None` when there is none."""
        now_s = self._clock()
        if now_s >= self._attend_s:
            self._attend(now_s)
        choice = self._selector.select(lead, now_s)
        if choice is not None:
            self._usage.count(choice, self._day, now_s)
            if self._usage.expects_news or self._sticky.expects_news:
                self._attend_s = 0.0
        if lead.assignment_type is _BEST and not self._refresh.wants_rates:
            self._want_rates()
        return choice

    def choose_explained(self, lead: Lead) -> tuple[Choice | None, Explanation]:
        """The same as `choose`, and why. Takes milliseconds."""
        now_s = self._clock()
        self._attend(now_s)
        choice, explanation = self._selector.select_explained(lead, now_s)
        if choice is not None:
            self._usage.count(choice, self._day, now_s)
        if lead.assignment_type is _BEST and not self._refresh.wants_rates:
            self._want_rates()
        return choice, explanation

    def explain(self, lead: Lead) -> Explanation:
        """What `choose` would choose now and why, without counting a use. Takes milliseconds."""
        now_s = self._clock()
        self._attend(now_s)
        return self._selector.explain(lead, now_s)

    def apply(self, old: Item | None, new: Item | None) -> None:
        """Choose by a change of the inventory from the next choice on. Never blocks.

        No `old` for a new item, no `new` for one taken out. An ANI takes 10 µs and keeps its counters and its
        rest; a campaign 20 µs for each area of the groups that change hands.
        """
        match new if new is not None else old:
            case Ani() as ani:
                self._apply_ani(ani, is_gone=new is None)
            case Campaign() as campaign:
                self._campaigns[campaign.id] = campaign
                if new is None:
                    del self._campaigns[campaign.id]
                self._selector.regroup(self._pools())
            case Dispo() if self._refresh.wants_rates:
                self._want_rates()
            case _:
                pass

    def owns(self, ani: PhoneNumber) -> bool:
        """Whether the number is in the inventory, usable today or not."""
        return ani in self._selector

    def inventory(self) -> EngineInventory:
        """The inventory, to be managed; a change holds from the next choice on."""
        return EngineInventory(self._store, self.apply)

    def numbers(self) -> Numbers:
        """The numbers with their figures, to look at and to care for."""
        return Numbers(
            EngineStatisticsStore(self._database),
            self.inventory(),
            self._geography,
            self._settings,
            clock=self._clock,
        )

    def surveyor(self) -> Surveyor:
        """Looks at the numbers as a whole."""
        store = EngineUsageStore(self._database)
        return Surveyor(store, self.numbers(), self._settings, clock=self._clock)

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
        with ExitStack() as last_first:
            last_first.callback(self._database.close)
            last_first.callback(self._sticky.close)
            last_first.callback(self._usage.close)
            last_first.callback(self._refresh.close)

    def _kept(self, dials: Sequence[Dial]) -> None:
        if self._on_kept is not None:
            self._on_kept(dials)

    def _select_from(self, inventory: Inventory, used: Sequence[Usage], now_s: float) -> Selector:
        settings = self._settings
        self._campaigns = {campaign.id: campaign for campaign in inventory.campaigns}
        limits = Limits(
            daily_cap=settings.daily_cap,
            cool_down_s=settings.cool_down_s,
            nearest_km=settings.nearest_km,
            toll_free_last=settings.toll_free_last,
            hourly_cap=settings.hourly_cap,
        )
        sticky = self._sticky.load(now_s)
        terms = Terms(self._geography, self._pools(), limits, self._dice, sticky)
        return Selector(inventory.anis, used, terms, today=self._day)

    def _pools(self) -> Pools:
        settings = self._settings
        return Pools(
            self._campaigns.values(),
            default_campaign=settings.default_campaign,
            strict=settings.strict_campaigns,
        )

    def _attend(self, now_s: float) -> None:
        """Do what is due besides the calls: a new day, changes by others."""
        if now_s >= self._day_ends_s:
            self._set_day(now_s)
            self._selector.begin_day(self._day)
        if now_s >= self._refresh.next_s:
            portion = self._refresh.attend(now_s)
            if portion is not None:
                self._apply_portion(portion)
        self._learn()
        self._attend_s = min(self._day_ends_s, self._refresh.next_s)

    def _learn(self) -> None:
        """Take over what other processes did with the same inventory, a millisecond's worth."""
        self._selector.recount(self._usage.news(_PORTION))
        self._sticky.learn(_PORTION)

    def _apply_portion(self, portion: Portion) -> None:
        if portion.campaigns is not None:
            self._campaigns = {campaign.id: campaign for campaign in portion.campaigns}
            self._selector.regroup(self._pools())
        for number in portion.discard:
            self._selector.discard(number)
        for ani in portion.put:
            self._apply_ani(ani, is_gone=False)
        if portion.grades:
            self._selector.grade(dict(portion.grades))

    def _apply_ani(self, ani: Ani, *, is_gone: bool) -> None:
        if is_gone:
            self._selector.discard(ani.number)
            return
        self._selector.put(ani)
        if self._selector.is_graded:
            self._selector.grade({ani.number: self._refresh.grade_of(ani.number)})

    def _want_rates(self) -> None:
        self._refresh.want_rates()
        self._attend_s = 0.0

    def _set_day(self, now_s: float) -> None:
        self._day = self._calendar.day(now_s)
        self._day_ends_s = self._calendar.end_s(self._day)
