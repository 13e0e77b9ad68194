"""The calls of the generator: what each asks for, what it must be answered, and how far it has come.

No two calls share a uniqueid, so that dial ids made of them are unique too.
"""

import itertools
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gateway.simulator.call import CallRequest, environment_lines
from gateway.simulator.upstream_answers import ani_for

FIXED_ANI = "5550001111"
"""What servers answer that do not read the question."""
_PHONE = "15550000000"
_UNIQUEID = "1700000000.0000000000"
_ASSIGNED = re.compile(rb'SET VARIABLE CALLERID\(num\) "?([0-9]+)"?\n')
_STATE = re.compile(rb'SET VARIABLE GATEWAY "([^"\n]*)"\n')
_FIRST_UNIQUE = 2_000_000_000


class Question(NamedTuple):
    """One call to make: its environment, the ANI to expect, its uniqueid."""

    environment: bytes
    expected: bytes
    uniqueid: bytes


@dataclass(slots=True, eq=False)
class Call:
    """One call on its way."""

    sock: socket.socket
    question: Question
    due: float
    started: float
    environment: bytes
    """What is to be sent first."""
    received: bytes = b""
    answered: int = 0
    sent: bool = False

    def ani(self) -> bytes:
        """The number the call got, empty when it got none."""
        match = _ASSIGNED.search(self.received)
        return match[1] if match else b""

    def fault(self) -> str:
        """What is wrong with the answer, "" when nothing is."""
        ani = self.ani()
        if not ani:
            return "no ANI"
        return "" if ani == self.question.expected else "wrong ANI"

    def state(self) -> bytes:
        """The packed state the gateway set, as it will be in the call's Hangup event."""
        match = _STATE.search(self.received)
        return match[1] if match else b""


def questions(*, phones: int, offset: int, fixed: bool) -> Iterator[Question]:
    """Calls without end: to `phones` numbers in turn, or with 0 never to one twice."""
    lines = environment_lines(
        CallRequest(_PHONE, "90210", "9001", uniqueid=_UNIQUEID), host="127.0.0.1", port=4573
    )
    head, uniqueid, rest = b"".join(lines).partition(_UNIQUEID.encode())
    middle, _, tail = rest.partition(_PHONE.encode())
    epoch = uniqueid.partition(b".")[0]
    fixed_ani = FIXED_ANI.encode() if fixed else b""
    first = _FIRST_UNIQUE + offset
    numbers = itertools.cycle(range(first, first + phones)) if phones else itertools.count(first)
    known: dict[int, tuple[bytes, bytes]] = {}
    for serial, number in zip(itertools.count(first), numbers, strict=False):
        told = known.get(number)
        if told is None:
            phone = str(number)
            told = (b"1" + phone.encode(), fixed_ani or ani_for(phone).encode())
            if phones:
                known[number] = told
        own = b"%b.%d" % (epoch, serial)
        yield Question(b"".join((head, own, middle, told[0], tail)), told[1], own)
