"""The bytes of an AMI connection, cut into the messages the gateway wants; no sockets, no tasks.

    stream  = banner *message
    banner  = "Asterisk Call Manager/" version CRLF
    message = 1*(key ": " value CRLF) CRLF          values are C-escaped, so no value holds a line end

A message's first line says what it is. Whatever is not wanted is passed over by its bytes alone: an
unfiltered Asterisk sends fifty times as much as the gateway needs. While nothing but call ends is expected
(`only_hangups`) those are found by one search of the bytes, and what lies between is not even cut apart.

Source: manager.c of Asterisk, and the recordings of 16.28 and 22.10 in tests/fixtures/ami.
"""

from collections import deque
from enum import Enum
from typing import NamedTuple

from gateway.telemetry.metrics import AmiMetrics

MAX_MESSAGE_BYTES = 64 * 1024
"""Asterisk's own messages stay under 8 KiB with twenty channel variables of the greatest length."""
MAX_BANNER_BYTES = 256

END = b"\r\n\r\n"
"""What ends a message."""
BANNER = b"Asterisk Call Manager/"


class NotAsteriskError(Exception):
    """What answers is no Asterisk manager: the peer's fault, or the wrong port."""


class FrameKind(Enum):
    """What a message is; the value is how it begins."""

    HANGUP = b"Event: Hangup\r\n"
    STATUS = b"Event: Status\r\n"
    STATUS_COMPLETE = b"Event: StatusComplete\r\n"
    RESPONSE = b"Response: "


_KINDS = tuple((kind.value, kind) for kind in FrameKind)
_WANTED = tuple(kind.value for kind in FrameKind)
_KNOWN = b"Event: "
_NEXT_HANGUP = END + FrameKind.HANGUP.value


class Frame(NamedTuple):
    """One wanted message: its lines, without the empty one."""

    kind: FrameKind
    body: bytes


class AmiDecoder:
    """Feed it what arrives, take what it means. Counts what it passes over in `metrics`."""

    def __init__(self, metrics: AmiMetrics) -> None:
        self._metrics = metrics
        self._rest = b""
        """What follows the last whole message, the end of that message before it."""
        self._losing = False
        """Whether `_rest` is the end of a message that is already too long."""
        self._frames: deque[Frame] = deque()
        self._frame_bytes = 0
        self.only_hangups = False
        """Whether nothing else is wanted just now: no answer is awaited, and no list."""
        self.version: str | None = None
        """The protocol's version as the banner tells it, such as `11.0.0`; `None` before."""

    @property
    def waiting_bytes(self) -> int:
        """What arrived and was not taken yet, an incomplete message included."""
        return len(self._rest) + self._frame_bytes

    @property
    def has_frames(self) -> bool:
        """Whether wanted messages wait to be taken."""
        return bool(self._frames)

    def receive(self, data: bytes | bytearray, size: int | None = None) -> None:
        """Take the first `size` bytes of `data`, by itself all of them, cut anywhere; `data` is not kept.

        Raises `NotAsteriskError` when the first line is not a manager's.
        """
        stop = len(data) if size is None else size
        if self.version is None:
            self._rest = self._read_banner(self._rest + data[:stop])
            stop = 0
        # The message under way is completed alone, so that the many behind it are not copied.
        first = data.find(END, 0, stop) + len(END)
        if len(END) <= first < stop:
            self._read(self._rest + data[:first], 0, len(self._rest) + first)
            self._read(data, first - len(END), stop)
        else:
            self._read(self._rest + data[:stop], 0, len(self._rest) + stop)

    def _read(self, buffer: bytes | bytearray, start: int, stop: int) -> None:
        """Take the messages between `start` and `stop` that are whole; another's end stands at `start`."""
        end = -1 if self.version is None else buffer.rfind(END, start, stop)
        if end > start:
            before, known = self._frame_bytes, len(self._frames)
            if self.only_hangups:
                self._find_hangups(buffer, start, end)
            else:
                self._cut_apart(buffer, start, end)
            wanted = self._frame_bytes - before + len(END) * (len(self._frames) - known)
            self._metrics.passed_over_bytes += end - start - wanted
            self._losing = False
            start = end
        elif stop - start > MAX_MESSAGE_BYTES + 2 * len(END):
            self._metrics.oversized += not self._losing
            self._losing = True
            start = stop + 1 - len(END)
        self._rest = bytes(buffer[start:stop])

    def frames(self, limit: int) -> list[Frame]:
        """The next wanted messages, at most `limit`; fewer when there are no more yet."""
        frames = [self._frames.popleft() for _ in range(min(limit, len(self._frames)))]
        for frame in frames:
            self._frame_bytes -= len(frame.body)
        return frames

    def _find_hangups(self, buffer: bytes | bytearray, start: int, end: int) -> None:
        """Find the Hangup events between the ends of messages at `start` and `end`."""
        start = buffer.find(_NEXT_HANGUP, start, end)
        while start >= 0:
            stop = buffer.find(END, start + len(END))
            self._keep(FrameKind.HANGUP, bytes(buffer[start:stop]))
            start = buffer.find(_NEXT_HANGUP, stop, end)

    def _cut_apart(self, buffer: bytes | bytearray, start: int, end: int) -> None:
        """Look at each message that is whole; the first piece belongs to one taken or lost."""
        for message in bytes(buffer[start:end]).split(END)[1:]:
            if message.startswith(_KNOWN) and not message.startswith(_WANTED):
                continue
            body = message.strip(b"\r\n")  # an empty line too many harms nothing
            for beginning, kind in _KINDS:
                if (body + b"\r\n").startswith(beginning):
                    self._keep(kind, body)
                    break
            else:
                self._metrics.strange += bool(body) and not body.startswith(_KNOWN)

    def _keep(self, kind: FrameKind, body: bytes) -> None:
        if len(body) > MAX_MESSAGE_BYTES:
            self._metrics.oversized += 1
            return
        body = body.strip(b"\r\n")
        self._frames.append(Frame(kind, body))
        self._frame_bytes += len(body)

    def _read_banner(self, buffer: bytes) -> bytes:
        """What follows the banner, as if a message had ended before; `buffer` while that is not whole."""
        line, end, rest = buffer.partition(b"\r\n")
        begins_well = line.startswith(BANNER) if end else BANNER.startswith(line[: len(BANNER)])
        if not begins_well or len(line) > MAX_BANNER_BYTES:
            said = line[:40].decode("ascii", "replace")
            raise NotAsteriskError(f"a manager of Asterisk begins with its version, this one with {said!r}")
        if not end:
            return buffer
        self.version = line[len(BANNER) :].decode("ascii", "replace").strip()
        return END + rest
