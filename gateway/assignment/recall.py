"""What other gateways answered: a second level behind the cache in memory, asked only when that has nothing.

    cache in memory ► here, within a small budget ► providers

Answers and the numbers prospects keep stand in a shared store, each for as long as the cache has it.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from gateway.assignment.cache import Found, LeadKey, Recalled, shelf_key
from gateway.assignment.settings import AssignmentSettings
from gateway.model.decision import Source
from gateway.model.phone import PhoneNumber
from gateway.stores.base import StoreError
from gateway.stores.redis_shown import Shown, read_shown, write_shown

log = logging.getLogger(__name__)

_DAY_S = 86_400.0
_MOST_AT_ONCE = 500
"""Leads in one request: about 2 ms of the store's time."""
_MOST_WAITING = 5_000
"""Further leads go on without a look: more than some budgets' worth of calls."""
_MOST_UNWRITTEN = 10_000
"""Answers on their way to the store; the oldest are dropped, which costs a later call a request."""


class Shared(Protocol):
    """The part of `RedisLink` this needs."""

    is_up: bool
    """Whether asking is worth a wait."""

    async def read(self, keys: Sequence[str]) -> list[str | None]:
        """Values of keys, in time. Raises `StoreError`."""
        ...

    async def write(self, rows: Sequence[tuple[str, str, float]]) -> None:
        """Set keys to values, each for so many seconds, in time. Raises `StoreError`."""
        ...


class SharedAnswers:
    """A `Recall` over a shared store. Make it within the running loop."""

    def __init__(
        self, link: Shared, settings: AssignmentSettings, prefix: str, *, time: Callable[[], float]
    ) -> None:
        """`time` is the Unix time in seconds."""
        self._link = link
        self._prefix = prefix
        self._time = time
        self._fresh_s = settings.cache_ttl_s
        self._keep_s = max(settings.stale_ttl_s, settings.cache_ttl_s)
        self._sticky_s = settings.sticky_days * _DAY_S
        self._looking: deque[tuple[LeadKey, Found]] = deque()
        self._unwritten: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._called = asyncio.Event()
        self._is_closing = False
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0
        """Answers that other gateways will not hear of."""

    def start(self) -> None:
        """Begin to look and to write."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def look(self, key: LeadKey, found: Found) -> None:
        """See `Recall`. Calls back at once while the store is away."""
        is_explained = key[-1]
        if not self._link.is_up or is_explained or self._is_closing or len(self._looking) >= _MOST_WAITING:
            found(None)
            return
        self._looking.append((key, found))
        self._called.set()

    def tell(self, key: LeadKey, ani: PhoneNumber) -> None:
        """See `Recall`. While the store is away nobody is told."""
        if not self._link.is_up:
            return
        if self._keep_s > 0:
            self._put(self._answer_key(key), ani, self._keep_s)
        self._tell_sticky(key, ani)
        self._called.set()

    async def close(self) -> None:
        """Let go who waits, write what is left if it can be, and leave. Safe to call twice."""
        self._is_closing = True
        self._called.set()
        task, self._task = self._task, None
        if task is not None:
            await task
        while self._looking:
            self._looking.popleft()[1](None)
        while self._unwritten and self._link.is_up:
            await self._write()

    async def _run(self) -> None:
        while not self._is_closing:
            if not self._looking and not self._unwritten:
                self._called.clear()
                await self._called.wait()
            taken = [self._looking.popleft() for _ in range(min(len(self._looking), _MOST_AT_ONCE))]
            await self._look(taken)
            await self._write()

    async def _look(self, taken: Sequence[tuple[LeadKey, Found]]) -> None:
        if not taken:
            return
        answers: Iterable[Recalled | None] = [None] * len(taken)
        with contextlib.suppress(StoreError):
            values = await self._link.read([key for lead, _ in taken for key in self._keys(lead)])
            pairs = zip(values[::2], values[1::2], strict=True)
            answers = [self._recalled(*pair) for pair in pairs]
        for (key, found), answer in zip(taken, answers, strict=True):
            if answer is not None:
                # The days a prospect keeps a number are counted from the last call, wherever that was.
                self._tell_sticky(key, answer.ani)
            try:
                found(answer)
            except Exception:
                log.exception("going on after a look at what others answered failed")

    async def _write(self) -> None:
        rows = [(key, *row) for key, row in (self._unwritten.popitem(last=False) for _ in self._some())]
        if not rows:
            return
        try:
            await self._link.write(rows)
        except StoreError:
            self.dropped += len(rows)

    def _some(self) -> range:
        return range(min(len(self._unwritten), _MOST_AT_ONCE))

    def _recalled(self, answer: str | None, sticky: str | None) -> Recalled | None:
        """The fresh answer, else the prospect's own number, else the old answer."""
        found = self._parsed(answer, Source.CACHE)
        if found is not None and found.age_s < self._fresh_s:
            return found
        kept = self._parsed(sticky, Source.STICKY)
        return found if kept is None else kept._replace(age_s=0.0)

    def _parsed(self, value: str | None, source: Source) -> Recalled | None:
        shown = read_shown(value)
        if shown is None:
            return None
        return Recalled(PhoneNumber(shown.number), max(0.0, self._time() - shown.at_s), source)

    def _tell_sticky(self, key: LeadKey, ani: PhoneNumber) -> None:
        if self._sticky_s > 0 and (place := shelf_key(key)) is not None:
            self._put(self._sticky_key(*place), ani, self._sticky_s)

    def _put(self, key: str, ani: PhoneNumber, keep_s: float) -> None:
        self._unwritten[key] = (write_shown(Shown(ani.e164, self._time())), keep_s)
        while len(self._unwritten) > _MOST_UNWRITTEN:
            self._unwritten.popitem(last=False)
            self.dropped += 1

    def _keys(self, key: LeadKey) -> tuple[str, str]:
        place = shelf_key(key) if self._sticky_s > 0 else None
        return self._answer_key(key), self._sticky_key(*place) if place else f"{self._prefix}none"

    def _answer_key(self, key: LeadKey) -> str:
        phone, code, campaign, pools, assignment_type, branded, _ = key
        # Last what may have any character in it: no two leads have the same key.
        parts = (phone, code, assignment_type or "", "" if branded is None else int(branded), len(pools))
        return (
            f"{self._prefix}answer:{'|'.join(map(str, parts))}|{'|'.join((*map(_quoted, pools), campaign))}"
        )

    def _sticky_key(self, phone: str, campaign: str) -> str:
        return f"{self._prefix}kept:{phone}|{campaign}"


def _quoted(text: str) -> str:
    return text.replace("%", "%25").replace("|", "%7C")
