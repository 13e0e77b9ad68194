"""End-to-end confirmation: what a service tells of dials it has, matched to the records that were sent.

    webhook ─► `take` (each delivery once) ─► the spool marks the records

A record is confirmed when the service itself told of its dial: that is more than the answer to our POST,
which only says that it was queued there.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.model.delivery import Confirmed
from gateway.model.setting import setting

Confirm = Callable[[Sequence[str]], Awaitable[Confirmed]]
"""Marks the records of these dial ids. Raises `StoreError`."""
_MAX_REMEMBERED = 10_000
"""Deliveries known again; a repeat comes within seconds, and these are a million dials."""


@dataclass(frozen=True, slots=True)
class WebhookInSettings:
    """`[webhook_in]`: the service tells us of the dials it has."""

    secret: str = setting(
        "",
        "Secret shared with the sender of dial.batch webhooks, by which its signature is verified.",
        why="none: the inlet is off, as anybody could confirm",
        secret=True,
    )


@dataclass(slots=True)
class ConfirmationCounts:
    """What the webhooks told."""

    deliveries: int = 0
    repeated: int = 0
    """Deliveries that had come before."""
    confirmed: int = 0
    """Records confirmed for the first time."""
    known: int = 0
    """Events of records that had been confirmed before."""
    unmatched: int = 0
    """Events of no record: dials of others, or delivered too long ago."""


class Confirmations:
    """Takes each delivery once. Belongs to one event loop."""

    def __init__(self, confirm: Confirm, *, most_remembered: int = _MAX_REMEMBERED) -> None:
        self._confirm = confirm
        self._most_remembered = most_remembered
        self._seen: OrderedDict[str, None] = OrderedDict()
        self.counts = ConfirmationCounts()

    async def take(self, delivery_id: str, dial_ids: Sequence[str]) -> bool:
        """Confirm these dials; false for a delivery that has been taken. Raises `StoreError`.

        Only what is on disk is remembered, so that the repeat of a delivery that failed is taken. Forgotten
        ones do no harm: a record is confirmed once, however often it is told of.
        """
        if delivery_id in self._seen:
            self._seen.move_to_end(delivery_id)
            self.counts.repeated += 1
            return False
        found = await self._confirm(dial_ids)
        self._remember(delivery_id)
        counts = self.counts
        counts.deliveries += 1
        counts.confirmed += found.new
        counts.known += found.known
        counts.unmatched += found.unknown
        return True

    def _remember(self, delivery_id: str) -> None:
        self._seen[delivery_id] = None
        if len(self._seen) > self._most_remembered:
            self._seen.popitem(last=False)
