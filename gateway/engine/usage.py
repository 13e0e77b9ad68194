"""The daily and hourly counters on disk."""

from collections.abc import Collection
from concurrent.futures import Future
from datetime import date
from typing import NamedTuple

from gateway.engine.selector import Choice
from gateway.engine.write_behind import WriteBehind
from gateway.stores.inventory import InventoryStore, Usage


class _Used(NamedTuple):
    choice: Choice
    day: date
    now_s: float


class UsageLog:
    """Counters that changed. What a crash can lose is stated at `WriteBehind`.

    A number may then be used that many times more than its cap.
    """

    def __init__(self, store: InventoryStore, interval_s: float) -> None:
        self._store = store
        self._rows = WriteBehind(self._save, interval_s=interval_s, what="usage counters")

    def count(self, choice: Choice, day: date, now_s: float) -> None:
        """Note that the number was used on `day`. Never blocks, never raises."""
        self._rows.note(choice.ani.e164, _Used(choice, day, now_s), now_s)

    def close(self) -> None:
        """Write what is left, and wait for it. Raises `StoreError`."""
        self._rows.close()

    def _save(self, rows: Collection[_Used]) -> Future[None]:
        return self._store.save_usage(
            [
                Usage(
                    used.choice.ani,
                    used.day,
                    used.choice.uses,
                    used.now_s,
                    used.choice.hour_began_s,
                    used.choice.hour_uses,
                )
                for used in rows
            ]
        )
