"""Sends one target what waits for it: many at once, gently while it is sick, never twice without need.

Takes slices from the spool as places become free, so memory holds what is under way and no more. The loop's
turns stay short: a slice is at most `max_in_flight` records, and each is a task of its own. A slice costs the
spool about 0.15 ms however small it is, so small ones are avoided: while much is due, a quarter of the places
must be free; when all that was due has been taken, the next look comes `_GATHER_S` later.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable

from gateway.dials.settings import DeliverySettings
from gateway.dials.spool import DialSpool
from gateway.dials.verdict import Verdict, judge
from gateway.model.delivery import DeliveryState, Outcome, Taken
from gateway.providers.base import BadAnswerError, DialTarget, ProviderError
from gateway.providers.breaker import Breaker, BreakerState
from gateway.stores.base import StoreError
from gateway.telemetry.logs import Throttle
from gateway.telemetry.metrics import TargetMetrics

_log = logging.getLogger(__name__)
_LOOK_S = 0.25
"""Longest time between two looks into the spool; an empty one takes about 50 µs of the spool's thread."""
_GATHER_S = 0.02
"""How long records that become due gather, when no more were due; far below the second they settle for."""
_SLICES = 4
"""Into how many slices the places under way are divided."""
_UNSETTLED = 4
"""Answered records whose outcome is not on disk yet may be this many times `max_in_flight`."""


