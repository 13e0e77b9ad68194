"""Targets of outdials as rows: what happens to them, and to their destinations, inside one transaction.

A target counts as deleted with its outdial. How often a destination was tried stands beside it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from uuid import uuid4

from gateway.model.outdial import DESTINATIONS, Address, AddressType, OutdialTarget, TargetStatus
from gateway.stores.outdial_rows import key_before, next_stamp, stamps
from gateway.stores.sqlite import Row, Transaction

_TARGETS = (
    "SELECT t.created, t.id, o.id, t.name, t.detail, t.data, t.status,"
    " max(t.updated, coalesce(o.deleted, 0)), coalesce(t.deleted, o.deleted),"
    " d.place, d.type, d.address, d.target_name, d.name, d.detail, d.tries FROM ({chosen}) t"
    " JOIN outdials o ON o.created = t.outdial LEFT JOIN outdial_destinations d ON d.target = t.created"
    " ORDER BY t.created DESC, d.place"
)
_ONE = _TARGETS.format(chosen="SELECT * FROM outdial_targets WHERE id = ?")
PAGE = _TARGETS.format(
    chosen="SELECT * FROM outdial_targets WHERE outdial = ? AND deleted IS NULL AND created < ?"
    " ORDER BY created DESC LIMIT ?"
)
"""One page of an outdial's targets."""
# Where the columns of a destination begin.
_PLACE = 9
# One dial counts for this many targets at most, so that no write is a long one.
_MOST_TARGETS_OF_A_DIAL = 100


@dataclass(frozen=True, slots=True)
class Tried:
    """A finished dial, as the targets need to know it."""

    phone: str
    """E.164 with plus."""
    campaign_id: str
    reached: bool
    """The prospect was spoken to."""
    is_repeat: bool = False
    """The dial was told before, so its try is counted."""


def create(transaction: Transaction, target: OutdialTarget, now: int) -> OutdialTarget | None:
    """Add `target` under an id of its own, `None` when there is no such outdial."""
    outdials = transaction.execute(
        "SELECT created FROM outdials WHERE id = ? AND deleted IS NULL", (target.outdial_id,)
    )
    if not outdials:
        return None
    made, target_id = next_stamp(transaction, "outdial_targets", now), str(uuid4())
    transaction.execute(
        "INSERT INTO outdial_targets VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        (
            made,
            target_id,
            outdials[0][0],
            target.name,
            target.detail,
            target.data,
            TargetStatus.IDLE.value,
            made,
        ),
    )
    transaction.execute_many(
        "INSERT INTO outdial_destinations VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
        (
            (made, place, one.type.value, one.target, one.target_name, one.name, one.detail)
            for place, one in enumerate(target.destinations)
            if one is not None
        ),
    )
    return get(transaction, target.outdial_id, target_id)


def get(transaction: Transaction, outdial_id: str, target_id: str) -> OutdialTarget | None:
    """The target of that outdial, deleted or not."""
    rows = transaction.execute(_ONE, (target_id,))
    return next((target for target in _targets(rows) if target.outdial_id == outdial_id), None)


def page(
    transaction: Transaction, outdial_id: str, before: datetime | None, limit: int
) -> list[OutdialTarget] | None:
    """At most `limit` targets created before then, newest first; `None` when there is no such outdial."""
    outdials = transaction.execute("SELECT created, deleted FROM outdials WHERE id = ?", (outdial_id,))
    if not outdials:
        return None
    ((outdial, deleted),) = outdials
    if deleted is not None:
        return []
    return list(_targets(transaction.execute(PAGE, (outdial, key_before(before), limit))))


def delete(transaction: Transaction, outdial_id: str, target_id: str, now: int) -> OutdialTarget | None:
    """Mark the target as deleted; what was deleted before stays as it is."""
    before = get(transaction, outdial_id, target_id)
    if before is None or before.stamps.deleted is not None:
        return before
    transaction.execute(
        "UPDATE outdial_targets SET updated = max(updated, ?1), deleted = max(updated, ?1) WHERE id = ?2",
        (now, target_id),
    )
    return get(transaction, outdial_id, target_id)


def note(transaction: Transaction, tried: Tried, now: int) -> int:
    """Count a try of each open target with that number; how many there are.

    A target is open until it is reached: then it is done, otherwise idle again, for another try. An outdial
    of a campaign counts that campaign's dials only.
    """
    if tried.is_repeat and not tried.reached:
        return 0
    found = transaction.execute(
        "SELECT t.created, min(d.place) FROM outdial_destinations d"
        " JOIN outdial_targets t ON t.created = d.target JOIN outdials o ON o.created = t.outdial"
        " WHERE d.type = 'tel' AND d.address = ? AND t.deleted IS NULL AND o.deleted IS NULL"
        " AND t.status <> 'done' AND o.campaign_id IN ('', ?) GROUP BY t.created LIMIT ?",
        (tried.phone, tried.campaign_id, _MOST_TARGETS_OF_A_DIAL),
    )
    if not tried.is_repeat:
        transaction.execute_many(
            "UPDATE outdial_destinations SET tries = tries + 1 WHERE target = ? AND place = ?", found
        )
    status = TargetStatus.DONE if tried.reached else TargetStatus.IDLE
    transaction.execute_many(
        "UPDATE outdial_targets SET status = ?, updated = max(updated, ?) WHERE created = ?",
        ((status.value, now, target) for target, _ in found),
    )
    return len(found)


def _targets(rows: Iterable[Row]) -> Iterator[OutdialTarget]:
    """Rows come one for each destination, those of one target together."""
    for _, group in groupby(rows, key=itemgetter(0)):
        yield _target(list(group))


def _target(rows: list[Row]) -> OutdialTarget:
    created, target_id, outdial_id, name, detail, data, status, updated, deleted = rows[0][:_PLACE]
    destinations: list[Address | None] = [None] * DESTINATIONS
    tries = [0] * DESTINATIONS
    for place, kind, address, target_name, own_name, own_detail, tried in (row[_PLACE:] for row in rows):
        if place is not None:
            destinations[place] = Address(AddressType(kind), address, target_name, own_name, own_detail)
            tries[place] = tried
    return OutdialTarget(
        tuple(destinations),
        name=name,
        detail=detail,
        data=data,
        id=target_id,
        outdial_id=outdial_id,
        status=TargetStatus(status),
        tries=tuple(tries),
        stamps=stamps(created, updated, deleted),
    )
