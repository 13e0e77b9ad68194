"""What workers and the reporting process say to each other. No sockets here: bytes in, messages out.

    frame   = length (4 bytes, big-endian, of what follows), then one message in MessagePack
    worker  → Hello, then Ended, Assigned and Told in any order
    reports → Prewarmed as often as needed, Welcome; then Settled, Prewarmed and Watched in any order

An `Ended` is repeated on each new connection until a `Settled` names it: the record's `dial_id` makes the
second one no second record. All else may be lost with a connection and nothing is wrong.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gateway.model.dial import CallEnd
from gateway.model.variables import CallState
from gateway.telemetry.figures import CallFigures

MAX_FRAME_BYTES = 4_194_304
"""Ten times a usual full `Assigned`. A longer one is no frame of ours."""
MAX_ROWS = 500
"""Most entries of one `Assigned` or `Prewarmed`: a frame costs its reader a millisecond at most."""
_LENGTH_BYTES = 4


class Hello(msgspec.Struct, tag="hello", array_like=True, frozen=True):
    """The first message of a connection."""

    slot: int
    """Which worker it is, from 1."""
    born: float = 0.0
    """When it began to run, seconds since the epoch: tells it from its successor in the slot."""


class Ended(msgspec.Struct, tag="ended", array_like=True, frozen=True):
    """A call has ended, as the dialplan told the worker."""

    serial: int
    """Its number within this worker process."""
    end: CallEnd


class Assigned(msgspec.Struct, tag="assigned", array_like=True, frozen=True):
    """Calls that have their answer: PBX address, state, uniqueid."""

    calls: Sequence[tuple[str, CallState, str]]


class Told(msgspec.Struct, tag="told", array_like=True, frozen=True):
    """What a worker has counted since it started; the newest replaces the one before."""

    figures: CallFigures


class Settled(msgspec.Struct, tag="settled", array_like=True, frozen=True):
    """Ends that need not be repeated."""

    safe: Sequence[int] = ()
    """On disk, or known to make no record."""
    lost: Sequence[int] = ()


class Prewarmed(msgspec.Struct, tag="prewarmed", array_like=True, frozen=True):
    """Numbers assigned ahead of their calls: prospect and ANI in E.164 with plus, campaign, seconds left."""

    rows: Sequence[tuple[str, str, str, float]]


class Watched(msgspec.Struct, tag="watched", array_like=True, frozen=True):
    """Somebody looks at the last calls: tell of them for some seconds."""


class Welcome(msgspec.Struct, tag="welcome", array_like=True, frozen=True):
    """All that was prewarmed before has been told."""


FromWorker = Hello | Ended | Assigned | Told
ToWorker = Settled | Prewarmed | Watched | Welcome

_encoder = msgspec.msgpack.Encoder()


class FeedError(Exception):
    """The other side sent what is no message; the connection is of no more use."""


def frame(message: FromWorker | ToWorker) -> bytes:
    """The message on the wire. Characters no wire takes (lone surrogates) become question marks."""
    try:
        content = _encoder.encode(message)
    except UnicodeEncodeError:
        content = _encoder.encode(_writable(msgspec.to_builtins(message)))
    return len(content).to_bytes(_LENGTH_BYTES, "big") + content


class Frames:
    """Cuts a stream into messages, however its bytes arrive."""

    def __init__(self, kind: Any) -> None:
        """`kind` is the union of the messages expected: `FromWorker` or `ToWorker`."""
        self._decode: Callable[[bytes], Any] = msgspec.msgpack.Decoder(kind).decode
        self._rest = b""

    def feed(self, data: bytes) -> list[Any]:
        """The messages complete by now. Raises `FeedError`."""
        rest = self._rest + data if self._rest else data
        messages, start = [], 0
        while len(rest) - start >= _LENGTH_BYTES:
            begin = start + _LENGTH_BYTES
            length = int.from_bytes(rest[start:begin], "big")
            if length > MAX_FRAME_BYTES:
                raise FeedError("a frame too large to be ours")
            if len(rest) < begin + length:
                break
            messages.append(self._message(rest[begin : begin + length]))
            start = begin + length
        self._rest = rest[start:]
        return messages

    def _message(self, content: bytes) -> Any:
        try:
            return self._decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FeedError(f"a message that makes no sense: {error}") from error


def _writable(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_writable(key): _writable(content) for key, content in value.items()}
        case list() | tuple():
            return [_writable(content) for content in value]
        case _:
            return value
