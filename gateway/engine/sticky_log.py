"""The sticky map on disk, so that a restart shows prospects the same numbers."""

from collections.abc import Collection
from concurrent.futures import Future

from gateway.engine.settings import EngineSettings
from gateway.engine.sticky import Kept, StickyMap
from gateway.engine.write_behind import WriteBehind
from gateway.model.phone import PhoneNumber
from gateway.stores.engine_sticky import StickyRow, StickyStore

_DAY_S = 86_400


class StickyLog:
    """Loads the map and writes what changes in it. What a crash can lose is stated at `WriteBehind`."""

    def __init__(self, store: StickyStore, settings: EngineSettings) -> None:
        self._store = store
        self._keep_s = settings.sticky_days * _DAY_S
        self._size = settings.sticky_size
        self._rows = WriteBehind(
            self._save, interval_s=settings.flush_interval_s, what="the numbers prospects saw"
        )

    def load(self, now_s: float) -> StickyMap | None:
        """The map as it was left, `None` when it is switched off. Blocks. Raises `StoreError`."""
        if self._keep_s <= 0:
            return None
        rows = self._store.load(since_s=now_s - self._keep_s, most=self._size)
        return StickyMap(
            ((row.prospect, Kept(PhoneNumber(row.number), row.seen_s)) for row in rows),
            keep_s=self._keep_s,
            size=self._size,
            note=self._note,
        )

    def close(self) -> None:
        """Write what is left, and wait for it. Raises `StoreError`."""
        self._rows.close()

    def _note(self, prospect: str, kept: Kept | None, now_s: float) -> None:
        number = "" if kept is None else kept.number.e164
        self._rows.note(prospect, StickyRow(prospect, number, now_s), now_s)

    def _save(self, rows: Collection[StickyRow]) -> Future[None]:
        return self._store.save(rows)
