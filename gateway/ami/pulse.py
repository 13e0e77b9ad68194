"""Whether the peer still lives: silence is asked about, and an unanswered question ends the link.

Pure: `now` comes in, what to do goes out. The question has a second use: Asterisk up to 22.10 can withhold
an event until something else happens on the session, and a Ping is something else (asterisk#2145).
"""

from enum import Enum, auto

PING_AFTER_S = 1.0
"""Bounds how long Asterisk can withhold an event; costs 80 bytes a second on a silent link."""
DEAD_AFTER_S = 3.0
"""Seconds a Ping may go without one byte in answer."""


class Beat(Enum):
    """What the time asks for."""

    NOTHING = auto()
    PING = auto()
    DEAD = auto()


class Pulse:
    """Tell it of every byte that comes (`heard`), ask it what to do (`beat`) at `next_at`."""

    def __init__(self, now: float) -> None:
        self._heard_at = now
        self._pinged_at: float | None = None

    @property
    def next_at(self) -> float:
        """When to ask next."""
        if self._pinged_at is None:
            return self._heard_at + PING_AFTER_S
        return self._pinged_at + DEAD_AFTER_S

    def heard(self, now: float) -> None:
        """Something came; whatever it is, the peer lives."""
        self._heard_at = now
        self._pinged_at = None

    def beat(self, now: float) -> Beat:
        """What to do now. A `PING` counts as sent."""
        if now < self.next_at:
            return Beat.NOTHING
        if self._pinged_at is not None:
            return Beat.DEAD
        self._pinged_at = now
        return Beat.PING
