"""Asterisk's side of one manager session, without sockets: bytes come in, bytes go out.

What makes it Asterisk: before the login every action but Challenge, Login and Logoff is denied, Ping too;
after a wrong password it answers and closes a second later; what a user may see and do is by class; events
of classes not asked for (`Events:` of Login) are not sent; Status passes the event filter.

Source: Asterisk 22.10 with asterisk-config/manager_gateway.conf, asked by hand.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gateway.simulator.ami_events import AmiChannel, block

CHANNELVARS = ("GATEWAY", "DIALSTATUS", "ANSWEREDTIME")
CHALLENGE = "523206011"
_OPEN_TO_ALL = frozenset({"challenge", "login", "logoff"})
_CLASSES = {
    "status": {"system", "call", "reporting"},
    "coresettings": {"system", "reporting"},
    "filter": {"system"},
    "originate": {"originate"},
    "command": {"command"},
}
"""Which of these classes a user must have for `write`; actions not named need none."""


@dataclass(frozen=True, slots=True)
class AmiUser:
    """A section of manager.conf, and of `[general]` what concerns events."""

    name: str = "gateway"
    secret: str = "simulated-secret"  # noqa: S105 - the simulator's own
    read: frozenset[str] = frozenset({"call"})
    write: frozenset[str] = frozenset({"reporting"})
    channelvars: tuple[str, ...] = CHANNELVARS
    filtered: bool = True
    """Whether `eventfilter` lets only Hangup events with `GATEWAY=1` pass."""
    timestamps: bool = False
    """`timestampevents`."""


@dataclass(slots=True)
class AmiSession:
    """Feed it bytes; `closing` says that Asterisk closes the connection when the answers are out."""

    user: AmiUser
    channels: Callable[[], Iterable[AmiChannel]]
    version: str = "22.10.1"
    authenticated: bool = False
    closing: bool = False
    shutting_down: bool = False
    """Whether Asterisk stops: then it refuses every action."""
    actions: list[str] = field(default_factory=list)
    """Names of all actions so far, in lower case."""
    _events: frozenset[str] = frozenset({"all"})
    _buffer: bytes = b""

    @property
    def greeting(self) -> bytes:
        """The first line."""
        return b"Asterisk Call Manager/11.0.0\r\n"

    def receive(self, data: bytes) -> list[bytes]:
        """The answers to the actions now complete."""
        *actions, self._buffer = (self._buffer + data).split(b"\r\n\r\n")
        answers: list[bytes] = []
        for action in actions:
            if not self.closing:
                answers += self._answer(action.decode(errors="replace"))
        return answers

    def hears(self, event: bytes, event_class: str = "call") -> bool:
        """Whether this session gets the event: by its rights, its `Events:`, and the filter."""
        wanted = self.user.read & {event_class, "all"} and self._events & {event_class, "all"}
        if not self.authenticated or not wanted:
            return False
        passes = event.startswith(b"Event: Hangup\r\n") and b"\r\nChanVariable: GATEWAY=1" in event
        return passes or not self.user.filtered

    def _answer(self, text: str) -> list[bytes]:
        fields: dict[str, str] = {}
        for line in text.split("\r\n"):
            name, _, value = line.partition(": ")
            fields.setdefault(name.lower(), value)
        action = fields.get("action", "").lower()
        self.actions.append(action)
        head = [f"ActionID: {fields['actionid']}"] if "actionid" in fields else []
        if self.shutting_down:
            return [_error(head, "Asterisk is shutting down")]
        if not action:
            return [_error(head, "Missing action in request")]
        if not self.authenticated and action not in _OPEN_TO_ALL:
            return [_error(head, "Permission denied")]
        if action in _CLASSES and not self.user.write & (_CLASSES[action] | {"all"}):
            return [_error(head, "Permission denied")]
        return self._act(action, fields, head)

    def _act(self, action: str, fields: dict[str, str], head: list[str]) -> list[bytes]:
        match action:
            case "challenge":
                return [_success(head, f"Challenge: {CHALLENGE}")]
            case "login":
                return [self._log_in(fields, head)]
            case "ping":
                return [_success(head, "Ping: Pong", "Timestamp: 1795181165.172619")]
            case "events":
                self._events = _classes(fields.get("eventmask", "on"))
                return [_success(head, "Events: On" if self._events else "Events: Off")]
            case "coresettings":
                system = f"AsteriskVersion: {self.version}"
                return [_success(head, "AMIversion: 11.0.0", system, "SystemName: ", "CoreMaxCalls: 0")]
            case "status":
                return self._list_channels(fields.get("actionid", ""), head)
            case "logoff":
                self.closing = True
                return [block("Response: Goodbye", *head, "Message: Thanks for all the fish.")]
        say = f"Invalid/unknown command: {action}. Use Action: ListCommands to show available commands."
        return [_error(head, say)]

    def _log_in(self, fields: dict[str, str], head: list[str]) -> bytes:
        by_challenge = hashlib.md5((CHALLENGE + self.user.secret).encode(), usedforsecurity=False).hexdigest()
        is_md5 = fields.get("authtype", "").upper() == "MD5"
        given = fields.get("key" if is_md5 else "secret", "")
        expected = by_challenge if is_md5 else self.user.secret
        if fields.get("username") != self.user.name or not hmac.compare_digest(given, expected):
            self.closing = True
            return _error(head, "Authentication failed")
        self.authenticated = True
        self._events = _classes(fields.get("events", "on"))
        return _success(head, "Message: Authentication accepted")

    def _list_channels(self, action_id: str, head: list[str]) -> list[bytes]:
        entries = [channel.status(self.user.channelvars, action_id) for channel in self.channels()]
        count = len(entries)
        start = _success(head, "EventList: start", "Message: Channel status will follow")
        counts = ("EventList: Complete", f"ListItems: {count}", f"Items: {count}")
        return [start, *entries, block("Event: StatusComplete", *head, *counts)]


def _classes(mask: str) -> frozenset[str]:
    if mask.lower() in {"on", "yes", "true", "all"}:
        return frozenset({"all"})
    return frozenset() if mask.lower() in {"off", "no", "false", ""} else frozenset(mask.split(","))


def _success(head: list[str], *lines: str) -> bytes:
    return block("Response: Success", *head, *lines)


def _error(head: list[str], message: str) -> bytes:
    return block("Response: Error", *head, f"Message: {message}")
