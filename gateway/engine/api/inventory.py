"""Campaigns, dispositions and ANIs over HTTP: one set of handlers for both vendors' management APIs.

`custom` and `dialer` say where their endpoints are and what differs. What the documents leave open is decided
here: everything that succeeds is answered 200, which the least careful client takes for success; creating
what is there already is answered 409 and changes nothing; what does not exist is answered 404.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.engine.api.endpoint import Answered, Asked, Endpoint, FailureError, Place, Surface, first_of_each
from gateway.engine.api.inventory_bodies import (
    AniUpdate,
    DispoUpdate,
    Id,
    NewAni,
    NewDispo,
    Number,
    ShownAni,
    ShownDispo,
    with_plus,
)
from gateway.model.inventory import Kind
from gateway.providers.base import InventoryService

_TIMEOUT_S = 5.0
"""Longest wait for the database, which takes milliseconds unless its disk is in trouble."""


class Done(msgspec.Struct):
    """Answer to a change that was made."""

    success: bool
    message: str


class DispoAnswer(msgspec.Struct):
    """Answer with a disposition."""

    success: bool
    dispo: ShownDispo


class AniAnswer(msgspec.Struct):
    """Answer with an ANI."""

    success: bool
    ani: ShownAni


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of thing: its words and the forms of its bodies."""

    kind: Kind
    word: str
    """For summaries and messages."""
    key: type[Any]
    """Names one, for GET and DELETE."""
    new: type[Any]
    update: type[Any]
    answer: Callable[[Any], Any]
    """Makes GET's answer of an item."""
    answers: type[Any]
    """What `answer` makes."""
    gather: Callable[[Iterable[tuple[str, str]]], Mapping[str, Any]] = first_of_each


DISPOS = Resource(
    Kind.DISPO, "Dispo", Id, NewDispo, DispoUpdate,
    lambda item: DispoAnswer(success=True, dispo=ShownDispo.of(item)), DispoAnswer,
)  # fmt: skip
ANIS = Resource(
    Kind.ANI, "ANI", Number, NewAni, AniUpdate,
    lambda item: AniAnswer(success=True, ani=ShownAni.of(item)), AniAnswer, with_plus,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Site:
    """Where a vendor has these endpoints, and how GET is asked there."""

    surface: Surface
    prefix: str
    get_place: Place


def inventory_endpoints(
    site: Site, service: InventoryService, resources: Iterable[Resource]
) -> Iterator[Endpoint]:
    """POST, PUT, GET and DELETE of each resource."""
    for resource in resources:
        yield from _Handlers(service, resource).endpoints(site)


class _Handlers:
    def __init__(self, service: InventoryService, resource: Resource) -> None:
        self._service = service
        self._resource = resource

    def endpoints(self, site: Site) -> Iterator[Endpoint]:
        own, surface = self._resource, site.surface
        path, word, done = f"{site.prefix}/{own.kind.value}", own.word, {200: (Done,)}
        yield Endpoint(
            "POST", path, f"Create {word}", surface, self.create, done, Place.BODY, own.new, failures=(409,),
            notes="What is there already stays as it is: 409.",
        )  # fmt: skip
        yield Endpoint(
            "PUT", path, f"Update {word}", surface, self.update, done, Place.BODY, own.update,
            failures=(404,),
            notes="What is missing or null stays as it is. What does not exist is not created: 404.",
        )  # fmt: skip
        yield Endpoint(
            "GET", path, f"Get {word}", surface, self.get, {200: (own.answers,)}, site.get_place, own.key,
            failures=(404,), gather=own.gather,
        )  # fmt: skip
        yield Endpoint(
            "DELETE", path, f"Delete {word}", surface, self.delete, done, Place.BODY_OR_QUERY, own.key,
            failures=(404,), gather=own.gather,
        )  # fmt: skip

    async def create(self, asked: Asked[Any]) -> Answered:
        await self._service.create(asked.given.item(), timeout_s=_TIMEOUT_S)
        return self._done("created")

    async def update(self, asked: Asked[Any]) -> Answered:
        change = asked.given.change(await self._meant(asked.given.could_be()))
        await self._service.update(change, timeout_s=_TIMEOUT_S)
        return self._done("updated")

    async def get(self, asked: Asked[Any]) -> Answered:
        for key in asked.given.could_be():
            item = await self._service.get(self._resource.kind, key, timeout_s=_TIMEOUT_S)
            if item is not None:
                return Answered(self._resource.answer(item))
        raise FailureError(f"{self._resource.word} does not exist", status=404)

    async def delete(self, asked: Asked[Any]) -> Answered:
        key = await self._meant(asked.given.could_be())
        await self._service.delete(self._resource.kind, key, timeout_s=_TIMEOUT_S)
        return self._done("deleted")

    async def _meant(self, keys: Sequence[str]) -> str:
        """The first of `keys` that exists, or the first of all."""
        for key in keys if len(keys) > 1 else ():
            if await self._service.get(self._resource.kind, key, timeout_s=_TIMEOUT_S) is not None:
                return key
        return keys[0]

    def _done(self, what: str) -> Answered:
        return Answered(Done(success=True, message=f"{self._resource.word} {what} successfully"))
