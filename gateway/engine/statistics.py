"""How a number did: rates out of its dials, by what their dispositions mean. Pure.

| a dial counts as | when its disposition                                                                |
| ---------------- | ----------------------------------------------------------------------------------- |
| contact          | is one of the inventory's, by id or else by name, and that has the flag `contact`   |
| success          | likewise, with the flag `success`                                                   |
| blocked          | or the inventory's name of it is one of `engine.blocked_dispositions`               |
| no answer        | likewise, one of `engine.no_answer_dispositions`                                    |

Names are compared by their letters and digits only, in any case: `NO_ANSWER` is `No Answer`. Every rate is a
share, 0 to 1, of all dials of the last 30 days; a dial whose disposition nobody knows counts as nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.model.inventory import Dispo

RATE_DAYS = 30
"""How far back rates look, days."""
_RATE_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Tally:
    """Dials of one number that ended with one disposition."""

    disposition: str
    """As it was reported."""
    dials: int
    """All that are kept."""
    recent: int
    """Those of the last `RATE_DAYS` days."""
    last_at: float
    """The last one, seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the dials of one number say."""

    dialed: int = 0
    """Dials that are kept."""
    contacted: int = 0
    last_at: float | None = None
    """The last dial, seconds since the epoch."""
    recent: int = 0
    """Dials of the last `RATE_DAYS` days; those below are of the same time."""
    recent_contacts: int = 0
    contact_rate: float = 0.0
    success_rate: float = 0.0
    block_rate: float = 0.0
    no_answer_rate: float = 0.0


class Outcomes:
    """What dispositions mean: the inventory's flags, and names with a meaning of their own."""

    def __init__(
        self, dispos: Iterable[Dispo], *, blocked: Iterable[str] = (), no_answer: Iterable[str] = ()
    ) -> None:
        self._by_id: dict[str, Dispo] = {}
        self._by_name: dict[str, Dispo] = {}
        # Of several with one name, one that is a contact counts, as for the contact rates of selection.
        for dispo in sorted(dispos, key=lambda one: one.contact):
            self._by_id[dispo.id] = dispo
            self._by_name[dispo.name] = dispo
        self._blocked = frozenset(map(_plain, blocked))
        self._no_answer = frozenset(map(_plain, no_answer))

    def find(self, disposition: str) -> Dispo | None:
        """The inventory's disposition that was reported as this text; `None` when it has none."""
        return self._by_id.get(disposition) or self._by_name.get(disposition)

    def is_contact(self, disposition: str) -> bool:
        """Whether the prospect was reached."""
        dispo = self.find(disposition)
        return dispo is not None and dispo.contact

    def is_success(self, disposition: str) -> bool:
        """Whether the call did what it was for."""
        dispo = self.find(disposition)
        return dispo is not None and dispo.success

    def is_blocked(self, disposition: str) -> bool:
        """Whether the call was kept from the prospect on its way."""
        return self._is_called(disposition, self._blocked)

    def is_no_answer(self, disposition: str) -> bool:
        """Whether it rang and nobody answered."""
        return self._is_called(disposition, self._no_answer)

    def _is_called(self, disposition: str, names: frozenset[str]) -> bool:
        dispo = self.find(disposition)
        return _plain(disposition) in names or (dispo is not None and _plain(dispo.name) in names)


def figures(tallies: Iterable[Tally], outcomes: Outcomes) -> Figures:
    """The figures of one number, of all its tallies."""
    tallies = tuple(tallies)
    if not tallies:
        return Figures()
    recent = sum(tally.recent for tally in tallies)
    contacts = [tally for tally in tallies if outcomes.is_contact(tally.disposition)]
    recent_contacts = _recent(contacts)
    return Figures(
        dialed=sum(tally.dials for tally in tallies),
        contacted=sum(tally.dials for tally in contacts),
        last_at=max(tally.last_at for tally in tallies),
        recent=recent,
        recent_contacts=recent_contacts,
        contact_rate=rate(recent_contacts, recent),
        success_rate=rate(_recent(one for one in tallies if outcomes.is_success(one.disposition)), recent),
        block_rate=rate(_recent(one for one in tallies if outcomes.is_blocked(one.disposition)), recent),
        no_answer_rate=rate(
            _recent(one for one in tallies if outcomes.is_no_answer(one.disposition)), recent
        ),
    )


def rate(part: int, whole: int) -> float:
    """The share of `whole` that `part` is, 0 when there is nothing; to four digits."""
    return round(part / whole, _RATE_DIGITS) if whole else 0.0


def _recent(tallies: Iterable[Tally]) -> int:
    return sum(tally.recent for tally in tallies)


def _plain(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())
