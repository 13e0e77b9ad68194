"""What was answered before: fresh answers are used at once, stale ones only when nobody answers.

    fresh (seconds, by lead) ► prewarmed (hours, by prospect and campaign) ► sticky (days, the same)

What a later one gives is fresh from then on, so that equal calls find it first.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from sys import intern
from typing import NamedTuple, Protocol

from cachetools import TTLCache

from gateway.assignment.settings import AssignmentSettings
from gateway.assignment.shelf import Shelf, ShelfKey, drop_oldest
from gateway.model.decision import Decision, Source, Status
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber

_NEGATIVE_SHARE = 10  # "no number" lives seconds, so a tenth of the room is plenty
_DAY_S = 86_400.0
_LEARNED_AT_ONCE = 200
_ASSIGNED, _CACHE = Status.ASSIGNED, Source.CACHE  # looking a member up in its enum takes longer

LeadKey = tuple[str, str, str, tuple[str, ...], str | None, bool | None, bool]


def key_of(lead: Lead) -> LeadKey:
    """What makes two leads equal. `real_time` does not: it changes how the upstream answers, not what."""
    phone, code, campaign, _, pools, assignment_type, branded, explain = lead
    return (phone.e164, code, campaign, pools, assignment_type, branded, explain)


def shelf_key(key: LeadKey) -> ShelfKey | None:
    """Prospect and campaign, whatever the zip; `None` for a lead that says which numbers it may have.

    A lead that asks for an explanation has none either: it is to be asked for, not looked up.
    """
    phone, _, campaign, pools, assignment_type, branded, explain = key
    if pools or assignment_type is not None or branded is not None or explain:
        return None
    return (phone, campaign)


class Recalled(NamedTuple):
    """What another gateway answered for an equal lead, or showed the same prospect."""

    ani: PhoneNumber
    age_s: float
    source: Source


Found = Callable[[Recalled | None], None]
"""Called exactly once, possibly before `look` returns. Must not raise."""


class Recall(Protocol):
    """A second level behind this cache, asked by the resolver when the cache has nothing."""

    def look(self, key: LeadKey, found: Found) -> None:
        """Look for an answer; never longer than a small budget or two."""
        ...

    def tell(self, key: LeadKey, ani: PhoneNumber) -> None:
        """Let other gateways know an answer, soon. Never blocks."""
        ...


_Kept = tuple[str, float]
"""The number in E.164, and when it was kept.

