"""The bytes of an AMI connection, cut into the messages the gateway wants; no sockets, no tasks.

    stream  = banner *message
    banner  = "Asterisk Call Manager/" version CRLF
    message = 1*(key ": " value CRLF) CRLF          values are C-escaped, so no value holds a line end

A message's first line says what it is. Whatever is not wanted is passed over by its bytes alone: an
unfiltered Asterisk sends fifty times as much as the gateway needs, and none of that is looked at twice.

Source: manager.c of Asterisk, and the recordings of 16.28 and 22.10 in tests/fixtures/ami.
"""

from enum import Enum
from typing import NamedTuple

from gateway.telemetry.metrics import AmiMetrics

MAX_MESSAGE_BYTES = 64 * 1024
"""Asterisk's own messages stay under 8 KiB with twenty channel variables of the greatest length."""
MAX_BANNER_BYTES = 256

_END = b"\r\n\r\n"
_BANNER = b"Asterisk Call Manager/"


class NotAsteriskError(Exception):
    """What answers is no Asterisk manager: the peer's fault, or the wrong port."""


class FrameKind(Enum):
    """What a message is; the value is how it begins."""

    HANGUP = b"Event: Hangup\r\n"
    STATUS = b"Event: Status\r\n"
    STATUS_COMPLETE = b"Event: StatusComplete\r\n"
    RESPONSE = b"Response: "


_WANTED = tuple(kind.value for kind in FrameKind)
_KNOWN = b"Event: "


class Frame(NamedTuple):
    """One wanted message: its lines, without the empty one."""

    kind: FrameKind
    body: bytes


class AmiDecoder:
    """Feed it what arrives, take what it means. Counts what it passes over in `metrics`."""

    def __init__(self, metrics: AmiMetrics) -> None:
        self._metrics = metrics
        self._buffer = b""
        self._searched = 0
        """Bytes of the buffer known to hold no end of message, counted from its start."""
        self._losing = False
        """Whether the buffer begins within a message that is already too long."""
        self.version: str | None = None
        """The protocol's version as the banner tells it, such as `11.0.0`; `None` before."""

    @property
    def waiting_bytes(self) -> int:
        """What arrived and was not taken yet, an incomplete message included."""
        return len(self._buffer)

    def receive(self, data: bytes) -> None:
        """Take bytes, cut anywhere. Raises `NotAsteriskError` when the first line is not a manager's."""
        self._buffer += data
        if self.version is None:
            self._read_banner()

    def frames(self, limit: int) -> list[Frame]:
        """The next wanted messages, at most `limit`; fewer when there are no more yet."""
        frames: list[Frame] = []
        if self.version is None:
            return frames
        buffer, start, searched, passed = self._buffer, 0, self._searched, 0
        while len(frames) < limit:
            end = buffer.find(_END, searched)
            if end < 0:
                searched = max(start, len(buffer) - len(_END) + 1)
                break
            if not buffer.startswith(_WANTED, start) and buffer.startswith(_KNOWN, start):
                passed += not self._losing
                self._losing = False
            elif (frame := self._frame(buffer, start, end)) is not None:
                frames.append(frame)
            searched = start = end + len(_END)
        self._metrics.passed_over += passed
        self._keep(start, searched)
        return frames

    def _frame(self, buffer: bytes, start: int, end: int) -> Frame | None:
        while start < end and buffer.startswith(b"\r\n", start):  # an empty line too many harms nothing
            start += 2
        if self._losing or end - start > MAX_MESSAGE_BYTES:
            self._metrics.oversized += not self._losing
            self._losing = False
            return None
        for kind in FrameKind:
            if buffer.startswith(kind.value, start, end + 2):
                return Frame(kind, buffer[start:end])
        if buffer.startswith(_KNOWN, start):
            self._metrics.passed_over += 1
        else:
            self._metrics.strange += 1
        return None

    def _keep(self, start: int, searched: int) -> None:
        """Forget what was taken, and the head of a message no one will want."""
        rest = len(self._buffer) - start
        if rest > MAX_MESSAGE_BYTES + len(_END) - 1 and searched > start:
            self._metrics.oversized += not self._losing
            self._losing = True
            start = searched
        self._buffer = self._buffer[start:]
        self._searched = searched - start

    def _read_banner(self) -> None:
        line, end, rest = self._buffer.partition(b"\r\n")
        begins_well = line.startswith(_BANNER) if end else _BANNER.startswith(line[: len(_BANNER)])
        if not begins_well or len(line) > MAX_BANNER_BYTES:
            said = line[:40].decode("ascii", "replace")
            raise NotAsteriskError(f"a manager of Asterisk begins with its version, this one with {said!r}")
        if end:
            self.version = line[len(_BANNER) :].decode("ascii", "replace").strip()
            self._buffer = rest
