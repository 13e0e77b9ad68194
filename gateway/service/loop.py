"""The event loop: uvloop, with the garbage collector kept out of the way of calls and memory given back."""

import asyncio
import contextlib
import ctypes
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

ResultT = TypeVar("ResultT")

_GC_THRESHOLDS = (50_000, 20, 1_000)
"""A full collection walks the answer cache: 40 ms for 200,000 entries. These make one rare."""
_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 131_072
"""glibc's own limit at the start (mallopt(3))."""


def run(main: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run `main` on uvloop until it is done."""
    _give_large_blocks_back()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def settle_memory() -> None:
    """Call once everything is set up: what lives as long as the process is not looked at again.

    Call it again after a reload: what was replaced is garbage, and would not be looked at either.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def _give_large_blocks_back() -> None:
    """Have malloc map blocks of 128 KiB or more one by one, and unmap them when they are freed.

    Left alone, glibc keeps them in its heap once the first was freed. uvloop has a block of 256 KiB for each
    TLS connection and uses little of it: in the heap, each new one makes other pages resident.
    """
    with contextlib.suppress(AttributeError, OSError):  # another C library has no such limit
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
