"""The environment: what Asterisk tells about the call before it takes commands.

Grammar: lines `agi_NAME: VALUE`, ended by an empty line. Arguments are `agi_arg_1` to `agi_arg_N`, last.
A line feed inside an argument makes further lines, so the first line of a name is the true one.
Values are looked up when asked for: a call needs few of its 26 lines.
"""

import re
from urllib.parse import parse_qsl

_ARGUMENT = re.compile(rb"\nagi_arg_([0-9]{1,3}): ?([^\n]*)")
_UNKNOWN = "unknown"
_MAX_QUERY_FIELDS = 64


class Environment:
    """One environment block, without its ending empty line."""

    __slots__ = ("_block",)

    def __init__(self, block: bytes) -> None:
        self._block = b"\n" + block + b"\n"

    def value(self, name: str) -> str:
        """The value of `agi_<name>`; "" when it is absent, empty, or Asterisk's word `unknown`."""
        needle = b"\nagi_" + name.encode() + b":"
        start = self._block.find(needle)
        if start < 0:
            return ""
        start += len(needle)
        value = _text(self._block[start : self._block.index(b"\n", start)]).strip()
        return "" if value == _UNKNOWN else value

    @property
    def verb(self) -> str:
        """The path of the agi:// URL: what is asked for. "" when the URL has none."""
        return self.value("network_script").partition("?")[0].strip("/")

    @property
    def query(self) -> dict[str, str]:
        """The query of the agi:// URL, percent-decoded; the first value of a key counts."""
        _, _, query = self.value("network_script").partition("?")
        if not query:
            return {}
        try:
            pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
        except ValueError:
            return {}
        return dict(reversed(pairs))

    @property
    def arguments(self) -> list[str]:
        """The arguments in order, without the place of the first missing number and those after it."""
        start = self._block.find(b"\nagi_arg_1:")
        if start < 0:
            return []
        found: dict[int, bytes] = {}
        for match in _ARGUMENT.finditer(self._block, start):
            found.setdefault(int(match[1]), match[2])
        values: list[str] = []
        while len(values) + 1 in found:
            values.append(_text(found[len(values) + 1]))
        return values


def _text(value: bytes) -> str:
    return value.rstrip(b"\r").decode("utf-8", "replace")
