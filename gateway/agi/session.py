"""The AGI conversation, without sockets: bytes come in, events come out.

    Asterisk: environment, empty line          → REQUEST
    we:       all commands in one write, then end our side (the caller of `answered` does that)
    Asterisk: one answer a command, HANGUP, end of input

    state        events on data                   end of input means
    ENVIRONMENT  REQUEST, REFUSED, HUNG_UP        gone; a health check when no byte came
    DECIDING     HUNG_UP                          nothing: a client may end its side and still read
    ANSWERED     none, answers are collected      finished
    OVER         none                             finished

Source: Asterisk's res_agi as observed on 16.28 and 22.10; see docs/reference/dialplan.md.
"""

from enum import Enum, auto

from gateway.agi.environment import Environment

_HANGUP = b"HANGUP\n"


class State(Enum):
    """Where the conversation stands."""

    ENVIRONMENT = auto()
    DECIDING = auto()
    ANSWERED = auto()
    OVER = auto()


class Event(Enum):
    """What the bytes meant."""

    NOTHING = auto()
    REQUEST = auto()
    """The environment is complete; `environment` is set."""
    REFUSED = auto()
    """More than a request may hold; `state` is OVER."""
    HUNG_UP = auto()
    """The caller is gone; nobody reads an answer. `state` is OVER."""


# To look a member up in its enum takes 0.1 µs, and a call asks a dozen times.
ENVIRONMENT, DECIDING, ANSWERED, OVER = State
NOTHING, REQUEST, REFUSED, HUNG_UP = Event


class Session:
    """One conversation. Feed it what arrives; it never raises for what a peer sends."""

    __slots__ = ("_buffer", "_max_bytes", "_max_lines", "environment", "state")

    def __init__(self, max_bytes: int, max_lines: int) -> None:
        self._max_bytes = max_bytes
        self._max_lines = max_lines
        self._buffer = b"\n"
        self.state = ENVIRONMENT
        self.environment: Environment | None = None

    @property
    def is_empty(self) -> bool:
        """Whether not one byte came: a health check, when the peer ends here."""
        return self.state is ENVIRONMENT and self._buffer == b"\n"

    def receive(self, data: bytes) -> Event:
        """Take bytes, cut anywhere."""
        if self.state is ENVIRONMENT:
            return self._receive_environment(data)
        if self.state is DECIDING:
            return self._receive_while_deciding(data)
        if self.state is ANSWERED and len(self._buffer) < self._max_bytes:
            self._buffer += data
        return NOTHING

    def answered(self) -> None:
        """The commands are on their way; what comes now are their answers."""
        self.state = ANSWERED
        self._buffer = b""

    def command_errors(self) -> list[str]:
        """First lines of the answers other than 200: 510, 511, 520. Ask when the peer has ended."""
        buffer = self._buffer
        if self.state is not ANSWERED or not (b"\n5" in buffer or buffer.startswith(b"5")):
            return []
        lines = self._buffer.decode("ascii", "replace").splitlines()
        return [line for line in lines if line.startswith(("510", "511", "520-"))]

    def _receive_environment(self, data: bytes) -> Event:
        searched = len(self._buffer)
        buffer = self._buffer = self._buffer + data  # it begins with a line feed, as every line then does
        end = buffer.find(b"\n\n", searched - 1 if searched > 1 else 1)
        after = end + 2
        if end < 0 and b"\r" in data:
            end = buffer.find(b"\n\r\n", 1)
            after = end + 3
        if len(buffer) > self._max_bytes or buffer.count(b"\n", 0, max(end, 0)) > self._max_lines:
            return self._over(REFUSED)
        if end < 0:
            return self._over(HUNG_UP) if buffer.endswith(b"\n" + _HANGUP) else NOTHING
        self.environment = Environment(buffer[: end + 1])
        self.state = DECIDING
        self._buffer = b""
        rest = buffer[after:]
        if rest and self._receive_while_deciding(rest) is HUNG_UP:
            return HUNG_UP
        return REQUEST

    def _receive_while_deciding(self, data: bytes) -> Event:
        """Only HANGUP matters; lines a line feed in an argument made are left alone."""
        self._buffer = (b"\n" + self._buffer + data)[-self._max_bytes :]
        if b"\n" + _HANGUP in self._buffer:
            return self._over(HUNG_UP)
        self._buffer = self._buffer[self._buffer.rfind(b"\n") + 1 :]
        return NOTHING

    def _over(self, event: Event) -> Event:
        self.state = OVER
        self._buffer = b""
        return event
