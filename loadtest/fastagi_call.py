"""One FastAGI call as Asterisk's res_agi has it on the wire, without sockets; and what its answer was worth.

Asterisk answers one command when its socket turns readable, and the others once more bytes come or the server
has closed its side; then it says `HANGUP`. Bytes come in, bytes go out.
"""

import itertools
import random
import re
import time
from dataclasses import dataclass

from gateway.model.decision import Source
from gateway.model.variables import CALLERID_NUM, GATEWAY, GATEWAY_SOURCE, GATEWAY_STATUS
from gateway.simulator.call import CallRequest, environment_lines
from gateway.simulator.upstream_answers import ani_for

ANSWER = b"200 result=1\n"
HANGUP = b"HANGUP\n"
_SET = re.compile(rb'^SET VARIABLE (\S+) "?([^"\n]*)"?$', re.MULTILINE)
_PHONE = "15550000000"
_UNIQUEID = "1700000000.0"
_KNOWN_PHONES = 2_000
_NATIONAL_DIGITS = 10
_UNKNOWABLE = frozenset({Source.DEFAULT.value, Source.ENGINE.value})
"""Sources whose number does not follow from the phone alone."""


@dataclass(slots=True)
class Conversation:
    """Asterisk's side from the end of the environment on."""

    received: bytes = b""
    _answered: int = 0

    def receive(self, data: bytes) -> bytes:
        """The socket turned readable: what to write."""
        self.received += data
        if self.received.count(b"\n") <= self._answered:
            return b""
        self._answered += 1
        return ANSWER

    def end(self) -> bytes:
        """The server closed its side: the answers still due, and the last word."""
        return ANSWER * (self.received.count(b"\n") - self._answered) + HANGUP


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the gateway said about one call."""

    name: str
    """`GATEWAY_SOURCE`; without one the status; "nothing" when neither came."""
    fault: str
    """Why the answer is wrong; "" when it is right."""
    packed: str
    """`GATEWAY`, which the Hangup event brings back; "" when none was set."""


def outcome(received: bytes, phone: str, *, expected: str = "") -> Outcome:
    """Judge the commands a call to `phone` got. `expected` is the ANI for everybody; "": the simulator's."""
    said = {name.decode(): value.decode("ascii", "replace") for name, value in _SET.findall(received)}
    source, ani = said.get(GATEWAY_SOURCE, ""), said.get(CALLERID_NUM, "")
    name = source or said.get(GATEWAY_STATUS, "").lower() or "nothing"
    return Outcome(name, _fault(ani, source, expected or ani_for(phone)), said.get(GATEWAY, ""))


def _fault(ani: str, source: str, expected: str) -> str:
    if not ani:
        return "no ANI"
    if source in _UNKNOWABLE or ani[-_NATIONAL_DIGITS:] == expected:
        return ""
    return "wrong ANI"


class Calls:
    """The calls one process places: fresh prospects, and a share of known ones."""

    def __init__(self, *, host: str, port: int, known: float = 0.0) -> None:
        request = CallRequest(_PHONE, "90210", "9001", uniqueid=_UNIQUEID)
        self._template = b"".join(environment_lines(request, host=host, port=port))
        self._known = known
        # Two processes on one gateway, or two runs on one spool, must not share a uniqueid.
        self._uniqueids = map(f"{int(time.time())}.{{}}".format, itertools.count(random.randrange(10**12)))

    def next(self) -> tuple[str, str, bytes]:
        """Phone (10 digits), uniqueid and environment of the next call."""
        phone, uniqueid = self._phone(), next(self._uniqueids)
        environment = self._template.replace(_PHONE.encode(), f"1{phone}".encode())
        return phone, uniqueid, environment.replace(_UNIQUEID.encode(), uniqueid.encode())

    def _phone(self) -> str:
        if random.random() < self._known:
            return f"212555{random.randrange(_KNOWN_PHONES):04}"
        return f"{random.randrange(200, 1000)}{random.randrange(200, 1000)}{random.randrange(10_000):04}"
