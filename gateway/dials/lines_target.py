"""Dial records into a file, one JSON object a line: for audits, exports and programs of your own.

    {"dial_id":"…","ani":"+1…","prospect_phone":"+1…","at":1760000000.0,"campaign_id":"…",…}

A record may stand there twice after a crash; `dial_id` tells.
"""

import asyncio
from dataclasses import dataclass

from gateway.model.dial import Dial
from gateway.model.setting import setting
from gateway.providers.base import UnavailableError
from gateway.stores.base import StoreError
from gateway.stores.lines_file import LinesFile
from gateway.stores.spool_rows import encoded


@dataclass(frozen=True, slots=True)
class LinesSettings:
    """`[dials_file]`: dial records into a file."""

    path: str = setting(
        "", "File to append a JSON object a line to; it may be rotated at any time.", why="empty: none"
    )


class LinesTarget:
    """Appends each dial to a file. A `DialTarget`; `close` it at the end.

    Records that come together share one sync to disk, so each is a few microseconds.
    """

    name = "file"
    repeats_safely = True

    def __init__(self, settings: LinesSettings) -> None:
        self._file = LinesFile(settings.path)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def post_dial(self, dial: Dial, *, timeout_s: float) -> None:
        """Returns when the line is on disk. Raises `UnavailableError` when it is not within `timeout_s`."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((encoded(dial).encode(), written))
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write())
        try:
            async with asyncio.timeout(timeout_s):
                await written
        except TimeoutError as error:
            raise UnavailableError(f"the file was not written within {timeout_s:g} s") from error

    async def close(self) -> None:
        """Finish what is being written and close the file."""
        while self._writer is not None:
            await asyncio.wait([self._writer])
        await asyncio.to_thread(self._file.close)

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._append(batch)
        finally:
            self._writer = None

    async def _append(self, batch: list[tuple[bytes, asyncio.Future[None]]]) -> None:
        error: StoreError | None = None
        try:
            await asyncio.to_thread(self._file.append, [line for line, _ in batch])
        except StoreError as caught:
            error = caught
        for _, written in batch:
            if written.done():
                continue
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(UnavailableError(str(error), never_sent=True))
