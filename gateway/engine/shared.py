"""The engine of one of several nodes: each choice is agreed with the others before it is given.

    ask ─► queue ─► [what the prospects saw] ─► pick ─► one request for all ─► granted: answered
             ▲                                                            ├──► refused: learn, pick again
             └────────────────────────────────────────────────────────────┘
                                          no answer in time: the pick stands, and is told later

One request at a time; what comes meanwhile goes with the next. While Redis is away nothing waits.
"""

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from gateway.engine.agreement import Agreement, Link, Wish
from gateway.engine.provider import NOBODY, EngineProvider
from gateway.engine.selector import Choice
from gateway.engine.settings import EngineSettings
from gateway.engine.sticky import Kept
from gateway.model.decision import Reason, Source
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.base import Answer
from gateway.stores.base import StoreError
from gateway.stores.redis_settings import RedisSettings
from gateway.stores.redis_shown import read_shown
from gateway.stores.redis_uses import MOST_ROWS, seen_key

log = logging.getLogger(__name__)

Done = Callable[[Answer | Reason], None]
_Outcome = Choice | Reason | None
"""The choice, `None` when there is no number, or why it could not be chosen."""

_MOST_WAITING = 5_000
"""Further leads are answered at once, counted alone: more than some budgets' worth of calls."""
_FIRST_TURNS = 100
"""Requests before the first call: 20,000 numbers, half a second. The rest is learnt beside the calls."""
_ROUNDS = 20
"""Refusals after which there is no number. Each teaches what up to 200 numbers were used: two are rare."""


class _Ask:
    """One lead that waits. Answered once, whatever happens."""

    __slots__ = ("_done", "is_queued", "lead", "rounds")

    def __init__(self, lead: Lead, done: Callable[[_Outcome], None]) -> None:
        self.lead = lead
        self.rounds = 0
        self.is_queued = True
        self._done: Callable[[_Outcome], None] | None = done

    def answer(self, outcome: _Outcome) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(outcome)


