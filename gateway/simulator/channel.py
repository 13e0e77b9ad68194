"""A channel as the AGI commands see it: variables, caller ID, state, and what each command answers.

Pure: words in, answer out. The answers are those of Asterisk 22.10 and 16.28 (tests/fixtures/agi).
Commands of Asterisk that have no part here are answered `200 result=0`; words that are no command
of Asterisk's at all get its 510.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.model.variables import CALLERID_NAME, CALLERID_NUM
from gateway.simulator.words import split_values

RING = 4
"""Channel state of a caller waiting for its call to be placed."""

INVALID_COMMAND = b"510 Invalid or unknown command\n"
DEAD_CHANNEL = b"511 Command Not Permitted on a dead channel or intercept routine\n"
_USAGE = b"520-Invalid command syntax.  Proper usage follows:\n%s\n520 End of proper usage.\n"

_CALLER_ID = re.compile(r'\s*"?(?P<name>[^"<]*?)"?\s*<(?P<num>[^>]*)>\s*')
_EXPRESSION = re.compile(r"\$\{([^${}]*)\}")
_NOT_SIMULATED = """
    answer|asyncagi break|control stream file|database del|database deltree|database get|database put
    get data|get option|gosub|receive char|receive text|record file|say alpha|say digits|say number
    say phonetic|say date|say time|say datetime|send image|send text|set autohangup|set context
    set extension|set music|set priority|speech activate grammar|speech create|speech deactivate grammar
    speech destroy|speech load grammar|speech recognize|speech set|speech unload grammar|stream file
    tdd mode|wait for digit
""".replace("\n", "|")


@dataclass(slots=True)
class Channel:
    """One call's channel. `variables` are the dialplan's, by their exact names."""

    variables: dict[str, str] = field(default_factory=dict)
    state: int = RING
    hung_up: bool = False
    assigned: set[str] = field(default_factory=set)
    """Names of the variables commands have set."""

    def run(self, words: list[bytes]) -> bytes:
        """Run one command and give Asterisk's answer, line ends included."""
        lowered = tuple(word.decode("utf-8", "replace").lower() for word in words[:3])
        for length in (3, 2, 1):
            command = _COMMANDS.get(lowered[:length]) if len(lowered) >= length else None
            if command is not None:
                return self._answer(command, [word.decode("utf-8", "replace") for word in words[length:]])
        return INVALID_COMMAND

    def _answer(self, command: "_Command", arguments: list[str]) -> bytes:
        if self.hung_up and not command.works_when_dead:
            return DEAD_CHANNEL
        if not command.least <= len(arguments) <= command.most:
            return _USAGE % command.usage.encode()
        return f"200 result={command.effect(self, arguments)}\n".encode()

    def assign(self, name: str, value: str) -> None:
        """Set a variable or a part of the caller ID. Unknown functions do nothing, as in Asterisk."""
        if name.upper().startswith("CALLERID(") and name.endswith(")"):
            self._assign_caller_id(name[9:-1].lower(), value)
        elif "(" not in name:
            self._keep(name.removeprefix("_").removeprefix("_"), value)

    def _keep(self, name: str, value: str) -> None:
        self.variables[name] = value
        self.assigned.add(name)

    def _assign_caller_id(self, part: str, value: str) -> None:
        if part == "all":
            match = _CALLER_ID.fullmatch(value)
            self._keep(CALLERID_NAME, match["name"] if match else "")
            self._keep(CALLERID_NUM, match["num"] if match else value)
        elif part in {"num", "number"}:
            self._keep(CALLERID_NUM, value)
        elif part in {"name", "pres", "ani"}:
            self._keep(f"CALLERID({part})", value)

    def expand(self, text: str) -> str:
        """`text` with `${NAME}` and `${LEN(…)}` replaced, innermost first."""
        while (match := _EXPRESSION.search(text)) is not None:
            text = text[: match.start()] + self._value_of(match[1]) + text[match.end() :]
        return text

    def _value_of(self, expression: str) -> str:
        if expression.startswith("LEN(") and expression.endswith(")"):
            return str(len(expression[4:-1].encode()))
        return self.variables.get(expression, "")


_Effect = Callable[[Channel, list[str]], str]


@dataclass(frozen=True, slots=True)
class _Command:
    """A row of the table: argument counts, whether it works after hang-up, and what it does."""

    effect: _Effect
    least: int
    most: int
    usage: str = "See the documentation of this command."
    works_when_dead: bool = True


def _set_variable(channel: Channel, arguments: list[str]) -> str:
    channel.assign(arguments[0], arguments[1])
    return "1"


def _get_variable(channel: Channel, arguments: list[str]) -> str:
    value = channel.variables.get(arguments[0])
    return "0" if value is None else f"1 ({value})"


def _get_full_variable(channel: Channel, arguments: list[str]) -> str:
    return f"1 ({channel.expand(arguments[0])})"


def _set_callerid(channel: Channel, arguments: list[str]) -> str:
    channel.assign("CALLERID(all)", arguments[0])
    return "1"


def _hangup(channel: Channel, arguments: list[str]) -> str:
    if arguments:
        return "-1"
    channel.hung_up = True
    return "1"


def _exec(channel: Channel, arguments: list[str]) -> str:
    argument = arguments[1] if len(arguments) > 1 else ""
    match arguments[0].lower():
        case "set":
            name, _, value = argument.partition("=")
            channel.assign(name, value)
        case "mset":
            for pair in split_values(argument):
                name, _, value = pair.partition("=")
                channel.assign(name, value)
        case "noop" | "verbose" | "log":
            return "0"
        case _:
            return "-2"
    return "0"


_SET_USAGE = "Sets a variable to the current channel."
_MANY = 128
_TABLE: dict[str, _Command] = {
    "set variable": _Command(_set_variable, 2, 2, _SET_USAGE),
    "get variable": _Command(_get_variable, 1, 1),
    "get full variable": _Command(_get_full_variable, 1, 2),
    "set callerid": _Command(_set_callerid, 1, 1, works_when_dead=False),
    "exec": _Command(_exec, 1, _MANY),
    "verbose": _Command(lambda _channel, _arguments: "1", 1, _MANY),
    "noop": _Command(lambda _channel, _arguments: "0", 0, _MANY),
    "hangup": _Command(_hangup, 0, 1, works_when_dead=False),
    "channel status": _Command(
        lambda channel, arguments: "-1" if arguments else str(channel.state), 0, 1, works_when_dead=False
    ),
}
_COMMANDS: dict[tuple[str, ...], _Command] = {
    tuple(name.split()): _Command(lambda _channel, _arguments: "0", 0, _MANY)
    for name in _NOT_SIMULATED.split("|")
    if name.strip()
} | {tuple(name.split()): command for name, command in _TABLE.items()}
