"""How far a dial record has come on its way to each target.

waiting ──take──► sent ──taken──► (forgotten but for its dial_id)
   ▲               ├──try later──► waiting
   └────retry──────┴──refused, too old, may have arrived──► dead
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from gateway.model.dial import Dial


class DeliveryState(IntEnum):
    """Where one record stands with one target."""

    WAITING = 0
    SENT = 1
    """Handed over; no answer is known yet."""
    DEAD = 2
    """Given up, kept with its reason until somebody retries or discards it."""
    DONE = 3
    """The target has it. The row is gone; the `dial_id` is remembered."""


class Stored(StrEnum):
    """What became of a record that was put."""

    NEW = "new"
    BETTER = "better"
    """Known already; this one knew more and takes the other's place where that has not been taken yet."""
    KNOWN = "known"
    """Known already, from a source that knew as much; nothing changed."""
    LOST = "lost"
    """Not stored: the spool could not be written and the memory for such times was full."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A record to be sent now."""

    dial: Dial
    attempt: int
    """1 for the first."""
    put_at: float
    """When it was put, seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of what waits for one target."""

    taken: Sequence[Taken]
    next_at: float | None
    """When the next record becomes due, seconds since the epoch; `None` when none waits."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record at one target. Any state but SENT."""

    dial_id: str
    target: str
    state: DeliveryState
    next_at: float = 0.0
    """WAITING: not again before this, seconds since the epoch."""
    reason: str = ""
    """Why it waits or died; "" when done."""


@dataclass(frozen=True, slots=True)
class TargetStats:
    """One target's share of the spool."""

    waiting: int = 0
    """Sent ones without an answer included."""
    dead: int = 0
    oldest_put_at: float | None = None
    """When the oldest waiting one was put, seconds since the epoch; `None` when none waits."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What became of one message by which a service told of dials it has."""

    new: int = 0
    """Records confirmed by it."""
    known: int = 0
    """Records that had been confirmed before."""
    unknown: int = 0
    """Dials of no record: somebody else's, or delivered too long ago to be remembered."""


@dataclass(frozen=True, slots=True)
class ConfirmedStats:
    """How many of the records that every target has are confirmed, as far as they are remembered."""

    delivered: int
    confirmed: int
    """Those of `delivered` the service has told of."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One target's progress with one record, as it is shown."""

    target: str
    state: DeliveryState
    attempts: int
    next_at: float
    reason: str


@dataclass(frozen=True, slots=True)
class SpooledDial:
    """A record in the spool. `dial` is `None` once every target has it."""

    number: int
    """Order of arrival; where a listing goes on."""
    dial_id: str
    dial: Dial | None
    put_at: float
    done_at: float | None
    deliveries: Sequence[Delivery] = ()
    confirmed_at: float | None = None
    """When the service first told of the dial itself, seconds since the epoch; `None`: not yet."""
