"""The engine as a target of dial records: it keeps them and learns which numbers reach people."""

import asyncio
import time
from collections.abc import Callable, Sequence

from gateway.engine.settings import EngineSettings
from gateway.model.dial import Dial
from gateway.providers.base import RefusedError, UnavailableError
from gateway.stores.base import StoreError, StoreRefusedError
from gateway.stores.engine_dials import EngineDialStore

OnKept = Callable[[Sequence[Dial]], None]
"""Told of dials that are on disk. Must return at once and never raise."""

_DAY_S = 86_400
_CONFLICT = 409
"""The status its HTTP service would answer."""


def _tell_nobody(_dials: Sequence[Dial]) -> None:
    pass


class EngineDials:
    """Keeps each dial in the engine's database. A `DialTarget`."""

    name = "engine"
    repeats_safely = True

    def __init__(
        self,
        store: EngineDialStore,
        settings: EngineSettings,
        *,
        clock: Callable[[], float] = time.time,
        on_kept: OnKept = _tell_nobody,
    ) -> None:
        self._store = store
        self._keep_s = settings.keep_dials_days * _DAY_S
        self._clock = clock
        self._on_kept = on_kept

    async def post_dial(self, dial: Dial, *, timeout_s: float) -> None:
        """Returns when the dial is on disk; the same `dial_id` again replaces it. Raises `ProviderError`."""
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.wrap_future(
                    self._store.keep([dial], forget_before=self._clock() - self._keep_s)
                )
        except TimeoutError as error:
            raise UnavailableError(f"the database did not answer within {timeout_s:g} s") from error
        except StoreRefusedError as error:
            raise RefusedError(f"the database refuses the record: {error}", status=_CONFLICT) from error
        except StoreError as error:
            raise UnavailableError(str(error)) from error
        self._on_kept([dial])
