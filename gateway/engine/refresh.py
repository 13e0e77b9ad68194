"""Keeps the selector true to the database: what other processes changed, and how well numbers reach people.

    attend (at a call) ─► version read ─► changed? ─► inventory read in a thread ─► differences
                       └► rates due? ─► dials counted in a thread ─► differences ─┴► applied, some at a call

Nothing here blocks a call. What was found is applied in portions, so that a large change delays many calls by
a millisecond instead of one by a second.
"""

import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Self

from gateway.engine import rates
from gateway.engine.settings import EngineSettings
from gateway.model.inventory import Ani, Campaign, Inventory
from gateway.model.phone import PhoneNumber
from gateway.stores.base import StoreError
from gateway.stores.engine_dials import EngineDialStore
from gateway.stores.inventory import InventoryStore

_log = logging.getLogger(__name__)
_DAY_S = 86_400
# Changes applied at one call: one or two milliseconds.
_PORTION = 200
# While something is under way, how soon to look again.
_SOON_S = 0.01
# A read of the whole inventory is followed by this many times its duration without one: under steady writes
# it then takes at most a tenth of one processor.
_PAUSE = 9


@dataclass(frozen=True, slots=True)
class Portion:
    """Changes to make now."""

    campaigns: tuple[Campaign, ...] | None = None
    """All there are, when they changed."""
    put: tuple[Ani, ...] = ()
    discard: tuple[PhoneNumber, ...] = ()
    grades: tuple[tuple[PhoneNumber, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """An inventory as it was read."""

    version: int
    """Read before the inventory, so that what is written in between is noticed."""
    inventory: Inventory

    @classmethod
    def read(cls, store: InventoryStore) -> Self:
        """What `store` has now. Blocks. Raises `StoreError`."""
        version = store.version().result()
        return cls(version, store.load())


@dataclass(frozen=True, slots=True)
class _Found:
    portions: tuple[Portion, ...]
    took_s: float
    known: Known | None = None
    grades: dict[PhoneNumber, int] | None = None
    recount: bool = False


class Refresh:
    """What the database has that the selector has not. Use from one thread; close it before the database."""

    def __init__(
        self, inventory: InventoryStore, dials: EngineDialStore, settings: EngineSettings, known: Known
    ) -> None:
        self._inventory = inventory
        self._dials = dials
        self._settings = settings
        # Nobody else can see a database in memory.
        self._is_shared = settings.refresh_s > 0 and settings.database != ""
        self._known = known
        self._grades: dict[PhoneNumber, int] = {}
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="engine-refresh")
        self._version_read: Future[int] | None = None
        self._reading: Future[_Found] | None = None
        self._portions: deque[Portion] = deque()
        self._version_at_s = 0.0
        self._rates_at_s: float | None = None
        self.next_s = 0.0
        """Unix time from which `attend` has something to do."""

    @property
    def wants_rates(self) -> bool:
        """Whether contact rates are counted."""
        return self._rates_at_s is not None

    def want_rates(self) -> None:
        """Count contact rates from now on, or anew because a disposition changed."""
        self._rates_at_s = 0.0
        self.next_s = 0.0

    def grade_of(self, number: PhoneNumber) -> int:
        """The number's grade at the last count."""
        return self._grades.get(number, 0)

    def attend(self, now_s: float) -> Portion | None:
        """What to change now, `None` for nothing. Never blocks; what fails is logged and tried again."""
        if self._portions:
            return self._portions.popleft()
        try:
            self._attend(now_s)
        except (StoreError, ValueError) as error:
            # A value error is a row that another program wrote and nobody can read.
            _log.warning("the inventory stays as it was: %s", error)
            self._version_read, self._reading = None, None
            self._version_at_s = now_s + self._settings.refresh_s
        self.next_s = self._due_s(now_s)
        return self._portions.popleft() if self._portions else None

    def close(self) -> None:
        """Wait for what is under way."""
        self._reader.shutdown(wait=True, cancel_futures=True)

    def _attend(self, now_s: float) -> None:
        if self._version_read is not None and self._version_read.done():
            read, self._version_read = self._version_read, None
            self._see_version(read.result(), now_s)
        elif self._reading is not None and self._reading.done():
            reading, self._reading = self._reading, None
            self._take(reading.result(), now_s)
        elif self._version_read is None and self._reading is None:
            self._begin(now_s)

    def _begin(self, now_s: float) -> None:
        if self._rates_at_s is not None and now_s >= self._rates_at_s:
            self._rates_at_s = now_s + self._settings.contact_rate_refresh_s
            self._reading = self._reader.submit(self._count, now_s)
        elif self._is_shared and now_s >= self._version_at_s:
            self._version_at_s = now_s + self._settings.refresh_s
            self._version_read = self._inventory.version()

    def _see_version(self, version: int, now_s: float) -> None:
        if version != self._known.version:
            self._reading = self._reader.submit(self._compare)
        else:
            self._version_at_s = now_s + self._settings.refresh_s

    def _take(self, found: _Found, now_s: float) -> None:
        self._portions.extend(found.portions)
        if found.grades is not None:
            self._grades = found.grades
        if found.recount and self._rates_at_s is not None:
            self._rates_at_s = 0.0
        if found.known is not None:
            self._known = found.known
            self._version_at_s = now_s + max(self._settings.refresh_s, _PAUSE * found.took_s)

    def _due_s(self, now_s: float) -> float:
        if self._portions:
            return 0.0
        if self._version_read is not None or self._reading is not None:
            return now_s + _SOON_S
        due = [self._version_at_s] if self._is_shared else []
        due += [self._rates_at_s] if self._rates_at_s is not None else []
        return min(due, default=float("inf"))

    def _compare(self) -> _Found:
        """In the thread: the inventory now against the one known."""
        started = perf_counter()
        known = Known.read(self._inventory)
        inventory, former = known.inventory, self._known.inventory
        before = {ani.number.e164: ani for ani in former.anis}
        put = [ani for ani in inventory.anis if before.get(ani.number.e164) != ani]
        ours = {ani.number.e164 for ani in inventory.anis}
        gone = [ani.number for ani in former.anis if ani.number.e164 not in ours]
        # Contacts are counted by the flags of dispositions.
        recount = inventory.dispos != former.dispos
        campaigns = inventory.campaigns if inventory.campaigns != former.campaigns else None
        portions = [Portion(campaigns)] if campaigns is not None else []
        portions += [Portion(discard=tuple(gone[start:end])) for start, end in _cuts(len(gone))]
        portions += [Portion(put=tuple(put[start:end])) for start, end in _cuts(len(put))]
        return _Found(tuple(portions), perf_counter() - started, known, recount=recount)

    def _count(self, now_s: float) -> _Found:
        """In the thread: contact rates now against those at the last count."""
        started = perf_counter()
        settings = self._settings
        counts = self._dials.contact_counts(since=now_s - settings.contact_rate_days * _DAY_S)
        found = rates.grades(counts, prior_dials=settings.contact_rate_prior_dials)
        before = self._grades
        changed = [(number, grade) for number, grade in found.items() if before.get(number, 0) != grade]
        changed += [(number, 0) for number in before if number not in found]
        portions = [Portion(grades=tuple(changed[start:end])) for start, end in _cuts(len(changed))]
        return _Found(tuple(portions), perf_counter() - started, grades=found)


def _cuts(count: int) -> Iterator[tuple[int, int]]:
    return ((start, start + _PORTION) for start in range(0, count, _PORTION))
