"""A lock held for the life of a process, gone with it however it dies.

`flock` belongs to the open file: the kernel drops it after `kill -9` too, and a lock file left behind locks
nothing. It must stand on a local disk.
"""

import fcntl
import os
from contextlib import suppress
from typing import Self

from gateway.stores.base import StoreInUseError, StoreUnusableError


class FileLock:
    """An exclusive lock on `path`, which is made if it is not there. Make it with `take`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: str) -> Self:
        """Take the lock without waiting.

        Raises `StoreInUseError`, with the number of the process that holds it, or `StoreUnusableError`.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise StoreUnusableError(
                f'"{path}" cannot be written: {error.strerror}; check that its folder exists and its rights'
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "another process"
            os.close(descriptor)
            if not isinstance(error, BlockingIOError):
                raise StoreUnusableError(f'"{path}" cannot be locked: {error.strerror}') from error
            raise StoreInUseError(
                f'"{path}" is held by process {holder}; stop that one or give this one a file of its own'
            ) from error
        # The number is for people: a full disk must not keep the lock from holding.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let others take it. Safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
