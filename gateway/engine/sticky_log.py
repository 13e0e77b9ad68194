"""The sticky map on disk, so that a restart shows prospects the same numbers."""

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
        self._interval_s = settings.flush_interval_s
        self._rows: WriteBehind[StickyRow, StickyRow] | None = None
        self._map: StickyMap | None = None

    def load(self, now_s: float) -> StickyMap | None:
        """The map as it was left, `None` when it is switched off. Blocks. Raises `StoreError`."""
        if self._keep_s <= 0:
            return None
        found = self._store.load(since_s=now_s - self._keep_s, most=self._size)
        self._rows = rows = WriteBehind(
            self._store.save,
            interval_s=self._interval_s,
            what="the numbers prospects saw",
            mark=found.mark,
        )

        def note(prospect: str, kept: Kept | None, noted_s: float) -> None:
            number = "" if kept is None else kept.number.e164
            rows.note(prospect, StickyRow(prospect, number, noted_s), noted_s)

        self._map = StickyMap(
            ((row.prospect, _kept(row)) for row in found.others),
            keep_s=self._keep_s,
            size=self._size,
            note=note,
        )
        return self._map

    @property
    def expects_news(self) -> bool:
        """Whether `learn` may soon have something to do."""
        return self._rows is not None and self._rows.expects_news

    def learn(self, most: int) -> None:
        """Take over up to `most` of what other processes showed. Never blocks or raises."""
        if self._rows is not None and self._map is not None:
            for row in self._rows.news(most):
                self._map.learn(row.prospect, _kept(row))

    def take(self, prospect: str, kept: Kept) -> None:
        """Take over what another node showed, if it was later."""
        if self._map is not None:
            self._map.learn(prospect, kept)

    def close(self) -> None:
        """Write what is left, and wait for it. Raises `StoreError`."""
        if self._rows is not None:
            self._rows.close()


def _kept(row: StickyRow) -> Kept:
    return Kept(PhoneNumber(row.number), row.seen_s)
