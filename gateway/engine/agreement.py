"""One node's conversation with the shared counters: what it tells, asks for and learns in one request."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.engine.settings import EngineSettings
from gateway.engine.tallies import Tallies
from gateway.model.phone import PhoneNumber
from gateway.stores.base import StoreError
from gateway.stores.redis_uses import USES_SCRIPT, Reply, Request, Told, Want, parse_reply
from gateway.stores.usage import Usage

_DAY_MS = 86_400_000


class Link(Protocol):
    """The part of `RedisLink` this needs."""

    is_up: bool
    """Whether asking is worth a wait."""

    async def run(self, script: str, args: Sequence[str | int | float]) -> str:
        """What a script answers, in time. Raises `StoreError`."""
        ...

    async def read(self, keys: Sequence[str]) -> list[str | None]:
        """Values of keys, in time. Raises `StoreError`."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """One use a node would like to make."""

    number: PhoneNumber
    prospect: PhoneNumber


class Agreement:
    """One at a time. Numbers wished for must have been announced to the tallies (`Tallies.want`)."""

    def __init__(self, link: Link, tallies: Tallies, settings: EngineSettings, prefix: str) -> None:
        self._link = link
        self._tallies = tallies
        self._settings = settings
        self._prefix = prefix
        self._epoch = ""
        self._mark = 0
        self._day = tallies.day
        self.has_more = False
        """Whether there is more to learn than came with the last answer."""

    async def exchange(self, wishes: Sequence[Wish], now_s: float) -> tuple[list[bool], list[Usage]]:
        """Which of the wishes are granted, and what was learnt of numbers others used.

        Without an answer all are granted: they may have been counted, so they are used and told again later.
        """
        try:
            request, reply = await self._asked(wishes, now_s)
        except StoreError:
            self._settle(wishes, [True] * len(wishes), now_s, is_told=False)
            return [True] * len(wishes), []
        self._mark, self.has_more = reply.mark, reply.has_more
        self._tallies.heard(request.tell)
        granted = list(reply.granted)
        self._settle(wishes, granted, now_s, is_told=True)
        return granted, list(self._tallies.learn(reply))

    async def _asked(self, wishes: Sequence[Wish], now_s: float) -> tuple[Request, Reply]:
        for _ in range(2):
            request = self._request(wishes, now_s)
            reply = parse_reply(await self._link.run(USES_SCRIPT, request.args()))
            if reply.is_done and len(reply.granted) == len(wishes):
                return request, reply
            # Nothing was done: this is the first request, or the server lost everything meanwhile.
            self._epoch, self._mark = reply.epoch, 0
            self._tallies.forgotten()
        raise StoreError("the shared counters were lost twice in a moment")

    def _request(self, wishes: Sequence[Wish], now_s: float) -> Request:
        settings, tallies = self._settings, self._tallies
        if tallies.day != self._day:
            self._day, self._mark = tallies.day, 0
        return Request(
            prefix=self._prefix,
            node=tallies.node,
            epoch=self._epoch,
            fresh_epoch=secrets.token_hex(8),
            day=self._day.isoformat(),
            mark=self._mark,
            now_s=now_s,
            daily_cap=settings.daily_cap,
            hourly_cap=settings.hourly_cap,
            cool_down_s=settings.cool_down_s,
            tell=self._tell(wishes),
            want=list(self._wants(wishes, now_s)),
        )

    def _tell(self, wishes: Iterable[Wish]) -> list[Told]:
        """What is due, and first of all what is known of the numbers wished for."""
        return self._tallies.tell(first=[wish.number.e164 for wish in wishes])

    def _wants(self, wishes: Iterable[Wish], now_s: float) -> Iterator[Want]:
        keep_ms = int(self._settings.sticky_days * _DAY_MS)
        numbers = self._tallies.next_uses([wish.number for wish in wishes], now_s)
        for wish, (uses, began_s, hour_uses) in zip(wishes, numbers, strict=True):
            prospect = wish.prospect.e164 if keep_ms else ""
            yield Want(wish.number.e164, uses, began_s, hour_uses, prospect, now_s, keep_ms)

    def _settle(
        self, wishes: Sequence[Wish], granted: Sequence[bool], now_s: float, *, is_told: bool
    ) -> None:
        for wish, is_granted in zip(wishes, granted, strict=True):
            self._tallies.settle(wish.number, now_s, is_used=is_granted, is_told=is_told)
