"""Outdials as rows, and the tables of all that hangs on them; see `outdial_target_rows` for the targets.

A row's creation time in microseconds is its primary key: unique and growing in each table, so that a page
that goes on "before the last row's time" skips nothing, and listing needs no sort.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from gateway.model.outdial import Outdial, Stamps
from gateway.stores.sqlite import Migration, Row, Transaction

MIGRATION: Migration = (
    "CREATE TABLE outdial_customer (id TEXT NOT NULL) STRICT",
    """CREATE TABLE outdials (
        created INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, campaign_id TEXT NOT NULL, name TEXT NOT NULL,
        detail TEXT NOT NULL, data TEXT NOT NULL, updated INTEGER, deleted INTEGER
    ) STRICT""",
    "CREATE INDEX outdials_listed ON outdials (created) WHERE deleted IS NULL",
    "CREATE INDEX outdials_deleted ON outdials (deleted) WHERE deleted IS NOT NULL",
    """CREATE TABLE outdial_targets (
        created INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, outdial INTEGER NOT NULL, name TEXT NOT NULL,
        detail TEXT NOT NULL, data TEXT NOT NULL, status TEXT NOT NULL, updated INTEGER NOT NULL,
        deleted INTEGER
    ) STRICT""",
    "CREATE INDEX outdial_targets_listed ON outdial_targets (outdial, created) WHERE deleted IS NULL",
    "CREATE INDEX outdial_targets_deleted ON outdial_targets (deleted) WHERE deleted IS NOT NULL",
    """CREATE TABLE outdial_destinations (
        target INTEGER NOT NULL REFERENCES outdial_targets ON DELETE CASCADE, place INTEGER NOT NULL,
        type TEXT NOT NULL, address TEXT NOT NULL, target_name TEXT NOT NULL, name TEXT NOT NULL,
        detail TEXT NOT NULL, tries INTEGER NOT NULL, PRIMARY KEY (target, place)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX outdial_destinations_tel ON outdial_destinations (address) WHERE type = 'tel'",
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Beyond every stamp: where a listing begins.
_END = 2**63 - 1
_OUTDIAL = "SELECT created, id, campaign_id, name, detail, data, updated, deleted FROM outdials"
# Nothing is written to a row "before" it was, though the clock went back.
_LATEST = "max(created, coalesce(updated, 0), ?1)"


@dataclass(frozen=True, slots=True)
class OutdialChange:
    """What to set in an outdial; `None` leaves it as it is."""

    name: str | None = None
    detail: str | None = None
    data: str | None = None
    campaign_id: str | None = None
    """A UUID, "" for none."""


def key_before(moment: datetime | None) -> int:
    """The stamp a page ends before; `None` for the first page."""
    return _END if moment is None else (moment - _EPOCH) // _MICROSECOND


def moment_of(stamp: int) -> datetime:
    """UTC."""
    return _EPOCH + stamp * _MICROSECOND


def next_stamp(transaction: Transaction, table: str, now: int) -> int:
    """A stamp for a new row: now, or just after the youngest row when the clock has gone back or stands."""
    ((youngest,),) = transaction.execute(f"SELECT max(created) FROM {table}")  # noqa: S608 - a constant
    return now if youngest is None else max(now, youngest + 1)


def customer(transaction: Transaction) -> str:
    """Whose outdials these are: a UUID made once for each database."""
    rows = transaction.execute("SELECT id FROM outdial_customer")
    if rows:
        return str(rows[0][0])
    made = str(uuid4())
    transaction.execute("INSERT INTO outdial_customer VALUES (?)", (made,))
    return made


def create(transaction: Transaction, outdial: Outdial, now: int) -> Outdial:
    """Add `outdial` under an id of its own."""
    made = next_stamp(transaction, "outdials", now)
    row = (made, str(uuid4()), outdial.campaign_id, outdial.name, outdial.detail, outdial.data, None, None)
    transaction.execute("INSERT INTO outdials VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    return _outdial(row, customer(transaction))


def get(transaction: Transaction, outdial_id: str) -> Outdial | None:
    """The outdial, deleted or not."""
    rows = transaction.execute(f"{_OUTDIAL} WHERE id = ?", (outdial_id,))
    return _outdial(rows[0], customer(transaction)) if rows else None


def page(transaction: Transaction, before: datetime | None, limit: int) -> list[Outdial]:
    """At most `limit` outdials created before then, newest first."""
    rows = transaction.execute(
        f"{_OUTDIAL} WHERE deleted IS NULL AND created < ? ORDER BY created DESC LIMIT ?",
        (key_before(before), limit),
    )
    own = customer(transaction)
    return [_outdial(row, own) for row in rows]


def update(transaction: Transaction, outdial_id: str, change: OutdialChange, now: int) -> Outdial | None:
    """The outdial after `change`, `None` when there is none or it is deleted."""
    rows = transaction.execute(
        "UPDATE outdials SET name = coalesce(?3, name), detail = coalesce(?4, detail),"  # noqa: S608 - a constant
        f" campaign_id = coalesce(?5, campaign_id), data = coalesce(?6, data), updated = {_LATEST}"
        " WHERE id = ?2 AND deleted IS NULL RETURNING id",
        (now, outdial_id, change.name, change.detail, change.campaign_id, change.data),
    )
    return get(transaction, outdial_id) if rows else None


def delete(transaction: Transaction, outdial_id: str, now: int) -> Outdial | None:
    """Mark the outdial, and by that its targets, as deleted; what was deleted before stays as it is."""
    transaction.execute(
        f"UPDATE outdials SET updated = {_LATEST}, deleted = {_LATEST} WHERE id = ?2 AND deleted IS NULL",  # noqa: S608 - a constant
        (now, outdial_id),
    )
    return get(transaction, outdial_id)


def forget(transaction: Transaction, before: int, most: int) -> None:
    """Take out what was deleted before that stamp, at most `most` rows of each kind."""
    transaction.execute(
        "DELETE FROM outdial_targets WHERE created IN"
        " (SELECT created FROM outdial_targets WHERE deleted < ? LIMIT ?)",
        (before, most),
    )
    # Those of a deleted outdial bear no mark of their own.
    transaction.execute(
        "DELETE FROM outdial_targets WHERE created IN (SELECT t.created FROM outdials o"
        " JOIN outdial_targets t ON t.outdial = o.created AND t.deleted IS NULL WHERE o.deleted < ? LIMIT ?)",
        (before, most),
    )
    transaction.execute(
        "DELETE FROM outdials WHERE created IN (SELECT o.created FROM outdials o WHERE o.deleted < ?"
        " AND NOT EXISTS (SELECT 1 FROM outdial_targets t WHERE t.outdial = o.created AND t.deleted IS NULL)"
        " LIMIT ?)",
        (before, most),
    )


def _outdial(row: Row, own: str) -> Outdial:
    created, outdial_id, campaign_id, name, detail, data, updated, deleted = row
    return Outdial(
        name=name,
        detail=detail,
        data=data,
        campaign_id=campaign_id,
        id=outdial_id,
        customer_id=own,
        stamps=stamps(created, updated, deleted),
    )


def stamps(created: int, updated: int | None, deleted: int | None) -> Stamps:
    """The three as moments."""
    return Stamps(
        moment_of(created),
        None if updated is None else moment_of(updated),
        None if deleted is None else moment_of(deleted),
    )
