"""What a simulated VoIPBin keeps and shows: outdials and targets in memory, in the tutorial's own form.

Written from VoIPBin's outdial tutorial. `is_current` shows what today's server does otherwise: RFC 3339
times, `null` for never, an empty object where there is no destination.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

NIL = "00000000-0000-0000-0000-000000000000"
SENTINEL = "9999-01-01 00:00:00.000000"
CUSTOMER = "7a1b2c3d-4e5f-6789-abcd-ef0123456789"
_FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
_PLACES = range(5)
_LARGEST_PAGE = 100
_ADDRESS = ("type", "target", "target_name", "name", "detail")

Row = dict[str, Any]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class VoipBinStore:
    """Outdials and targets by id. `clock` says when something is made; rows may be made at one time."""

    def __init__(self, clock: Callable[[], datetime] = _utc_now, *, is_current: bool = False) -> None:
        self._clock = clock
        self._is_current = is_current
        self._outdials: dict[str, Row] = {}
        self._targets: dict[str, Row] = {}

    def outdials(self) -> list[Row]:
        """Those not deleted, newest first."""
        return _newest_first(self._outdials.values())

    def targets(self, outdial_id: str) -> list[Row]:
        """Those of an outdial not deleted, newest first."""
        return _newest_first(row for row in self._targets.values() if row["outdial_id"] == outdial_id)

    def outdial(self, outdial_id: str) -> Row | None:
        """One that is not deleted."""
        return _alive(self._outdials.get(outdial_id))

    def target(self, outdial_id: str, target_id: str) -> Row | None:
        """One of that outdial that is not deleted."""
        row = _alive(self._targets.get(target_id))
        return row if row is not None and row["outdial_id"] == outdial_id else None

    def add_outdial(self, asked: Mapping[str, Any]) -> Row:
        """Make one; what only the service sets is not taken from `asked`."""
        row = {
            "id": str(uuid4()),
            "customer_id": CUSTOMER,
            "campaign_id": asked.get("campaign_id") or NIL,
            "name": asked.get("name", ""),
            "detail": asked.get("detail", ""),
            "data": asked.get("data", ""),
            "tm_create": self._clock(),
            "tm_update": None,
            "tm_delete": None,
        }
        self._outdials[row["id"]] = row
        return row

    def add_target(self, outdial_id: str, asked: Mapping[str, Any]) -> Row:
        """Make one, idle and never tried."""
        now = self._clock()
        row = {
            "id": str(uuid4()),
            "outdial_id": outdial_id,
            "name": asked.get("name", ""),
            "detail": asked.get("detail", ""),
            "data": asked.get("data", ""),
            "status": "idle",
            **{f"destination_{place}": _destination(asked, place) for place in _PLACES},
            **{f"try_count_{place}": 0 for place in _PLACES},
            "tm_create": now,
            "tm_update": now,
            "tm_delete": None,
        }
        self._targets[row["id"]] = row
        return row

    def change(self, row: Row, changes: Mapping[str, Any]) -> Row:
        """Change fields of a row."""
        row.update(changes)
        row["tm_update"] = self._clock()
        return row

    def remove(self, row: Row) -> Row:
        """Keep it, as deleted."""
        row["tm_delete"] = row["tm_update"] = self._clock()
        return row

    def page(self, rows: list[Row], size: int, token: str) -> Row:
        """At most `size` of the rows older than `token`, and the creation time of the last of them."""
        before = datetime.fromisoformat(token) if token else _FOREVER
        before = before if before.tzinfo else before.replace(tzinfo=UTC)
        size = size if 0 < size <= _LARGEST_PAGE else _LARGEST_PAGE
        shown = [row for row in rows if row["tm_create"] < before][:size]
        return {
            "result": [self.shown(row) for row in shown],
            "next_page_token": self._written(shown[-1]["tm_create"]) if shown else "",
        }

    def shown(self, row: Row) -> Row:
        """A row as the service answers it."""
        shown = {
            name: self._written(value) if name.startswith("tm_") else value for name, value in row.items()
        }
        if self._is_current:
            nothing: Row = {}
            shown |= {name: nothing for name in row if name.startswith("dest") and row[name] is None}
        return shown

    def _written(self, at: datetime | None) -> str | None:
        if self._is_current:
            return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at else None
        return at.strftime("%Y-%m-%d %H:%M:%S.%f") if at else SENTINEL


def _newest_first(rows: Any) -> list[Row]:
    alive = [row for row in rows if _alive(row)]
    return sorted(alive, key=lambda row: row["tm_create"], reverse=True)


def _alive(row: Row | None) -> Row | None:
    return row if row is not None and row["tm_delete"] is None else None


def _destination(asked: Mapping[str, Any], place: int) -> Row | None:
    given = asked.get(f"destination_{place}")
    return {name: given.get(name, "") for name in _ADDRESS} if given else None
