"""The arguments of `assign`, positional or by name: read once, made sense of, never an error."""

import re
from urllib.parse import quote

from gateway.agi.environment import Environment
from gateway.model.lead import AssignmentType, Lead, parse_zip
from gateway.model.phone import PhoneNumber
from gateway.telemetry.metrics import CallMetrics

_POSITIONAL = ("phone", "zip", "campaign")
_MAX_VALUE_CHARS = 128
_NAMED = re.compile(r"([a-z][a-z_0-9]{0,31})=(.*)", re.ASCII | re.DOTALL)
_ASSIGNMENT_TYPES = frozenset(one.value for one in AssignmentType)
_WORDS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class CallArguments:
    """What the dialplan said. Texts are at most 128 characters; "" means it said nothing.

    A call says three or four of these, so only what it says is set; the rest stays with the class.
    """

    phone = ""
    zip = ""
    campaign = ""
    agent = ""
    campaign_name = ""
    skill = ""
    lead_source = ""
    lead_created = ""
    attempts = ""
    direction = ""
    dial_id = ""
    real_time = ""
    pool = ""
    assignment_type = ""
    branded = ""
    explain = ""
    """Whether to say in `GATEWAY_EXPLAIN` why the number was chosen."""
    gateway = ""
    """`${GATEWAY}` of an earlier assignment on the same channel."""
    dialstatus = ""
    """`${DIALSTATUS}` of that earlier dial."""
    extra = ""
    """Keys the contract does not know, as `key=value&…`, kept for the record."""

    def lead(self, phone: PhoneNumber) -> Lead:
        """What to ask the providers for."""
        if not (self.real_time or self.pool or self.assignment_type or self.branded or self.explain):
            return Lead(phone, self.zip, self.campaign)
        return Lead(
            phone=phone,
            zip=self.zip,
            campaign=self.campaign,
            real_time=_WORDS.get(self.real_time, True),
            pools=(self.pool,) if self.pool else (),
            assignment_type=AssignmentType(self.assignment_type) if self.assignment_type else None,
            branded=_WORDS.get(self.branded),
            explain=_WORDS.get(self.explain, False),
        )


KNOWN_KEYS = frozenset(name for name in vars(CallArguments) if name[0] != "_") - {"extra", "lead"}
_LONG_KEYS = frozenset({"gateway"})


def read_arguments(environment: Environment, metrics: CallMetrics) -> CallArguments:
    """Positions first, then `key=value`, then the URL's query; the first word on a key counts.

    A position may hold `key=value` of a known key too: `assign,${EXTEN},campaign=9001` means what it says.
    Values that make no sense are dropped and counted: they must not cost the call its number.
    """
    arguments = CallArguments()
    usual = environment.usual_arguments()
    if usual is not None:
        arguments.phone, arguments.zip, arguments.campaign = usual
        return arguments
    for place, text in enumerate(environment.arguments):
        named = _NAMED.fullmatch(text) if "=" in text else None
        if named is not None and (place >= len(_POSITIONAL) or named[1] in KNOWN_KEYS):
            _put(arguments, named[1], named[2], metrics)
        elif not text:
            continue
        elif place < len(_POSITIONAL):
            _put(arguments, _POSITIONAL[place], text, metrics)
        else:
            metrics.bad_arguments["position"] += 1
    for key, value in environment.query.items():
        _put(arguments, key, value, metrics)
    _drop_nonsense(arguments, metrics)
    return arguments


def _put(arguments: CallArguments, key: str, value: str, metrics: CallMetrics) -> None:
    if key not in KNOWN_KEYS:
        metrics.saw_unknown_key(key)
        value = value.strip()[:_MAX_VALUE_CHARS]
        arguments.extra += f"{'&' if arguments.extra else ''}{quote(key)}={quote(value)}"
    elif key not in vars(arguments):
        value = value.strip()
        if value:
            setattr(arguments, key, value if key in _LONG_KEYS else value[:_MAX_VALUE_CHARS])


def _drop_nonsense(arguments: CallArguments, metrics: CallMetrics) -> None:
    if arguments.zip:
        arguments.zip = parse_zip(arguments.zip) or _dropped("zip", metrics)
    if arguments.assignment_type and arguments.assignment_type not in _ASSIGNMENT_TYPES:
        arguments.assignment_type = _dropped("assignment_type", metrics)
    if arguments.real_time:
        arguments.real_time = _word(arguments.real_time) or _dropped("real_time", metrics)
    if arguments.branded:
        arguments.branded = _word(arguments.branded) or _dropped("branded", metrics)
    if arguments.explain:
        arguments.explain = _word(arguments.explain) or _dropped("explain", metrics)


def _word(text: str) -> str:
    """`text` as one of the words for yes and no; "" when it is none."""
    return text.lower() if text.lower() in _WORDS else ""


def _dropped(key: str, metrics: CallMetrics) -> str:
    metrics.bad_arguments[key] += 1
    return ""
