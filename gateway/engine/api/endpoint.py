"""One endpoint as a value: where it is, who may ask, what it takes, what it answers."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar, get_args

from gateway.engine.api.keys import ApiKey, Style

T = TypeVar("T")


class Place(Enum):
    """Where an endpoint's input stands."""

    NOTHING = "nothing"
    BODY = "body"
    """A JSON body, with any method."""
    QUERY = "query"
    """Query parameters, all texts."""
    BODY_OR_QUERY = "body or query"
    """A JSON body, or query parameters where there is none: not every client sends one with GET or DELETE."""

    @property
    def has_body(self) -> bool:
        """Whether a body is read."""
        return self in {Place.BODY, Place.BODY_OR_QUERY}

    @property
    def has_query(self) -> bool:
        """Whether the query is read."""
        return self in {Place.QUERY, Place.BODY_OR_QUERY}


def first_of_each(query: Iterable[tuple[str, str]]) -> Mapping[str, Any]:
    """A query's parameters; of one that stands there twice, the first."""
    found: dict[str, str] = {}
    for name, text in query:
        found.setdefault(name, text)
    return found


@dataclass(frozen=True, slots=True)
class Surface:
    """One vendor's API: how its clients show their key, and how it tells that something went wrong."""

    name: str
    """Tag in the OpenAPI description."""
    styles: tuple[Style, ...]
    error: type[Any]
    """The `msgspec.Struct` of an error's body."""
    failure: Callable[[int, str], Any]
    """An error's body, of status and message."""
    about: str = ""
    """What a client's author must know of all its endpoints, for the description."""
    path_format: str = ""
    """OpenAPI's `format` of what stands in its paths, such as `uuid`; "" for any text."""


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """A request that passed its checks."""

    key: ApiKey
    given: T
    """The body or query as the endpoint's `takes`; `None` where it takes nothing."""
    path: Mapping[str, str] = field(default_factory=dict)
    """The parts of the path in braces."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What goes back: `body` is anything `msgspec.json` can write; `None` for an empty body."""

    body: Any
    status: int = 200


class FailureError(Exception):
    """The request ends here with `status` and `message`, in the surface's envelope."""

    def __init__(self, message: str, *, status: int, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Endpoint:
    """See the fields."""

    method: str
    path: str
    """As aiohttp's router and OpenAPI both write it: `/v1.0/outdials/{id}`."""
    summary: str
    """One line for the description."""
    surface: Surface
    act: Callable[[Asked[Any]], Awaitable[Answered]]
    answers: Mapping[int, tuple[type[Any], ...]]
    """What the body can be (`msgspec.Struct`s) by status, for what `act` answers."""
    place: Place = Place.NOTHING
    takes: type[Any] | None = None
    """The `msgspec.Struct` of the input; its limits are checked and described."""
    shows: Any = None
    """What the description shows instead of `takes`, where some of it is checked later, part by part: a
    `msgspec.Struct`, or a union of some."""
    gather: Callable[[Iterable[tuple[str, str]]], Mapping[str, Any]] = first_of_each
    """Makes one object of a query's names and texts, for `takes` to read."""
    failures: tuple[int, ...] = ()
    """Statuses `act` may fail with, beside those every endpoint has (`common_failures`)."""
    universal: bool = True
    """Whether the key must be of the universal type."""
    notes: str = ""
    """What a client's author must know beyond the forms, for the description."""

    @property
    def described(self) -> tuple[type[Any], ...]:
        """The input's types for the description: one, several where each will do, none without input."""
        shown = self.shows or self.takes
        return get_args(shown) or ((shown,) if shown is not None else ())

    @property
    def common_failures(self) -> tuple[int, ...]:
        """What any request to this endpoint may meet before `act` sees it, or when it breaks."""
        checked = () if self.place is Place.NOTHING else (400,)
        read = (408, 413) if self.place.has_body else ()
        return (*checked, *read, 401, 403, 429, 500, 503)
