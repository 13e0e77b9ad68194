"""The line between the supervisor and one of its processes: a pair of Unix sockets that keep messages apart.

    supervisor → Start, then Reload, Cover, Uncover, Ping and Retire    with the files it speaks of
    process    → Ready, once, then Pong to each Ping, Reloaded to each Reload

The process has its end as standard input. When the supervisor dies, however it dies, the line ends, and the
process leaves as if it were told to.
"""

import socket
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

_MAX_MESSAGE_BYTES = 65_536
_MAX_FILES = 65
"""The settings, and listening sockets of one slot: one for each address of `agi.listen`. The kernel's own
limit is 253."""


class Start(msgspec.Struct, tag="start", frozen=True):
    """What to be. The settings come along, as `SettingsFile`; then the sockets.

    A worker gets its slot's listening sockets, the reporting process that of the feed.
    """

    slot: int
    """From 1; 0 is the reporting process."""
    feed: str
    """Path of the feed's socket."""


class Reload(msgspec.Struct, tag="reload", frozen=True):
    """Go by other settings, which come along. For the reporting process; workers are replaced."""


class Cover(msgspec.Struct, tag="cover", frozen=True):
    """Take the calls of this slot too; its listening sockets come along."""

    slot: int


class Uncover(msgspec.Struct, tag="uncover", frozen=True):
    """The slot has a worker of its own again."""

    slot: int


class Retire(msgspec.Struct, tag="retire", frozen=True):
    """Another has your slot's calls: finish yours in peace, and leave."""


class Ping(msgspec.Struct, tag="ping", frozen=True):
    """Answer, if your loop still turns."""


class Ready(msgspec.Struct, tag="ready", frozen=True):
    """All is open."""

    notes: Sequence[str] = ()
    """What people want to know, such as where it listens; the supervisor logs them."""


class Reloaded(msgspec.Struct, tag="reloaded", frozen=True):
    """Done, or not."""

    problem: str = ""
    """Why the settings before are still in force; "" when they are not."""


class Pong(msgspec.Struct, tag="pong", frozen=True):
    """It turns."""


Order = Start | Reload | Cover | Uncover | Retire | Ping
Word = Ready | Reloaded | Pong


class File(Protocol):
    """What has a descriptor: a socket, a `SettingsFile`."""

    def fileno(self) -> int:
        """The descriptor."""
        ...


class LineError(Exception):
    """The line has ended, or what came is no message of ours."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Both ends: the supervisor's, and the one for the process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(0)
    return ours, theirs


def send(line: socket.socket, message: Order | Word, files: Sequence[File] = ()) -> None:
    """Send a message and files, which stay open here. Raises `LineError`."""
    try:
        content, flags = msgspec.json.encode(message), socket.MSG_NOSIGNAL
        socket.send_fds(line, [content], [file.fileno() for file in files], flags)
    except OSError as error:
        raise LineError(f"cannot be told {message!r}: {error.strerror}") from error


def receive(line: socket.socket, kind: Any) -> tuple[Any, list[int]]:
    """The next message of `kind` (`Order` or `Word`) and the descriptors of its files, now ours.

    Raises `LineError`; `BlockingIOError` or `TimeoutError` when there is none, as the socket is set.
    """
    try:
        content, descriptors, _, _ = socket.recv_fds(
            line, _MAX_MESSAGE_BYTES, _MAX_FILES, socket.MSG_CMSG_CLOEXEC
        )
    except (BlockingIOError, TimeoutError):
        raise
    except OSError as error:
        raise LineError(f"cannot be heard: {error.strerror}") from error
    if not content:
        raise LineError("has ended")
    try:
        return msgspec.json.decode(content, type=kind), descriptors
    except msgspec.DecodeError as error:
        raise LineError(f"says what makes no sense: {error}") from error
