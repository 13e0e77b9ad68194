"""A small AMI client: sends actions, keeps every event."""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Self

from tests.asterisk.wait import wait_for

PING_EVERY_S = 0.3
"""Asterisk 22.10 may hold an event back until something else happens on the session."""


class Message:
    """One event or response; a header may come several times."""

    def __init__(self, block: str) -> None:
        self._headers: dict[str, list[str]] = {}
        for line in block.split("\r\n"):
            name, _, value = line.partition(": ")
            self._headers.setdefault(name, []).append(value)

    def get(self, name: str) -> str:
        """The first value of a header, "" when it is missing."""
        return self._headers.get(name, [""])[0]

    @property
    def variables(self) -> dict[str, str]:
        """The channel variables Asterisk sent along."""
        pairs = (value.partition("=") for value in self._headers.get("ChanVariable", []))
        return {name: value for name, _, value in pairs}

    def __repr__(self) -> str:
        return f"Message({self._headers!r})"


class Ami:
    """A logged-in session; a context manager."""

    def __init__(self, port: int, user: str, secret: str) -> None:
        self._port = port
        self._login = {"Username": user, "Secret": secret}
        self._ids = count(1)
        self._responses: dict[str, Message] = {}
        self._events: dict[str, list[Message]] = {}
        self._last_ping = 0.0

    def __enter__(self) -> Self:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=5)
        self._socket.settimeout(None)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        answer = self.act("Login", self._login)
        assert answer.get("Response") == "Success", answer
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # Asterisk may have closed already
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(timeout=5)
        self._socket.close()

    def act(
        self, action: str, fields: Mapping[str, str], variables: Mapping[str, str] | None = None
    ) -> Message:
        """Sends an action and gives its response."""
        number = self._send(action, fields, variables or {})
        return wait_for(lambda: self._responses.get(number), f"the response to {action}")

    def events(self, name: str) -> list[Message]:
        """The events of that name so far."""
        return list(self._events.get(name, []))

    def event_names(self) -> set[str]:
        """The kinds of events so far."""
        return set(self._events)

    def event(self, name: str, match: Callable[[Message], object], *, within_s: float = 10) -> Message:
        """The first event that matches, waited for."""
        return wait_for(lambda: self._find(name, match), f"an event {name}", within_s=within_s)

    def _find(self, name: str, match: Callable[[Message], object]) -> Message | None:
        assert self._reader.is_alive(), "Asterisk closed the AMI session"
        if time.monotonic() - self._last_ping > PING_EVERY_S:
            self._last_ping = time.monotonic()
            self._send("Ping", {}, {})
        return next((event for event in self.events(name) if match(event)), None)

    def _send(self, action: str, fields: Mapping[str, str], variables: Mapping[str, str]) -> str:
        number = str(next(self._ids))
        lines = [f"Action: {action}", f"ActionID: {number}"]
        lines += [f"{key}: {value}" for key, value in fields.items()]
        lines += [f"Variable: {key}={value}" for key, value in variables.items()]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        return number

    def _read(self) -> None:
        buffer = b""
        while chunk := self._received():
            *blocks, buffer = (buffer + chunk).split(b"\r\n\r\n")
            for block in blocks:
                self._keep(Message(block.decode(errors="replace")))

    def _received(self) -> bytes:
        with suppress(ConnectionResetError):  # Asterisk closed with an action of ours unread
            return self._socket.recv(65536)
        return b""

    def _keep(self, message: Message) -> None:
        # an OriginateResponse event has a Response header too
        if message.get("Event"):
            self._events.setdefault(message.get("Event"), []).append(message)
        else:
            self._responses[message.get("ActionID")] = message