class SharedEngine:
    """A lane to the engine (`assignment.lane.Lane`). Make it in the running loop, before the first call."""

    waits = True

    def __init__(
        self, engine: EngineProvider, link: Link, settings: EngineSettings, redis: RedisSettings
    ) -> None:
        self._engine = engine
        self._link = link
        self._prefix = redis.prefix
        self._idle_s = redis.probe_s
        self._has_sticky = settings.sticky_days > 0
        # A node's counters are its own: another life of the process is another node.
        self._tallies = engine.share(secrets.token_hex(6), self.choose)
        self._agreement = Agreement(link, self._tallies, settings, redis.prefix)
        self._queue: deque[_Ask] = deque()
        self._called = asyncio.Event()
        self._tallies.on_use = self._called.set
        self._is_closing = False
        self._task: asyncio.Task[None] | None = None

    @property
    def source(self) -> Source:
        """The engine."""
        return Source.ENGINE

    async def start(self) -> None:
        """Learn what others used, as long as that is quick, and begin to take part."""
        for _ in range(_FIRST_TURNS):
            await self._turn([])
            if not self._agreement.has_more:
                break
        self._task = asyncio.get_running_loop().create_task(self._run())

    def ask(self, lead: Lead, deadline: float, done: Done) -> None:  # noqa: ARG002 - the caller watches it
        """Choose for one lead. Calls back at once while Redis is away, else within a few of its budgets."""
        if lead.explain:  # what it wants told is made with the choice
            done(self._engine.assign_now(lead))
            return
        self._put(_Ask(lead, partial(_hand_over, done)))

    async def choose(self, lead: Lead) -> Choice | None:
        """As `ask`, to be awaited."""
        chosen: asyncio.Future[_Outcome] = asyncio.get_running_loop().create_future()
        self._put(_Ask(lead, partial(_set_result, chosen)))
        outcome = await chosen
        return None if isinstance(outcome, Reason) else outcome

    async def close(self) -> None:
        """Answer who waits, tell what is untold if it can be, and leave. Safe to call twice."""
        self._is_closing = True
        self._called.set()
        task, self._task = self._task, None
        if task is not None:
            await task
        while self._queue:
            self._alone(self._queue.popleft())
        for _ in range(1 + self._engine.size // MOST_ROWS):
            if self._link.is_up and self._tallies.is_behind:
                await self._turn([])

    def _put(self, ask: _Ask) -> None:
        if self._link.is_up and not self._is_closing and len(self._queue) < _MOST_WAITING:
            self._queue.append(ask)
            self._called.set()
        else:
            self._alone(ask)

    async def _run(self) -> None:
        while not self._is_closing:
            if not self._queue and not self._has_more():
                await self._wait()
            asks = self._taken()
            try:
                await self._turn(asks)
            except Exception:
                log.exception("agreeing on numbers failed; the calls go on without the engine")
            finally:
                for ask in asks:
                    if not ask.is_queued:
                        ask.answer(Reason.INTERNAL)

    def _taken(self) -> list[_Ask]:
        asks = [self._queue.popleft() for _ in range(min(len(self._queue), MOST_ROWS))]
        for ask in asks:
            ask.is_queued = False
        return asks

    def _has_more(self) -> bool:
        return self._link.is_up and (self._tallies.is_behind or self._agreement.has_more)

    async def _wait(self) -> None:
        """Until somebody asks, or it is time for news."""
        self._called.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._idle_s):
                await self._called.wait()

    async def _turn(self, asks: Sequence[_Ask]) -> None:
        """One request to Redis, for all of `asks`."""
        if not self._link.is_up:
            for ask in asks:
                self._alone(ask)
            return
        await self._recall(asks)
        now_s = self._engine.attend()
        picked = [(ask, choice) for ask in asks if (choice := self._pick(ask)) is not None]
        wishes = [Wish(choice.ani, ask.lead.phone) for ask, choice in picked]
        granted, learnt = await self._agreement.exchange(wishes, now_s)
        self._engine.recount(learnt)
        for (ask, choice), is_granted in zip(picked, granted, strict=True):
            if is_granted:
                self._engine.confirm(choice)
                ask.answer(choice)
            else:
                self._again(ask)

    async def _recall(self, asks: Sequence[_Ask]) -> None:
        """Learn what the prospects saw from other nodes."""
        if not self._has_sticky or not asks:
            return
        prospects = list(dict.fromkeys(ask.lead.phone.e164 for ask in asks))
        try:
            values = await self._link.read([seen_key(self._prefix, prospect) for prospect in prospects])
        except StoreError:
            return
        for prospect, value in zip(prospects, values, strict=True):
            if (shown := read_shown(value)) is not None:
                self._engine.remember(prospect, Kept(PhoneNumber(shown.number), shown.at_s))

    def _pick(self, ask: _Ask) -> Choice | None:
        try:
            choice = self._engine.pick(ask.lead)
        except Exception:
            log.exception("the engine failed for one lead; the call goes on without it")
            ask.answer(Reason.INTERNAL)
            return None
        if choice is None:
            ask.answer(None)
        else:
            self._tallies.want(choice.ani)
        return choice

    def _again(self, ask: _Ask) -> None:
        ask.rounds += 1
        if ask.rounds < _ROUNDS:
            ask.is_queued = True
            self._queue.append(ask)
        else:
            ask.answer(None)

    def _alone(self, ask: _Ask) -> None:
        """Answer without the other nodes; they are told later."""
        try:
            outcome: _Outcome = self._engine.choose(ask.lead)
        except Exception:
            log.exception("the engine failed for one lead; the call goes on without it")
            outcome = Reason.INTERNAL
        ask.answer(outcome)


def _hand_over(done: Done, outcome: _Outcome) -> None:
    match outcome:
        case None:
            done(NOBODY)
        case Reason():
            done(outcome)
        case _:
            done(Answer(outcome.ani, outcome.rule.value))


def _set_result(chosen: "asyncio.Future[_Outcome]", outcome: _Outcome) -> None:
    if not chosen.done():  # whoever waited may have gone
        chosen.set_result(outcome)
