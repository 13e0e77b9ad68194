"""Tells subscribers of the dials the engine keeps: `dial.batch` webhooks, signed, on a task of their own.

    kept on disk ─► put ─► queue (bounded) ─► batch (full, or its first dial waited long enough) ─► POST
                                                                 failed: once more, same delivery id ─┘

Nothing is kept for later: what a subscriber does not take in two tries is lost to it, counted and logged. The
dial itself is on disk by then.
"""

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from gateway.engine.dial_events import DialEvents
from gateway.model.dial import Dial
from gateway.model.setting import Form, setting
from gateway.providers import dial_batch
from gateway.providers.base import InventoryService, ProviderError, RateLimitedError
from gateway.providers.http import HttpClient
from gateway.telemetry.logs import Throttle

_log = logging.getLogger(__name__)
_DRAIN_S = 5.0
"""Longest wait for what is queued when the process stops."""
_REPEAT_AFTER_S = 2.0
_MAX_REPEAT_AFTER_S = 30.0
_KEEPALIVE_S = 15.0
_MAX_REPLY_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """`[webhooks.NAME]`: who is told of the dials the engine keeps."""

    url: str = setting(
        "", "Address that takes the POST.", why="none: there is no subscriber without it", form=Form.URL
    )
    secret: str = setting(
        "",
        "Secret shared with the subscriber; every body is signed with it.",
        why="none: make one with openssl rand -hex 32",
        secret=True,
    )
    company_slug: str = setting(
        "", "`companySlug` of every event.", why="empty: most subscribers know one company only"
    )
    max_batch: int = setting(
        dial_batch.MAX_DIALS,
        "Most dials in one delivery.",
        unit="dials",
        why="outboundIQ's own limit",
        least=1,
        most=dial_batch.MAX_DIALS,
    )
    max_wait_s: float = setting(
        5.0,
        "Longest wait of a dial for others to share its delivery.",
        unit="s",
        why="soon enough for a screen, and a hundred dials cost one request",
        least=0,
        most=3_600,
    )
    timeout_s: float = setting(
        10.0, "How long one try may take.", unit="s", why="nobody waits for it", least=0.1, most=300
    )
    max_queued: int = setting(
        10_000,
        "Most dials that wait for a slow subscriber; further ones are not told, and counted.",
        unit="dials",
        why="100 dials/s for 100 s take about 5 MB",
        least=1,
        most=1_000_000,
    )


@dataclass(slots=True)
class WebhookCounts:
    """What became of the dials of one subscriber."""

    delivered: int = 0
    repeated: int = 0
    """Deliveries that were tried a second time."""
    lost: int = 0
    """Dials whose delivery failed twice, or that a stop cut off."""
    overflowed: int = 0
    """Dials the full queue had no room for."""


class Webhooks:
    """All subscribers. Give it `start` before the first dial and `stop` after the last. One event loop."""

    def __init__(
        self,
        settings: Mapping[str, WebhookSettings],
        inventory: InventoryService,
        *,
        clock: Callable[[], float] = time.time,
        repeat_after_s: float = _REPEAT_AFTER_S,
        drain_s: float = _DRAIN_S,
    ) -> None:
        events = DialEvents(inventory)
        self._drain_s = drain_s
        self._subscribers = [
            _Subscriber(name, one, events, clock, repeat_after_s) for name, one in settings.items()
        ]

    @property
    def counts(self) -> dict[str, WebhookCounts]:
        """By subscriber."""
        return {subscriber.name: subscriber.counts for subscriber in self._subscribers}

    async def start(self) -> None:
        """Be ready to deliver."""
        for subscriber in self._subscribers:
            await subscriber.start()

    def put(self, dials: Sequence[Dial]) -> None:
        """Tell of these dials soon. Never blocks, never raises."""
        for subscriber in self._subscribers:
            subscriber.put(dials)

    async def stop(self) -> None:
        """Deliver what is queued, for `drain_s` at most, then close. Safe to call twice."""
        await asyncio.gather(*(subscriber.stop(self._drain_s) for subscriber in self._subscribers))


