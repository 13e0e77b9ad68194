"""What this node used of each number today, and what it knows others used. Pure: replies in, rows out.

choose ─► pending ─► granted: used        (told with the want itself)
                  ├► refused: not used    (and known why: the others' uses)
                  └► no answer: used      (told again later, as what was used in all)
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from gateway.model.phone import PhoneNumber
from gateway.stores.redis_uses import MOST_ROWS, Reply, Told, Total
from gateway.stores.usage import HOUR_S, Usage


@dataclass(slots=True, eq=False)
class _Tally:
    """One number's."""

    floor: int = 0
    """Uses that were known at the start from this machine's own counters."""
    uses: int = 0
    """Ours today, of this run."""
    pending: int = 0
    """Asked for and not answered."""
    others: dict[str, int] = field(default_factory=dict)
    """Uses of other nodes."""
    hour_began_s: float = 0.0
    hour_uses: int = 0
    """Ours in that hour."""
    others_hour_uses: int = 0
    last_used_s: float = 0.0

    @property
    def count(self) -> int:
        ours = self.uses + self.pending
        return max(ours + sum(self.others.values()), ours + self.floor)

    def hour_at(self, now_s: float) -> tuple[float, int]:
        """The open hour and our uses in it; a new one when none is open."""
        if self.hour_uses and 0 <= now_s - self.hour_began_s < HOUR_S:
            return self.hour_began_s, self.hour_uses
        if self.others_hour_uses and 0 <= now_s - self.hour_began_s < HOUR_S:
            return self.hour_began_s, 0
        return now_s, 0

    def use(self, now_s: float) -> None:
        self.uses += 1
        began_s, uses = self.hour_at(now_s)
        if began_s != self.hour_began_s:
            self.others_hour_uses = 0
        self.hour_began_s, self.hour_uses = began_s, uses + 1
        self.last_used_s = max(self.last_used_s, now_s)


class Tallies:
    """All numbers of one node. Use from one thread."""

    def __init__(self, node: str, day: date, known: Iterable[Usage] = ()) -> None:
        """`node` must never be used again by another life of the process. `known` is from the database."""
        self.node = node
        self._day = day
        self._tallies: dict[str, _Tally] = {}
        self._untold: dict[str, None] = {}
        """Numbers we used without having told so."""
        self._lost: dict[str, None] = {}
        """Numbers to be told with everything known of them, as the store forgot it."""
        self.on_use: Callable[[], None] | None = None
        """Called when there is something to tell that was not asked for."""
        for usage in known:
            if usage.day == day and usage.count:
                self._tallies[usage.number.e164] = _Tally(floor=usage.count)

    @property
    def day(self) -> date:
        """The day that is counted."""
        return self._day

    @property
    def is_behind(self) -> bool:
        """Whether something is to be told."""
        return bool(self._untold or self._lost)

    def begin_day(self, day: date) -> None:
        """Count from nothing, but for open hours. A day that is not later changes nothing."""
        if day <= self._day:
            return
        self._day = day
        for tally in self._tallies.values():
            tally.floor = tally.uses = 0
            tally.others = {}
        self._untold.clear()
        self._lost.clear()

    def use(self, number: PhoneNumber, now_s: float) -> None:
        """A use that was not asked for: the store is told later."""
        self._tally(number.e164).use(now_s)
        self._untold[number.e164] = None
        if self.on_use is not None:
            self.on_use()

    def want(self, number: PhoneNumber) -> None:
        """A use will be asked for."""
        self._tally(number.e164).pending += 1

    def next_uses(self, numbers: Iterable[PhoneNumber], now_s: float) -> Iterator[tuple[int, float, int]]:
        """For each use to be asked for: our uses with it, when its hour began, our uses in that hour."""
        further: Counter[str] = Counter()
        for number in numbers:
            tally = self._tally(number.e164)
            further[number.e164] += 1
            began_s, hour_uses = tally.hour_at(now_s)
            yield tally.uses + further[number.e164], began_s, hour_uses + further[number.e164]

    def settle(self, number: PhoneNumber, now_s: float, *, is_used: bool, is_told: bool) -> None:
        """What was asked for is decided: used or not, and whether the store certainly knows."""
        tally = self._tally(number.e164)
        tally.pending -= 1
        if is_used:
            tally.use(now_s)
            if not is_told:
                self._untold[number.e164] = None

    def tell(self, first: Iterable[str] = ()) -> list[Told]:
        """Some of what the store is to be told; of the numbers in `first` all of it."""
        urgent = [number for number in dict.fromkeys(first) if number in self._lost]
        lost = list(dict.fromkeys(urgent + _first(self._lost, MOST_ROWS)))
        untold = [number for number in _first(self._untold, MOST_ROWS) if number not in self._lost]
        rows = [self._told(number, everything=True) for number in lost]
        return rows + [self._told(number) for number in untold[: max(0, MOST_ROWS - len(rows))]]

    def heard(self, told: Iterable[Told]) -> None:
        """The store took these rows. What was used since is told with the next."""
        for row in told:
            self._lost.pop(row.number, None)
            if self._tally(row.number).uses <= row.uses.get(self.node, 0):
                self._untold.pop(row.number, None)

    def forgotten(self) -> None:
        """The store lost everything: all that is known here is to be told."""
        self._lost = dict.fromkeys(
            number for number, tally in self._tallies.items() if tally.uses or tally.others or tally.hour_uses
        )

    def learn(self, reply: Reply) -> Iterator[Usage]:
        """Take over the reply's totals; gives each number's with what is pending."""
        for total in reply.totals:
            yield self._learn(total)

    def usage(self, found: Usage) -> Usage:
        """`found`, from a database that not all nodes share, with at least what is known here."""
        tally = self._tallies.get(found.number.e164)
        if tally is None or found.day != self._day or tally.count <= found.count:
            return found
        return self._usage(found.number.e164, tally)

    def _learn(self, total: Total) -> Usage:
        tally = self._tally(total.number)
        for node, count in total.uses.items():
            if node != self.node:
                tally.others[node] = max(tally.others.get(node, 0), count)
        if total.hour_began_s:
            is_later_hour = total.hour_began_s - tally.hour_began_s >= HOUR_S
            if is_later_hour:
                tally.hour_uses = 0
            tally.hour_began_s = total.hour_began_s
            tally.others_hour_uses = total.others_hour_uses
        tally.last_used_s = max(tally.last_used_s, total.last_used_s)
        return self._usage(total.number, tally)

    def _usage(self, number: str, tally: _Tally) -> Usage:
        hour_uses = tally.hour_uses + tally.others_hour_uses
        return Usage(
            PhoneNumber(number), self._day, tally.count, tally.last_used_s, tally.hour_began_s, hour_uses
        )

    def _told(self, number: str, *, everything: bool = False) -> Told:
        tally = self._tallies[number]
        uses: Mapping[str, int] = {self.node: tally.uses}
        if everything:
            uses = {**tally.others, **uses}
        return Told(number, uses, tally.hour_began_s, tally.hour_uses, tally.last_used_s)

    def _tally(self, number: str) -> _Tally:
        tally = self._tallies.get(number)
        if tally is None:
            tally = self._tallies[number] = _Tally()
        return tally


def _first(numbers: Iterable[str], most: int) -> list[str]:
    return list(islice(numbers, most))
