"""The event loop: uvloop, with the garbage collector kept out of the way of calls."""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

ResultT = TypeVar("ResultT")

_GC_THRESHOLDS = (50_000, 20, 1_000)
"""A full collection walks the answer cache: 40 ms for 200,000 entries. These make one rare."""


def run(main: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run `main` on uvloop until it is done."""
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