class Sender:
    """One target's deliveries. `start` it once, `stop` it at the end. Belongs to one event loop."""

    def __init__(
        self,
        target: DialTarget,
        spool: DialSpool,
        settings: DeliverySettings,
        metrics: TargetMetrics,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._target = target
        self._spool = spool
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._breaker = Breaker(
            failures=settings.breaker_failures,
            open_s=settings.breaker_open_s,
            max_open_s=settings.breaker_max_open_s,
        )
        self._life: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_flight = 0
        self._needs_mending = False
        self._paused_until = 0.0
        self._wake = asyncio.Event()
        self._awaits_answer = False
        """Whether an answer is what the next look into the spool waits for."""
        self._stopping = False
        self._throttle = Throttle(_log)
        self.fault = ""
        """What is wrong with the target now, "" when nothing is: health shows it."""

    @property
    def name(self) -> str:
        """The target's name."""
        return self._target.name

    @property
    def breaker(self) -> BreakerState:
        """Whether the target is asked at all."""
        return self._breaker.state

    def start(self) -> None:
        """Begin to send."""
        self._life = asyncio.get_running_loop().create_task(self._run())

    async def stop(self, timeout_s: float) -> None:
        """Send nothing more and wait for what is under way; then cut it off. Every outcome is handed over.

        The spool writes them down: close it afterwards.
        """
        self._stopping = True
        self._wake.set()
        waiting = self._tasks if self._life is None else {self._life, *self._tasks}
        if waiting:
            await asyncio.wait(waiting, timeout=timeout_s)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stopping:
            self._wake.clear()
            self._awaits_answer = False
            wait_s = self._paused_until - loop.time()
            if wait_s <= 0:
                room = self._room(loop.time())
                # Without room an answer wakes us, or the breaker's time does.
                wait_s = await self._send_some(room) if room else _LOOK_S
                self._awaits_answer = not room
                if self._breaker.state is not BreakerState.CLOSED:
                    wait_s = self._settings.breaker_open_s
                    self._awaits_answer = True
            if wait_s > 0:
                await self._sleep(min(wait_s, _LOOK_S))

    def _room(self, now: float) -> int:
        """How many records may be taken now. One, to see whether a sick target is well again."""
        if self._needs_mending:
            return int(not self._in_flight)
        if self._breaker.state is not BreakerState.CLOSED:
            return int(self._breaker.allows(now))
        is_behind = self._spool.unsettled >= self._settings.max_in_flight * _UNSETTLED
        return 0 if is_behind else self._free()

    def _free(self) -> int:
        """The free places under way, once they are worth a slice."""
        most = self._settings.max_in_flight
        free = most - self._in_flight
        return free if free * _SLICES >= most else 0

    async def _send_some(self, room: int) -> float:
        """Take up to `room` records and start sending; seconds until there may be more to take."""
        try:
            part = await self._spool.take(self.name, room)
        except StoreError:
            return _LOOK_S  # the spool has said and counted it
        create_task = asyncio.get_running_loop().create_task
        for taken in part.taken:
            if self._stopping:
                self._settle(taken, Verdict(DeliveryState.WAITING))
                continue
            self._change_in_flight(1)
            task = create_task(self._send(taken))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if len(part.taken) == room:
            return 0.0
        if part.next_at is None:
            return _LOOK_S
        return max(_GATHER_S, part.next_at - self._clock())

    async def _send(self, taken: Taken) -> None:
        started = asyncio.get_running_loop().time()
        try:
            error = await self._post(taken)
        except asyncio.CancelledError:
            # Nobody waits for this outcome: the spool may be out of order just as we have to leave.
            stopped = BadAnswerError("the gateway stopped while it was being sent")
            self._settle(taken, self._judge(taken, stopped))
            raise
        finally:
            self._change_in_flight(-1)
            if self._awaits_answer and (self._free() or self._breaker.state is not BreakerState.CLOSED):
                self._wake.set()
        verdict = self._judge(taken, error)
        now = asyncio.get_running_loop().time()
        self._learn(verdict, now)
        self._count(verdict, now - started)
        self._settle(taken, verdict)

    async def _post(self, taken: Taken) -> ProviderError | None:
        """Send one record; what went wrong, if anything did."""
        dial_id = taken.dial.dial_id
        try:
            await self._target.post_dial(taken.dial, timeout_s=self._settings.timeout_s)
        except ProviderError as error:
            self._throttle.warning("dial %s to %s: %s", dial_id, self.name, error)
            return error.without_trace()
        except Exception as error:  # noqa: BLE001 - one delivery is fenced off
            self._metrics.faults_total += 1
            _log.exception("fault of our own while sending dial %s to %s", dial_id, self.name)
            return BadAnswerError(f"fault of our own: {type(error).__name__}; the log has it")
        return None

    def _judge(self, taken: Taken, error: ProviderError | None) -> Verdict:
        return judge(
            error,
            taken,
            repeats_safely=self._target.repeats_safely,
            now=self._clock(),
            settings=self._settings,
        )

    def _settle(self, taken: Taken, verdict: Verdict) -> None:
        """Have the outcome written down; the spool keeps it until it is."""
        next_at = self._clock() + verdict.wait_s
        self._spool.settle(Outcome(taken.dial.dial_id, self.name, verdict.state, next_at, verdict.reason))

    def _learn(self, verdict: Verdict, now: float) -> None:
        """What one answer says about the target."""
        if verdict.is_up:
            self._breaker.succeed(now)
        else:
            self._breaker.fail(now)
        if verdict.pause_s:
            self._paused_until = max(self._paused_until, now + verdict.pause_s)
        self._needs_mending = verdict.needs_mending
        if verdict.needs_mending or self._breaker.state is not BreakerState.CLOSED:
            self.fault = verdict.reason
        elif verdict.is_up and not verdict.pause_s:
            self.fault = ""

    def _count(self, verdict: Verdict, took_s: float) -> None:
        metrics = self._metrics
        match verdict.state:
            case DeliveryState.DONE:
                metrics.delivered_total += 1
                metrics.latency.observe(took_s)
            case DeliveryState.DEAD:
                metrics.dead_total += 1
                metrics.dead += 1
            case _:
                metrics.retried_total += 1
                return
        metrics.waiting -= 1

    def _change_in_flight(self, step: int) -> None:
        self._in_flight += step
        self._metrics.in_flight = self._in_flight

    async def _sleep(self, seconds: float) -> None:
        """Until woken, or for `seconds`."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(math.ceil(seconds * 1000) / 1000, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
