"""Simulated time: an event loop whose clock jumps to the next timer, for tests of what waits."""

import asyncio
import selectors


class _JumpingSelector(selectors.SelectSelector):
    """Instead of waiting, moves the clock on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0  # monotonic clocks do not start at zero, and code must not rely on it

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Report what is ready now; should nothing be, let the time pass at once."""
        ready = super().select(0)
        if not ready and timeout is not None:
            self.now += max(timeout, 0.0)
        return ready


class SimulatedTimeLoop(asyncio.SelectorEventLoop):
    """An event loop where an hour of waiting takes no time. Not for sockets: their time is real."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds of simulated time."""
        return self._jumping.now
