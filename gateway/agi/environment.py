"""The environment: what Asterisk tells about the call before it takes commands.

Grammar: lines `agi_NAME: VALUE`, ended by an empty line. Arguments are `agi_arg_1` to `agi_arg_N`, last.
A line feed inside an argument makes further lines, so the first line of a name is the true one.
Values are looked up when asked for: a call needs few of its 26 lines.
"""

import re
from urllib.parse import parse_qsl

_UNKNOWN = "unknown"
_MAX_QUERY_FIELDS = 64
_FIRST_ARGUMENT = b"\nagi_arg_1:"
_SCRIPT = b"\nagi_network_script: "
UNIQUEID = b"\nagi_uniqueid: "
"""How the line with the channel's uniqueid begins, for `Environment.after`."""
_USUAL = re.compile(
    rb"\nagi_arg_1: (\+?[0-9]{1,15})\n"
    rb"(?:agi_arg_2: ([0-9]{5}|)\n(?:agi_arg_3: ([A-Za-z0-9_.-]{0,64})\n)?)?\Z"
)
"""Plain phone, zip and campaign and nothing else: what nearly every call says."""


class Environment:
    """One environment block: a line feed, then its lines, each ended by one, without the empty line."""

    __slots__ = ("_block", "peer", "script")

    def __init__(self, block: bytes) -> None:
        self.peer = ""
        """Address of the PBX, as the connection has it; "" when nobody said."""
        self._block = block.replace(b"\r\n", b"\n") if b"\r" in block else block
        self.script = _text(self.after(_SCRIPT))
        """Path and query of the agi:// URL; "" when it has none."""

    def after(self, beginning: bytes) -> bytes:
        """The rest of the first line that begins so (a line feed, the name, a colon, a space), as it came."""
        block = self._block
        start = block.find(beginning)
        if start < 0:
            return b""
        start += len(beginning)
        return block[start : block.index(b"\n", start)]

    def value(self, name: str) -> str:
        """The value of `agi_<name>`; "" when it is absent, empty, or Asterisk's word `unknown`."""
        value = _text(self.after(b"\nagi_%b: " % name.encode())).strip()
        return "" if value == _UNKNOWN else value

    @property
    def request(self) -> bytes:
        """All that an answer depends on, beside the channel: the argument lines; b"" when it is more."""
        start = self._block.find(_FIRST_ARGUMENT)
        return self._block[start:] if start >= 0 and "?" not in self.script else b""

    @property
    def query(self) -> dict[str, str]:
        """The query of the agi:// URL, percent-decoded; the first value of a key counts."""
        query = self.script.partition("?")[2]
        try:
            pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
        except ValueError:
            return {}
        return dict(reversed(pairs))

    def usual_arguments(self) -> tuple[str, str, str] | None:
        """Phone, zip and campaign, when the arguments are just these and plain; otherwise `None`."""
        block = self._block
        usual = _USUAL.match(block, max(block.find(_FIRST_ARGUMENT), 0))
        if usual is None or "?" in self.script:
            return None
        phone, code, campaign = usual.groups(b"")
        return phone.decode(), code.decode(), campaign.decode()

    @property
    def arguments(self) -> list[str]:
        """The arguments in order, without the place of the first missing number and those after it."""
        start = self._block.find(_FIRST_ARGUMENT)
        if start < 0:
            return []
        found: dict[bytes, bytes] = {}
        for line in self._block[start + 1 : -1].split(b"\n"):
            name, _, value = line.partition(b":")
            found.setdefault(name, value.removeprefix(b" "))
        values: list[str] = []
        while (text := found.get(b"agi_arg_%d" % (len(values) + 1))) is not None:
            values.append(_text(text))
        return values


def verb_of(script: str) -> str:
    """What is asked for: the path of the agi:// URL without its query."""
    return script.partition("?")[0].strip("/")


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
