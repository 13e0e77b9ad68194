"""Channels as Asterisk's manager speaks of them: Hangup events and Status entries, escapes and all.

Source: the recordings in tests/fixtures/ami, and Asterisk 22.10 asked for Status.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

_ESCAPES = str.maketrans(
    {special: f"\\{letter}" for special, letter in zip("\a\b\f\n\r\t\v\\'\"?", "abfnrtv\\'\"?", strict=True)}
)


def escape(value: str) -> str:
    """A value as Asterisk writes it into an event."""
    return value.translate(_ESCAPES)


@dataclass(frozen=True, slots=True)
class AmiChannel:
    """One channel, with what its Hangup event will say."""

    uniqueid: str
    name: str = "PJSIP/agent-00000001"
    variables: Mapping[str, str] = field(default_factory=dict)
    state: int = 6
    """6 is Up, 4 is Ring, 0 is Down."""
    cause: int = 16
    tech_cause: str = ""

    def hangup(self, channelvars: tuple[str, ...], timestamp: float | None = None) -> bytes:
        """Its Hangup event, with a `Timestamp` when the manager has `timestampevents=yes`."""
        at = [] if timestamp is None else [f"Timestamp: {timestamp:.6f}"]
        ending = [f"Cause: {self.cause}", "Cause-txt: Normal Clearing"]
        if self.tech_cause:
            ending.append(f"TechCause: {self.tech_cause}")
        return block("Event: Hangup", "Privilege: call,all", *at, *self._snapshot(channelvars), *ending)

    def status(self, channelvars: tuple[str, ...], action_id: str) -> bytes:
        """Its entry in the list `Action: Status` gives."""
        ending = ["Type: PJSIP", "DNID: ", "TimeToHangup: 0", "Application: Dial", "Seconds: 2"]
        snapshot = self._snapshot(channelvars)
        return block("Event: Status", "Privilege: Call", *snapshot, *ending, f"ActionID: {action_id}")

    def _snapshot(self, channelvars: tuple[str, ...]) -> list[str]:
        words = {0: "Down", 4: "Ring", 5: "Ringing", 6: "Up"}
        return [
            f"Channel: {self.name}",
            f"ChannelState: {self.state}",
            f"ChannelStateDesc: {words.get(self.state, 'Unknown')}",
            "CallerIDNum: 7001",
            "CallerIDName: <unknown>",
            "ConnectedLineNum: <unknown>",
            "ConnectedLineName: <unknown>",
            "Language: en",
            "AccountCode: ",
            "Context: outbound",
            "Exten: s",
            "Priority: 1",
            f"Uniqueid: {self.uniqueid}",
            f"Linkedid: {self.uniqueid}",
            *(f"ChanVariable: {name}={escape(self.variables.get(name, ''))}" for name in channelvars),
        ]


def block(*lines: str) -> bytes:
    """Lines as one message."""
    return "\r\n".join([*lines, "", ""]).encode()
