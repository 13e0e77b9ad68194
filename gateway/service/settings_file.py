"""The settings on their way from the supervisor to its processes: in memory, as a file without a name.

So a process that starts goes by the settings in force, whatever stands on disk by then. Secrets are in it: it
is passed from hand to hand and never linked anywhere.
"""

import os
from typing import Self

import msgspec

from gateway.config.settings import Settings


class SettingsFile:
    """Readable as often as wanted; `close` it, or leave it by `with`."""

    def __init__(self, settings: Settings) -> None:
        """Raises `OSError` when the machine has no room for it."""
        self._descriptor = os.memfd_create("ani-gateway-settings", os.MFD_CLOEXEC)
        with os.fdopen(os.dup(self._descriptor), "wb") as file:
            file.write(msgspec.msgpack.encode(settings))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Its descriptor."""
        return self._descriptor

    def close(self) -> None:
        """Whoever has it by then keeps it."""
        os.close(self._descriptor)


def read_settings(descriptor: int) -> Settings:
    """The settings in the file, which is closed. Raises `OSError` when it is none of ours."""
    try:
        content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    finally:
        os.close(descriptor)
    try:
        return msgspec.msgpack.decode(content, type=Settings)
    except msgspec.DecodeError as error:
        raise OSError(f"the supervisor's settings make no sense: {error}") from error