A text and a time only: the garbage collector does not walk what holds nothing but those.
"""


class AnswerCache:
    """Answers by lead, bounded in number and age; the oldest go first."""

    def __init__(self, settings: AssignmentSettings, time: Callable[[], float]) -> None:
        """`time` is the monotonic clock in seconds."""
        self._time = time
        self.recall: Recall | None = None
        """Told of each number that is kept, but for those it told us; `None` when nothing is shared."""
        self._fresh_s = settings.cache_ttl_s
        self._kept_s = max(settings.stale_ttl_s, settings.cache_ttl_s)
        self._size = settings.cache_size
        # In the order they were kept. No cachetools cache: every call looks here, and each look-up in such a
        # cache costs as much as the rest of `fresh`; it would also drop a whole list at one write.
        self._kept: OrderedDict[LeadKey, _Kept] = OrderedDict()
        self._none: TTLCache[LeadKey, bool] = TTLCache(
            max(1, settings.cache_size // _NEGATIVE_SHARE), settings.negative_ttl_s, time
        )
        self._none_s = settings.negative_ttl_s
        self._none_until = 0.0
        """When the last "no number" is forgotten; most of the time there is none to look for."""
        self._prewarmed = Shelf(size=settings.prewarm_size, keep_s=settings.prewarm_ttl_s, time=time)
        self._sticky = Shelf(size=settings.sticky_size, keep_s=settings.sticky_days * _DAY_S, time=time)
        self._has_sticky = settings.sticky_days > 0
        self._has_shelves = self._has_sticky
        """Whether a number may stand on one."""

    def __len__(self) -> int:
        return len(self._kept)

    def fresh(self, key: LeadKey) -> Decision | None:
        """The decision to give again, or `None`."""
        kept = self._kept.get(key)
        if kept is not None and kept[1] + self._fresh_s > self._time():
            return Decision(_ASSIGNED, _CACHE, PhoneNumber(kept[0]))
        return self._from_shelves(key) if self._has_shelves else None

    def fresh_until(self, key: LeadKey) -> float:
        """When `fresh` will stop giving the answer; 0 when there is none."""
        kept = self._kept.get(key)
        return 0.0 if kept is None else kept[1] + self._fresh_s

    def stale(self, key: LeadKey) -> PhoneNumber | None:
        """The number answered at most `stale_ttl_s` ago."""
        kept = self._kept.get(key)
        is_there = kept is not None and kept[1] + self._kept_s > self._time()
        return PhoneNumber(kept[0]) if kept is not None and is_there else None

    def has_stale(self) -> bool:
        """Whether there is any number that `stale` would give."""
        newest = next(reversed(self._kept.values()), None)
        return newest is not None and newest[1] + self._kept_s > self._time()

    def is_none(self, key: LeadKey) -> bool:
        """Whether "no number" was the answer a moment ago."""
        return self._none_until > self._time() and key in self._none

    def keep(self, key: LeadKey, ani: PhoneNumber, *, age_s: float | None = None) -> None:
        """Remember a provider's number; that of a lead that asks for an explanation is not given again.

        `age_s` is how long ago another gateway was given it, when it comes from there.
        """
        if key[-1]:
            return
        if self.recall is not None and age_s is None:
            self.recall.tell(key, ani)
        now, kept = self._time() - (age_s or 0.0), self._kept
        kept.pop(key, None)
        # Few numbers make up many entries: their texts are shared.
        kept[key] = (intern(ani.e164), now)
        drop_oldest(kept, self._size, now - self._kept_s)
        if self._has_sticky and (place := shelf_key(key)) is not None:
            self._sticky.put(place, ani)

    def take(self, key: LeadKey, found: Recalled) -> Decision | None:
        """Remember what another gateway answered; the decision when that is fresh."""
        self.keep(key, found.ani, age_s=found.age_s)
        known = self.fresh(key)
        return None if known is None else Decision(known.status, found.source, known.ani)

    def keep_none(self, key: LeadKey) -> None:
        """Remember that no provider has a number; as with `keep`."""
        if key[-1]:
            return
        self._none[key] = True
        self._none_until = self._time() + self._none_s

    def prewarm(
        self, phone: PhoneNumber, campaign: str, ani: PhoneNumber, left_s: float | None = None
    ) -> None:
        """Remember a number assigned ahead of the call, for calls to `phone` with any zip.

        `left_s` is what is left of its time in seconds when another cache had it before.
        """
        self._has_shelves = True
        self._prewarmed.put((phone.e164, campaign), ani, left_s)

    def learn(self, other: "AnswerCache") -> Iterator[None]:
        """Know what `other` was given ahead of calls, and what prospects saw last, as far as there is room.

        The work of each step, some 0.3 ms, is done when the iterator is asked to go on.
        """
        for count, (key, number, left_s) in enumerate(other._prewarmed.rows()):  # noqa: SLF001 - our own kind
            self._prewarmed.put(key, PhoneNumber(number), left_s)
            self._has_shelves = True
            if not count % _LEARNED_AT_ONCE:
                yield
        for count, (key, number, left_s) in enumerate(other._sticky.rows()):  # noqa: SLF001 - our own kind
            self._sticky.put(key, PhoneNumber(number), left_s)
            if not count % _LEARNED_AT_ONCE:
                yield

    def _from_shelves(self, key: LeadKey) -> Decision | None:
        place = shelf_key(key)
        if place is None:
            return None
        source, ani = Source.CACHE, self._prewarmed.get(place)
        if ani is None:
            source, ani = Source.STICKY, self._sticky.get(place)
        if ani is None:
            return None
        self.keep(key, ani)
        return Decision(Status.ASSIGNED, source, ani)
