"""Asterisk's side of a FastAGI conversation, without sockets: bytes come in, bytes go out.

What makes it Asterisk and not just any client:

- It looks at its input only while the socket is readable, and reads it through a buffer, a line at a time.
  A second command that came in the same segment lies in the buffer, unseen, until more bytes or the end
  of input arrive: two commands in one write stall, unless a half-close follows.
- A line longer than its buffer is cut, and the rest runs as a command of its own.
- When the caller hangs up it writes `HANGUP` and waits for the server to close, without limit;
  with AGIEXITONHANGUP=yes it leaves at once; with AGISIGHUP=no it writes nothing.
- At every end it writes `HANGUP`, even into a closed connection.

Source: run_agi of res_agi.c; tests/fixtures/agi holds the captured conversations this must repeat.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.simulator.channel import Channel
from gateway.simulator.words import split_words

LINE_LIMIT = 8_192
"""Buffer of one command line since 20.16, 21.11 and 22.6."""
OLD_LINE_LIMIT = 2_048
"""The same before, and in 16."""

_ERROR_CODES = (b"510", b"511", b"520")


class AgiStatus(StrEnum):
    """`AGISTATUS` as the dialplan sees it afterwards."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    HANGUP = "HANGUP"


@dataclass(slots=True)
class ResAgi:
    """One AGI() step on one channel, from the complete environment on.

    `protocol_errors` lists in words what a server must not do: commands Asterisk refuses (510, 511, 520),
    lines it would cut, bytes it cannot read, commands it never saw.
    """

    channel: Channel
    sighup: bool = True
    """AGISIGHUP: whether `HANGUP` is written on hang-up and at the end."""
    exit_on_hangup: bool = False
    """AGIEXITONHANGUP: whether a hang-up ends the step at once."""
    line_limit: int = LINE_LIMIT
    commands: int = 0
    finished: bool = False
    protocol_errors: list[str] = field(default_factory=list)
    _socket: bytes = b""
    _buffer: bytes = b""
    _eof: bool = False

    @property
    def status(self) -> AgiStatus:
        """What AGISTATUS will be once the step is over."""
        return AgiStatus.HANGUP if self.channel.hung_up else AgiStatus.SUCCESS

    def receive(self, data: bytes) -> list[bytes]:
        """The socket became readable with `data`: the answers to write."""
        self._socket += data
        answers: list[bytes] = []
        while self._socket and not self.finished and (line := self._next_line()) is not None:
            answers += self._run(line)
        return answers

    def receive_eof(self) -> list[bytes]:
        """The server closed its side: run all that waited, say HANGUP, and be finished."""
        self._eof = True
        answers: list[bytes] = []
        while not self.finished and (line := self._next_line()) is not None:
            answers += self._run(line)
        if not self.finished:
            answers += self._finish()
        return answers

    def hang_up(self) -> list[bytes]:
        """The caller hangs up."""
        if self.finished or self.channel.hung_up:
            return []
        self.channel.hung_up = True
        answers = [b"HANGUP\n"] if self.sighup else []
        return answers + self._finish() if self.exit_on_hangup else answers

    def give_up(self) -> None:
        """The simulation ends before the server closed; what Asterisk never saw is an error."""
        if self._buffer and not self.finished:
            count = self._buffer.count(b"\n") or 1
            self.protocol_errors.append(f"{count} command(s) never seen: sent together without a half-close")
        self.finished = True

    def _finish(self) -> list[bytes]:
        self.finished = True
        return [b"HANGUP\n"] if self.sighup else []

    def _next_line(self) -> bytes | None:
        """The next line, or `None`; the socket is read only when the buffer holds no line."""
        if b"\n" not in self._buffer:
            self._buffer, self._socket = self._buffer + self._socket, b""
        end = self._buffer.find(b"\n", 0, self.line_limit - 1)
        if end >= 0:
            return self._take(end, skip=1)
        if len(self._buffer) >= self.line_limit - 1:
            self.protocol_errors.append(f"a line over {self.line_limit - 1} bytes is cut")
            return self._take(self.line_limit - 1)
        return self._take(len(self._buffer)) if self._eof and self._buffer else None

    def _take(self, size: int, *, skip: int = 0) -> bytes:
        line, self._buffer = self._buffer[:size], self._buffer[size + skip :]
        return line

    def _run(self, line: bytes) -> list[bytes]:
        self.commands += 1
        if b"\0" in line or b"\r" in line:
            self.protocol_errors.append(f"control character in the command {_shown(line)}")
        alive = not self.channel.hung_up
        answer = self.channel.run(split_words(line))
        if answer.startswith(_ERROR_CODES):
            self.protocol_errors.append(f"{answer[:3].decode()} to the command {_shown(line)}")
        answers = answer.splitlines(keepends=True)
        if alive and self.channel.hung_up:
            answers += [b"HANGUP\n"] if self.sighup else []
            answers += self._finish() if self.exit_on_hangup else []
        return answers


def _shown(line: bytes) -> str:
    return repr(line[:80].decode("utf-8", "replace"))
