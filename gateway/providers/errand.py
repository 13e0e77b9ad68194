"""A coroutine run without a task: at once as far as it goes, and on within the very call that ends its wait.

A task begins one turn of the event loop later, and goes on one turn after what it waits for is there; on the
way of a call those turns are most of what the gateway adds. An errand has no `asyncio.current_task`, so what
it runs must not use `asyncio.timeout`.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Wait:
    """What an errand may wait for on the spot: `on_over` is called with it once, within what ends it.

    Awaiting it yields it. It is over when nothing calls `on_over` any more.
    """

    __slots__ = ("on_over",)

    def __init__(self) -> None:
        self.on_over: Callable[[Any], object] | None = None

    def cancel(self) -> bool:
        """End it, so that whoever waits gets `CancelledError`."""
        raise NotImplementedError


class Errand:
    """Runs `coroutine` from `start` on; `on_end` is called once when it is over, however it ended."""

    __slots__ = ("_coroutine", "_on_end", "_waits_for", "is_over")

    def __init__(self, coroutine: Coroutine[Any, None, None], on_end: "Callable[[Errand], None]") -> None:
        self._coroutine = coroutine
        self._on_end = on_end
        self._waits_for: Any = None
        self.is_over = False

    def start(self) -> None:
        """Run it as far as it goes; it may be over when this returns."""
        self._go_on(None)

    def cancel(self) -> None:
        """Have `CancelledError` raised where it waits, soon, as with a task."""
        if self._waits_for is not None:
            self._waits_for.cancel()

    def _go_on(self, _waited_for: object) -> None:
        self._waits_for = None
        try:
            waits_for = self._coroutine.send(None)
        except (StopIteration, asyncio.CancelledError):
            self._end()
        except Exception:
            log.exception("a fault of the gateway in %s", self._coroutine)
            self._end()
        else:
            self._wait(waits_for)

    def _wait(self, waits_for: Any) -> None:
        if isinstance(waits_for, Wait):
            waits_for.on_over = self._go_on
        elif waits_for is None:  # asyncio.sleep(0)
            waits_for = asyncio.get_running_loop().call_soon(self._go_on, None)
        else:
            waits_for._asyncio_future_blocking = False  # noqa: SLF001 - a task's part of awaiting a future
            waits_for.add_done_callback(self._go_on)
        self._waits_for = waits_for

    def _end(self) -> None:
        self.is_over = True
        self._on_end(self)
