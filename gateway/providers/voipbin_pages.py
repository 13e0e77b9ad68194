"""VoIPBin's paging, without requests: which page to ask for next, and which of its rows are new.

A list comes newest first. `next_page_token` is the creation time of a page's last row, and what is asked for
with it is strictly older. Two traps: a token comes with the last page too, so only an empty page is the end;
and rows created in the same microsecond as the last one, but not on its page any more, are never shown. So a
page is asked for with a time one microsecond later, which shows the edge again, and rows seen are dropped:

    ASIDE    one microsecond later than the token   nothing new, and the page is full  -> WIDE
                                                    nothing new                        -> STRICT
    WIDE     the same, with the largest page        nothing new                        -> STRICT
    STRICT   the token as it came                   an empty page is the end
    each of them                                    something new                      -> ASIDE
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Generic, Protocol, TypeVar

from gateway.model.outdial import Stamps
from gateway.providers.base import BadAnswerError
from gateway.providers.voipbin_wire import just_after, stamp

MOST_ROWS = 100
"""The largest page the service gives."""


class HiddenRowsError(BadAnswerError):
    """Everything that can be listed was listed, but there may be more: too many rows of one microsecond."""


class Listed(Protocol):
    """What a list is made of."""

    @property
    def id(self) -> str:
        """Told apart by it."""
        ...

    @property
    def stamps(self) -> Stamps:
        """Ordered by when it was created."""
        ...


_Row = TypeVar("_Row", bound=Listed)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listing stands between two pages, to go on from there another time."""

    token: str = ""
    """The service's own `next_page_token`; "" at the beginning."""
    edge: frozenset[str] = frozenset()
    """Ids of the rows seen that were created at the token's time."""
    may_hide: bool = False
    """Whether a microsecond passed had more rows than a page can show."""


@dataclass(frozen=True, slots=True)
class Question:
    """One page to be asked for."""

    token: str
    """`page_token`; "" for the first page."""
    size: int
    """`page_size`, rows."""


class _Way(Enum):
    ASIDE = auto()
    WIDE = auto()
    STRICT = auto()


class Listing(Generic[_Row]):
    """One run through a list: `question` says what to ask, `take` what the answer brought."""

    def __init__(self, page_size: int, place: Place | None = None) -> None:
        self._page_size = page_size
        self._way = _Way.ASIDE
        self._is_over = False
        self.place = place or Place()

    @property
    def question(self) -> Question | None:
        """The page to ask for now, `None` at the end."""
        if self._is_over:
            return None
        size = MOST_ROWS if self._way is _Way.WIDE else self._page_size
        token = self.place.token
        return Question(token if self._way is _Way.STRICT else just_after(token) or token, size)

    def take(self, rows: Sequence[_Row], token: str) -> list[_Row]:
        """The new rows of the page asked for. Raises `BadAnswerError` when the list does not go on."""
        new = [row for row in rows if row.id not in self.place.edge]
        if not rows:
            self._is_over = True
        elif not new:
            self._go_past(len(rows))
        else:
            self._move(rows, token)
        return new

    def _move(self, rows: Sequence[_Row], token: str) -> None:
        at = _read(token)
        edge = frozenset(row.id for row in rows if row.stamps.created == at) if at else frozenset()
        edge = edge or frozenset(row.id for row in rows)
        if token == self.place.token:
            edge |= self.place.edge
        self.place = Place(token, edge, self.place.may_hide)
        self._way = _Way.ASIDE
        self._is_over = not token

    def _go_past(self, count: int) -> None:
        question = self.question
        is_full = question is not None and count >= question.size
        match self._way:
            case _Way.ASIDE if is_full and self._page_size < MOST_ROWS:
                self._way = _Way.WIDE
            case _Way.ASIDE | _Way.WIDE:
                self._way = _Way.STRICT
                if is_full:
                    self.place = Place(self.place.token, self.place.edge, may_hide=True)
            case _Way.STRICT:
                raise BadAnswerError("the list does not go on: the service gives the same page again")


def _read(token: str) -> datetime | None:
    try:
        return stamp(token)
    except BadAnswerError:
        return None
