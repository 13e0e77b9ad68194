"""Who is there and who may be used now: numbers come, go, are used, rest and return.

    ready (its key stands in its leaf) ─► used ─► ready, or resting until its time ─► ready
    paused until a day, whatever else ─► ready or resting

What waits for a time stands in a queue as "look at this number then". A look checks the number itself, so an
entry that is no longer true does no harm, and nothing has to be searched for in a queue.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import date

from gateway.engine.forest import Forest
from gateway.engine.limits import HOUR_S, Limits
from gateway.engine.ranks import (
    COUNT_SHIFT,
    DAY_SHIFT,
    INDEX_BITS,
    INDEX_MASK,
    MAX_COUNT,
    Leaf,
    index_of,
    limit_key,
    make_key,
)
from gateway.engine.seat import Seat, Standing
from gateway.model.inventory import Ani
from gateway.model.phone import PhoneNumber
from gateway.stores.usage import Usage

_NEVER_S = float("inf")
# Numbers taken out today whose uses are remembered, should they come back.
_REMEMBERED = 10_000
# Numbers that return at one call: after a quiet hour many thousands may be due.
_PORTION = 500
# Where a seat stands before it is admitted.
_NOWHERE = Leaf()


class Roster:
    """The numbers of one inventory. Not thread-safe."""

    def __init__(
        self, anis: Iterable[Ani], usage: Iterable[Usage], forest: Forest, limits: Limits, *, today: date
    ) -> None:
        self._forest = forest
        self._cool_down_s = limits.cool_down_s
        self._hourly_cap = limits.hourly_cap
        self._daily_cap = limits.daily_cap
        self._seats: list[Seat | None] = []
        self._free: list[int] = []
        self._index: dict[str, int] = {}
        self._gone: dict[str, Seat] = {}
        self._cooling: deque[tuple[float, int]] = deque()
        self._waking: list[tuple[float, int]] = []
        self._paused: list[tuple[date, int]] = []
        self._now_s = 0.0
        self._order = 0
        self._start_day(today)
        self.next_look_s = _NEVER_S
        """Unix time from which `wake` has something to do."""
        self._fill(anis, usage)

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, number: PhoneNumber) -> bool:
        return number.e164 in self._index

    @property
    def day(self) -> date:
        """The day uses are counted for."""
        return self._day

    def anis(self) -> Iterator[Ani]:
        """All numbers, in the order in which equals are chosen."""
        return (seat.ani for seat in self._seats if seat is not None)

    def seat(self, number: PhoneNumber) -> Seat | None:
        """The number's seat, `None` when it is not ours."""
        index = self._index.get(number.e164)
        return None if index is None else self._seats[index]

    def seats(self, leaf: Leaf) -> Iterator[Seat]:
        """The seats of a leaf's numbers, usable or not."""
        return (seat for index in leaf.members if (seat := self._seats[index]) is not None)

    def seat_of(self, key: int) -> Seat:
        """The seat of a key that stands in a leaf."""
        seat = self._seats[key & INDEX_MASK]
        assert seat is not None  # noqa: S101 - a key in a leaf is of a number that is there
        return seat

    def put(self, ani: Ani) -> None:
        """Let a number in, or change one. Its uses and its rest stay as they were. Takes 5 to 10 µs."""
        index = self._index.get(ani.number.e164)
        seat = None if index is None else self._seats[index]
        if index is None or seat is None:
            self._seat(ani, self._gone.pop(ani.number.e164, None))
            return
        self._withdraw(index, seat)
        seat.ani = ani
        self._admit(index, seat)

    def discard(self, number: PhoneNumber) -> None:
        """Take a number out, if it is there."""
        index = self._index.pop(number.e164, None)
        seat = None if index is None else self._seats[index]
        if index is None or seat is None:
            return
        self._withdraw(index, seat)
        self._seats[index] = None
        heapq.heappush(self._free, index)
        # Whoever deletes and creates a number must not get a new day's uses by it.
        if seat.last_used_s and len(self._gone) < _REMEMBERED:
            self._gone[number.e164] = seat

    def grade(self, number: PhoneNumber, grade: int) -> None:
        """Give a number its grade, if it is there. The forest must have grown grades."""
        index = self._index.get(number.e164)
        seat = None if index is None else self._seats[index]
        if index is None or seat is None or seat.grade == grade:
            return
        self._withdraw(index, seat)
        seat.grade = grade
        self._admit(index, seat)

    def begin_day(self, day: date) -> None:
        """Count from nothing, and end the pauses that are over. A day that is not later changes nothing."""
        if day <= self._day:
            return
        self._start_day(day)
        self._gone.clear()
        while self._paused and self._paused[0][0] <= day:
            _, index = heapq.heappop(self._paused)
            seat = self._seats[index]
            if seat is not None and seat.standing is Standing.PAUSED:
                self._settle(index, seat)

    def wake(self, now_s: float, *, all_at_once: bool = False) -> None:
        """Let those return whose rest is over: some, or all at once, 2 µs each.

        `next_look_s` stays in the past while there are more. `now_s` (Unix time) must not go back.
        """
        self._now_s = now_s
        cooling, waking = self._cooling, self._waking
        left = len(cooling) + len(waking) if all_at_once else _PORTION
        while left > 0 and cooling and cooling[0][0] <= now_s:
            self._look(cooling.popleft()[1])
            left -= 1
        while left > 0 and waking and waking[0][0] <= now_s:
            self._look(heapq.heappop(waking)[1])
            left -= 1
        self.next_look_s = min(cooling[0][0] if cooling else _NEVER_S, waking[0][0] if waking else _NEVER_S)

    def use(self, leaf: Leaf, position: int, now_s: float) -> tuple[Seat, int]:
        """Count a use of the number at `position` of the leaf's heap; its uses today, this one included."""
        before = leaf.heap[position]
        index = before & INDEX_MASK
        seat = self._seats[index]
        assert seat is not None  # noqa: S101 - a key in a leaf is of a number that is there
        # As `make_key` and `count_on`; the calls would take a tenth of a choice.
        count = (before >> COUNT_SHIFT & MAX_COUNT) + 1 if before >> DAY_SHIFT == self._ordinal else 1
        self._order = order = self._order + 1
        seat.key = key = self._day_key | count << COUNT_SHIFT | order << INDEX_BITS | index
        seat.last_used_s = now_s
        is_full = self._hourly_cap > 0 and self._count_hour(seat, now_s)
        if is_full or self._cool_down_s > 0:
            leaf.take(position)
            self._rest(index, seat, is_full=is_full)
        else:
            leaf.replace(position, key)
        return seat, count

    def recount(self, used: Usage) -> None:
        """Take over all uses of a number, ours and those of other processes. Takes 5 to 10 µs."""
        index = self._index.get(used.number.e164)
        seat = None if index is None else self._seats[index]
        if index is None or seat is None:
            return
        if seat.standing is Standing.READY:
            seat.leaf.remove(seat.key)
        self._order += 1
        former = self._former(self._order, used)
        seat.key = former.key + index
        seat.last_used_s = max(seat.last_used_s, former.last_used_s)
        seat.hour_began_s, seat.hour_uses = former.hour_began_s, former.hour_uses
        if seat.standing is not Standing.PAUSED:
            self._settle(index, seat)

    def rests_until(self, seat: Seat) -> float:
        """Unix time at which the number may be used again as far as its rest goes."""
        until = seat.last_used_s + self._cool_down_s if seat.last_used_s and self._cool_down_s > 0 else 0.0
        return max(until, seat.hour_began_s + HOUR_S) if self.is_full(seat) else until

    def is_full(self, seat: Seat) -> bool:
        """Whether the number reached its hourly cap in its last hour, which may be over."""
        return 0 < self._hourly_cap <= seat.hour_uses

    def _start_day(self, day: date) -> None:
        self._day, self._ordinal = day, day.toordinal()
        self._day_key = make_key(day=self._ordinal, count=0, order=0, index=0)
        self.limit = limit_key(day=self._ordinal, cap=self._daily_cap)
        """The least key of those that reached their daily cap."""

    def _count_hour(self, seat: Seat, now_s: float) -> bool:
        # A clock that was set back begins a new hour too.
        if seat.hour_uses and 0 <= now_s - seat.hour_began_s < HOUR_S:
            seat.hour_uses += 1
        else:
            seat.hour_began_s, seat.hour_uses = now_s, 1
        return seat.hour_uses >= self._hourly_cap

    def _rest(self, index: int, seat: Seat, *, is_full: bool) -> None:
        seat.standing = Standing.RESTING
        until = self.rests_until(seat)
        if is_full:
            heapq.heappush(self._waking, (until, index))
        else:
            # All cool down equally long, so who comes last goes last.
            self._cooling.append((until, index))
        self.next_look_s = min(self.next_look_s, until)

    def _look(self, index: int) -> None:
        seat = self._seats[index]
        if seat is None or seat.standing is not Standing.RESTING or self.rests_until(seat) > self._now_s:
            return
        seat.standing = Standing.READY
        seat.leaf.add(seat.key)

    def _settle(self, index: int, seat: Seat) -> None:
        """Let a number stand where it belongs. Its key must not be in its leaf."""
        paused_until = seat.ani.paused_until
        if paused_until is not None and paused_until > self._day:
            seat.standing = Standing.PAUSED
            heapq.heappush(self._paused, (paused_until, index))
        elif (until := self.rests_until(seat)) > self._now_s:
            seat.standing = Standing.RESTING
            heapq.heappush(self._waking, (until, index))
            self.next_look_s = min(self.next_look_s, until)
        else:
            seat.standing = Standing.READY
            seat.leaf.add(seat.key)

    def _withdraw(self, index: int, seat: Seat) -> None:
        seat.leaf.members.discard(index)
        if seat.standing is Standing.READY:
            seat.leaf.remove(seat.key)

    def _admit(self, index: int, seat: Seat) -> None:
        seat.leaf = self._forest.leaf(self._forest.home(seat.ani, seat.grade))
        seat.leaf.members.add(index)
        self._settle(index, seat)

    def _seat(self, ani: Ani, former: Seat | None) -> None:
        if self._free:
            index = heapq.heappop(self._free)
        else:
            index = len(self._seats)
            self._seats.append(None)
        seat = Seat(ani, _NOWHERE, index)
        if former is not None:
            # The key's last bits are the index, which is another now.
            seat.key = former.key - index_of(former.key) + index
            seat.last_used_s = former.last_used_s
            seat.hour_began_s, seat.hour_uses = former.hour_began_s, former.hour_uses
            seat.grade = former.grade
        self._seats[index] = seat
        self._index[ani.number.e164] = index
        self._admit(index, seat)

    def _fill(self, anis: Iterable[Ani], usage: Iterable[Usage]) -> None:
        ordered = sorted(usage, key=lambda entry: entry.last_used_s)
        self._order = len(ordered)
        former = {entry.number.e164: self._former(rank, entry) for rank, entry in enumerate(ordered, 1)}
        for ani in anis:
            self._seat(ani, former.get(ani.number.e164))

    def _former(self, order: int, used: Usage) -> Seat:
        # A counter of tomorrow (the time zone was changed) must not block the number today.
        day, count = min(used.day, self._day).toordinal(), min(used.count, MAX_COUNT)
        return Seat(
            Ani(used.number),
            _NOWHERE,
            make_key(day=day, count=count, order=order, index=0),
            last_used_s=used.last_used_s,
            hour_began_s=used.hour_began_s,
            hour_uses=used.hour_uses,
        )
