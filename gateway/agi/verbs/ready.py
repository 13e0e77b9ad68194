"""Answers kept ready to be sent: while an answer is fresh, equal requests differ in uniqueid and time only.

A request is known by its argument lines, byte for byte. What is kept is the finished commands with the time
and the dial id left open, so that a call with a known answer costs a look-up and a format.
"""

import re
from typing import NamedTuple

from cachetools import FIFOCache

from gateway.model.decision import Decision
from gateway.model.phone import PhoneNumber
from gateway.model.variables import CallState

AT_LATER = "0000000000"
"""What commands to be kept have in the place of the time."""
DIAL_ID_LATER = "@@"
"""What they have in the place of the dial id."""

_MAX_KEPT = 20_000  # about 15 MB; a call that falls out takes the longer way
_MAX_REQUEST_BYTES = 512
_PLAIN_ID = re.compile(rb"[A-Za-z0-9._-]{1,150}")


class ReadyAnswer(NamedTuple):
    """One answer: what was decided for which number, and the commands that say so."""

    decision: Decision
    phone: PhoneNumber
    state: CallState
    """With `AT_LATER` and `DIAL_ID_LATER`."""
    fresh_until: float
    """On the clock of the resolver."""
    template: bytes

    def commands(self, at: bytes, dial_id: bytes) -> bytes:
        """The commands for one call; b"" when its id is not as plain as uniqueids are."""
        if _PLAIN_ID.fullmatch(dial_id) is None:
            return b""
        return self.template % (at, dial_id, dial_id)


class ReadyAnswers:
    """Ready answers by request, bounded; the oldest go first."""

    def __init__(self) -> None:
        self._kept: FIFOCache[bytes, ReadyAnswer] = FIFOCache(_MAX_KEPT)

    def find(self, request: bytes, now: float) -> ReadyAnswer | None:
        """The answer to an equal request, while it is fresh; `now` is on the clock of `fresh_until`."""
        try:
            ready = self._kept[request]  # `get` looks twice
        except KeyError:
            return None
        return ready if ready.fresh_until > now else None

    def keep(self, request: bytes, ready: ReadyAnswer) -> None:
        """Keep an answer whose `template` is its commands, made with `AT_LATER` and `DIAL_ID_LATER`."""
        if len(request) > _MAX_REQUEST_BYTES or DIAL_ID_LATER.encode() in request:
            return
        template = ready.template.replace(b"%", b"%%")
        template = template.replace(AT_LATER.encode() + b"|@@", b"%b|%b", 1).replace(b"@@", b"%b")
        self._kept[request] = ready._replace(template=template)
