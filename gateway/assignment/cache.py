"""What was answered before: fresh answers are used at once, stale ones only when nobody answers.

    fresh (seconds, by lead) ► prewarmed (hours, by prospect and campaign) ► sticky (days, the same)

What a later one gives is fresh from then on, so that equal calls find it first.
"""

from collections.abc import Callable
from typing import NamedTuple

from cachetools import TTLCache

from gateway.assignment.settings import AssignmentSettings
from gateway.assignment.shelf import Shelf, ShelfKey
from gateway.model.decision import Decision, Source, Status
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber

_NEGATIVE_SHARE = 10  # "no number" lives seconds, so a tenth of the room is plenty
_DAY_S = 86_400.0

LeadKey = tuple[str, str, str, tuple[str, ...], str | None, bool | None, bool]


def key_of(lead: Lead) -> LeadKey:
    """What makes two leads equal. `real_time` does not: it changes how the upstream answers, not what."""
    return (
        lead.phone.e164,
        lead.zip,
        lead.campaign,
        lead.pools,
        lead.assignment_type,
        lead.branded,
        lead.explain,
    )


def _shelf_key(key: LeadKey) -> ShelfKey | None:
    """Prospect and campaign, whatever the zip; `None` for a lead that says which numbers it may have.

    A lead that asks for an explanation has none either: it is to be asked for, not looked up.
    """
    phone, _, campaign, pools, assignment_type, branded, explain = key
    if pools or assignment_type is not None or branded is not None or explain:
        return None
    return (phone, campaign)


class _Kept(NamedTuple):
    ani: PhoneNumber
    fresh_until: float
    decision: Decision


class AnswerCache:
    """Answers by lead, bounded in number and age; the oldest go first."""

    def __init__(self, settings: AssignmentSettings, time: Callable[[], float]) -> None:
        """`time` is the monotonic clock in seconds."""
        self._time = time
        self._fresh_s = settings.cache_ttl_s
        kept_s = max(settings.stale_ttl_s, settings.cache_ttl_s)
        self._kept: TTLCache[LeadKey, _Kept] = TTLCache(settings.cache_size, kept_s, time)
        self._none: TTLCache[LeadKey, bool] = TTLCache(
            max(1, settings.cache_size // _NEGATIVE_SHARE), settings.negative_ttl_s, time
        )
        self._prewarmed = Shelf(size=settings.prewarm_size, keep_s=settings.prewarm_ttl_s, time=time)
        self._sticky = Shelf(size=settings.sticky_size, keep_s=settings.sticky_days * _DAY_S, time=time)

    def __len__(self) -> int:
        return len(self._kept)

    def fresh(self, key: LeadKey) -> Decision | None:
        """The decision to give again, or `None`."""
        try:
            kept = self._kept[key]  # `get` looks twice
        except KeyError:
            return self._from_shelves(key)
        return kept.decision if kept.fresh_until > self._time() else self._from_shelves(key)

    def fresh_until(self, key: LeadKey) -> float:
        """When `fresh` will stop giving the answer; 0 when there is none."""
        kept = self._kept.get(key)
        return 0.0 if kept is None else kept.fresh_until

    def stale(self, key: LeadKey) -> PhoneNumber | None:
        """The number answered at most `stale_ttl_s` ago."""
        kept = self._kept.get(key)
        return None if kept is None else kept.ani

    def is_none(self, key: LeadKey) -> bool:
        """Whether "no number" was the answer a moment ago."""
        return key in self._none

    def keep(self, key: LeadKey, ani: PhoneNumber) -> None:
        """Remember a provider's number; that of a lead that asks for an explanation is not given again."""
        if key[-1]:
            return
        decision = Decision(Status.ASSIGNED, Source.CACHE, ani)
        self._kept[key] = _Kept(ani, self._time() + self._fresh_s, decision)
        shelf_key = _shelf_key(key)
        if shelf_key is not None:
            self._sticky.put(shelf_key, ani)

    def keep_none(self, key: LeadKey) -> None:
        """Remember that no provider has a number; as with `keep`."""
        if key[-1]:
            return
        self._none[key] = True

    def prewarm(
        self, phone: PhoneNumber, campaign: str, ani: PhoneNumber, left_s: float | None = None
    ) -> None:
        """Remember a number assigned ahead of the call, for calls to `phone` with any zip.

        `left_s` is what is left of its time in seconds when another cache had it before.
        """
        self._prewarmed.put((phone.e164, campaign), ani, left_s)

    def _from_shelves(self, key: LeadKey) -> Decision | None:
        shelf_key = _shelf_key(key)
        if shelf_key is None:
            return None
        source, ani = Source.CACHE, self._prewarmed.get(shelf_key)
        if ani is None:
            source, ani = Source.STICKY, self._sticky.get(shelf_key)
        if ani is None:
            return None
        self.keep(key, ani)
        return Decision(Status.ASSIGNED, source, ani)
