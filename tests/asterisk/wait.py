"""Bounded waiting for something another process does."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_for(look: Callable[[], Found | None], what: str, *, within_s: float = 5.0) -> Found:
    """The first true answer of `look`, asked every 5 ms. Fails naming `what` after `within_s` seconds."""
    end = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {within_s} s in vain for {what}")
        time.sleep(0.005)
