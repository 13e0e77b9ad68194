"""One simulated call: what it asks for, and the environment Asterisk writes for it."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

_UNIQUE = itertools.count(1)
DEFAULT_EPOCH = 1_700_000_000
"""Uniqueids of simulated calls begin with this second: recognisable, and never a real call's."""


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A call that is about to be placed, in the dialplan's words.

    `phone`, `zip`, `campaign` and `extra` become the arguments of `AGI(agi://…/SCRIPT,…)`, or its query
    with `as_query`. Text is written as it is: hostile values reach the wire, as they do from Asterisk.
    """

    phone: str = ""
    zip: str = ""
    campaign: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    """Further `key=value` arguments."""
    script: str = "assign"
    """"" leaves `agi_network_script` out, as Asterisk does for a URL without a path."""
    as_query: bool = False
    caller_id: str = "7001"
    caller_name: str = "Agent 7"
    extension: str = "s"
    dnid: str = "unknown"
    uniqueid: str = ""
    """"" makes one up."""
    channel: str = "PJSIP/agent-00000001"
    variables: dict[str, str] = field(default_factory=dict)
    """Channel variables before the step."""
    exit_on_hangup: bool = True
    """AGIEXITONHANGUP, as the shipped dialplan sets it."""
    sighup: bool = True
    """AGISIGHUP."""
    hangup_after_s: float | None = None
    """The caller hangs up so long after the connection was opened; `None` for never."""
    one_write: bool = False
    """Write the environment at once, to spare the generator under load, not line by line as Asterisk does."""

    def arguments(self) -> list[str]:
        """The AGI arguments; empty ones at the end are left out, as in a dialplan."""
        if self.as_query:
            return []
        values = [self.phone, self.zip, self.campaign]
        if not self.extra:
            while values and not values[-1]:
                values.pop()
        return values + [f"{key}={value}" for key, value in self.extra.items()]

    def network_script(self) -> str:
        """The path of the URL, with its query."""
        if not self.as_query:
            return self.script
        pairs = {"phone": self.phone, "zip": self.zip, "campaign": self.campaign, **self.extra}
        return f"{self.script}?" + "&".join(f"{key}={value}" for key, value in pairs.items() if value)


def environment_lines(request: CallRequest, *, host: str, port: int) -> Iterator[bytes]:
    """The environment as Asterisk 22 writes it, one item for each of its writes, the empty line last."""
    script = request.network_script()
    yield b"agi_network: yes\n"
    if script:
        yield f"agi_network_script: {script}\n".encode()
    unique = request.uniqueid or f"{DEFAULT_EPOCH}.{next(_UNIQUE)}"
    for line in (
        f"agi_request: agi://{host}:{port}/{script}\n",
        f"agi_channel: {request.channel}\n",
        "agi_language: en\n",
        f"agi_type: {request.channel.partition('/')[0]}\n",
        f"agi_uniqueid: {unique}\n",
        "agi_version: 22.10.1\n",
        f"agi_callerid: {request.caller_id or 'unknown'}\n",
        f"agi_calleridname: {request.caller_name or 'unknown'}\n",
        "agi_callingpres: 0\n",
        "agi_callingani2: 0\n",
        "agi_callington: 0\n",
        "agi_callingtns: 0\n",
        f"agi_dnid: {request.dnid}\n",
        "agi_rdnis: unknown\n",
        "agi_context: outbound\n",
        f"agi_extension: {request.extension}\n",
        "agi_priority: 4\n",
        "agi_enhanced: 0.0\n",
        "agi_accountcode: \n",
        "agi_threadid: 140658747901632\n",
    ):
        yield line.encode("utf-8", "surrogateescape")
    for number, value in enumerate(request.arguments(), start=1):
        yield f"agi_arg_{number}: {value}\n".encode("utf-8", "surrogateescape")
    yield b"\n"
