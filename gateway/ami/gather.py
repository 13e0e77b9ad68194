"""Whether to let bytes gather in the socket: a busy link is read in larger pieces, and less often.

Waking up costs more than passing over the events that came: an unfiltered PBX at 1,000 calls a second sends
40,000 events, and could wake the gateway as often. A call end may wait some milliseconds, as its record
settles for a second. Asterisk by itself waits 100 ms for a listener (`writetimeout`), of which this takes a
third. A link whose events are filtered is read at once, always: most of what comes is wanted. Pure: `now`
comes in.
"""

GATHER_S = 0.03
"""How long the socket is not read; the most a call end waits for it."""
DENSE_S = 2 * GATHER_S
"""Reads further apart than this, below 17 a second, are not worth it."""
FULL_BYTES = 64 * 1024
"""A read this large needs no gathering: the socket fills without it, and must not stay full."""


class Gather:
    """Tell it of every read."""

    def __init__(self) -> None:
        self._read_at: float | None = None

    def pause_s(self, size_bytes: int, unwanted_bytes: int, now: float) -> float:
        """How long to read no further after a read of that size, 0 to go on at once."""
        is_dense = self._read_at is not None and now - self._read_at < DENSE_S
        self._read_at = now
        is_worth_it = is_dense and size_bytes < FULL_BYTES and unwanted_bytes * 2 > size_bytes
        return GATHER_S if is_worth_it else 0.0
