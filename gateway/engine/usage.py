"""The daily and hourly counters on disk, where all processes that share one inventory add theirs up."""

from collections.abc import Collection
from concurrent.futures import Future
from datetime import date

from gateway.engine.selector import Choice
from gateway.engine.write_behind import WriteBehind
from gateway.stores.shared import News
from gateway.stores.usage import Usage, UsageStore, added


class UsageLog:
    """Uses of this process, added to the counters. What a crash can lose is stated at `WriteBehind`.

    A number may then be used that many times more than its cap. The same holds between processes: what the
    others used since their last write, `interval_s` or less ago while calls keep coming, is not known here.
    """

    def __init__(self, store: UsageStore, interval_s: float, *, mark: int = 0) -> None:
        """`mark` is that of the counters as they were loaded."""
        self._store = store
        self._rows: WriteBehind[Usage, Usage] = WriteBehind(
            self._add, interval_s=interval_s, what="usage counters", merge=added, mark=mark
        )

    @property
    def expects_news(self) -> bool:
        """Whether `news` may soon have some."""
        return self._rows.expects_news

    def count(self, choice: Choice, day: date, now_s: float) -> None:
        """Note one use of the number on `day`. Never blocks, never raises."""
        use = Usage(choice.ani, day, 1, now_s, choice.hour_began_s, min(choice.hour_uses, 1))
        self._rows.note(choice.ani.e164, use, now_s)

    def news(self, most: int) -> list[Usage]:
        """Up to `most` numbers that other processes used, with all their uses, ours included."""
        return [self._with_ours(row) for row in self._rows.news(most)]

    def close(self) -> None:
        """Write what is left, and wait for it. Raises `StoreError`."""
        self._rows.close()

    def _with_ours(self, row: Usage) -> Usage:
        ours = self._rows.unwritten(row.number.e164)
        return row if ours is None else added(row, ours)

    def _add(self, rows: Collection[Usage], mark: int) -> Future[News[Usage]]:
        return self._store.add(rows, mark)