class _Subscriber:
    def __init__(
        self,
        name: str,
        settings: WebhookSettings,
        events: DialEvents,
        clock: Callable[[], float],
        repeat_after_s: float,
    ) -> None:
        self.name = name
        self.counts = WebhookCounts()
        self._settings = settings
        self._events = events
        self._clock = clock
        self._repeat_after_s = repeat_after_s
        parts = urlsplit(settings.url)
        self._path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        self._http = HttpClient(
            f"{parts.scheme}://{parts.netloc}", {}, max_connections=1, keepalive_s=_KEEPALIVE_S
        )
        self._throttle = Throttle(_log)
        self._queue: deque[Dial] = deque()
        self._any = asyncio.Event()
        self._enough = asyncio.Event()
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._http.open()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def put(self, dials: Sequence[Dial]) -> None:
        room = 0 if self._closing.is_set() else self._settings.max_queued - len(self._queue)
        self._queue.extend(dials[:room])
        if len(dials) > room:
            self.counts.overflowed += len(dials) - room
            self._throttle.warning(
                'webhook "%s" is %d dials behind; further ones are not told', self.name, len(self._queue)
            )
        if self._queue:
            self._any.set()
        if len(self._queue) >= self._settings.max_batch:
            self._enough.set()

    async def stop(self, drain_s: float) -> None:
        if self._task is None:
            return
        self._closing.set()
        self._any.set()
        self._enough.set()
        await asyncio.wait([self._task], timeout=drain_s)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        if self._queue:
            self._lose(len(self._queue), "the gateway stops")
            self._queue.clear()
        await self._http.close()

    async def _run(self) -> None:
        while True:
            await self._any.wait()
            if not self._queue:
                if self._closing.is_set():
                    return
                self._any.clear()
                continue
            await _set_within(self._enough, self._settings.max_wait_s)
            # They stay queued while they are sent, so that a stop can say what it cut off.
            count = min(len(self._queue), self._settings.max_batch)
            try:
                await self._deliver([self._queue[place] for place in range(count)])
            except Exception:  # noqa: BLE001 - one delivery is fenced off from the rest
                _log.exception('webhook "%s": a fault of our own; its dials are not told', self.name)
                self.counts.lost += count
            for _ in range(count):
                self._queue.popleft()
            if len(self._queue) < self._settings.max_batch and not self._closing.is_set():
                self._enough.clear()

    async def _deliver(self, dials: Sequence[Dial]) -> None:
        await self._events.renew()
        delivery_id = str(uuid.uuid4())
        events = [self._events.event(dial, self._settings.company_slug) for dial in dials]
        body = dial_batch.write(events, delivery_id, self._clock())
        headers = dial_batch.headers(self._settings.secret, body, delivery_id)
        fault, wait_s = await self._post(body, headers)
        if fault:
            self.counts.repeated += 1
            await _set_within(self._closing, wait_s)
            fault, _ = await self._post(body, headers)
        if fault:
            self._lose(len(dials), fault)
        else:
            self.counts.delivered += len(dials)

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> tuple[str, float]:
        """What went wrong, "" when nothing, and how long to wait before the next try."""
        try:
            reply = await self._http.post(
                self._path,
                body,
                timeout_s=self._settings.timeout_s,
                max_reply_bytes=_MAX_REPLY_BYTES,
                may_repeat=False,
                headers=headers,
            )
        except RateLimitedError as error:
            wait_s = error.retry_after_s or self._repeat_after_s
            return str(error), min(wait_s, _MAX_REPEAT_AFTER_S)
        except ProviderError as error:
            return str(error), self._repeat_after_s
        return ("" if reply.is_success else f"answer {reply.status}"), self._repeat_after_s

    def _lose(self, count: int, why: str) -> None:
        self.counts.lost += count
        self._throttle.warning('webhook "%s": %d dials are not told: %s', self.name, count, why)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Until `event` is set, or for `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
