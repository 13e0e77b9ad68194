"""The environment: what Asterisk tells about the call before it takes commands.

Grammar: lines `agi_NAME: VALUE`, ended by an empty line. Arguments are `agi_arg_1` to `agi_arg_N`, last.
A line feed inside an argument makes further lines, so the first line of a name is the true one.
Values are looked up when asked for: a call needs few of its 26 lines.
"""

from urllib.parse import parse_qsl

_UNKNOWN = "unknown"
_MAX_QUERY_FIELDS = 64
_ARGUMENT = "agi_arg_"


class Environment:
    """One environment block, without its ending empty line."""

    __slots__ = ("_script", "_text")

    def __init__(self, block: bytes) -> None:
        text = f"\n{block.decode('utf-8', 'replace')}\n"
        self._text = text.replace("\r\n", "\n") if "\r" in text else text
        self._script = self.value("network_script")

    def value(self, name: str) -> str:
        """The value of `agi_<name>`; "" when it is absent, empty, or Asterisk's word `unknown`."""
        text = self._text
        start = text.find(f"\nagi_{name}:")
        if start < 0:
            return ""
        start += len(name) + 6
        value = text[start : text.index("\n", start)].strip()
        return "" if value == _UNKNOWN else value

    @property
    def verb(self) -> str:
        """The path of the agi:// URL: what is asked for. "" when the URL has none."""
        return self._script.partition("?")[0].strip("/")

    @property
    def query(self) -> dict[str, str]:
        """The query of the agi:// URL, percent-decoded; the first value of a key counts."""
        if "?" not in self._script:
            return {}
        query = self._script.partition("?")[2]
        try:
            pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
        except ValueError:
            return {}
        return dict(reversed(pairs))

    @property
    def arguments(self) -> list[str]:
        """The arguments in order, without the place of the first missing number and those after it."""
        start = self._text.find("\nagi_arg_1:")
        if start < 0:
            return []
        found: dict[str, str] = {}
        for line in self._text[start + 1 : -1].split("\n"):
            if line.startswith(_ARGUMENT):
                number, _, value = line.partition(":")
                found.setdefault(number, value)
        values: list[str] = []
        while (text := found.get(f"{_ARGUMENT}{len(values) + 1}")) is not None:
            values.append(text.removeprefix(" "))
        return values
