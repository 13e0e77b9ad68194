"""What the outcome of a call is called: from Asterisk's words to a disposition name.

The first that applies decides:

    agent's disposition     AGENT/<word>            the word itself unless the table names it
    machine detection       AMD/<AMDSTATUS>         only words the table names
    DIALSTATUS              <word>/<cause>, <word>
    nobody told             UNKNOWN                 the call ended while the AMI link was down
    originated to a trunk   as DIALSTATUS           from Up and cause: such a channel never runs Dial
    nothing of these        UNDIALLED               assigned, then never dialled
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from gateway.dials.settings import DispositionSettings
from gateway.model.dial import CallEnd, EndSource

ANSWER = "ANSWER"
UNDIALLED = "UNDIALLED"
UNKNOWN = "UNKNOWN"

NAMES: Mapping[str, str] = {
    ANSWER: "Answered",
    "BUSY": "Busy",
    "NOANSWER": "No Answer",
    "CANCEL": "Cancelled",
    "CONGESTION": "Congestion",
    "CHANUNAVAIL": "Unavailable",
    "DONTCALL": "Do Not Call",
    "TORTURE": "Rejected",
    "INVALIDARGS": "Failed",
    "FAILED": "Failed",  # a CDR's word; Dial never says it
    # Q.850: 1 unallocated, 22 changed, 28 invalid format; 21 rejected (SIP 603)
    "CHANUNAVAIL/1": "Bad Number",
    "CHANUNAVAIL/22": "Bad Number",
    "CHANUNAVAIL/28": "Bad Number",
    "CHANUNAVAIL/21": "Rejected",
    "CONGESTION/1": "Bad Number",  # chan_sip says congestion where PJSIP says unavailable
    "CONGESTION/22": "Bad Number",
    "CONGESTION/28": "Bad Number",
    "CONGESTION/21": "Rejected",
    "AMD/MACHINE": "Answering Machine",
    UNKNOWN: "Unknown",
    UNDIALLED: "",
}
"""The built-in table; "" means no record."""

_STATUS_OF_CAUSE = {
    17: "BUSY",
    **dict.fromkeys((1, 2, 3, 21, 22, 27, 28), "CHANUNAVAIL"),
    **dict.fromkeys((34, 38, 41, 42, 44, 58), "CONGESTION"),
}
"""For a channel that is itself the called one. Other causes (16, 18, 19, 127, 0) mean nobody answered."""


class Knowledge(IntEnum):
    """What a disposition rests on; more is greater."""

    NOTHING = 0
    UNDIALLED = 1
    INFERRED = 2
    """From channel state and cause, or from a CDR."""
    DIALSTATUS = 3
    AMD = 4
    AGENT = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one call went. `name` is "" when it makes no record."""

    name: str
    knowledge: Knowledge
    is_answered: bool = False


class Dispositions:
    """The built-in table with the configured names over it."""

    def __init__(self, settings: DispositionSettings) -> None:
        self._agent_variables = [name.casefold() for name in settings.agent_variables]
        self._amd_variable = settings.amd_variable.casefold()
        self._names = {**NAMES, **{key.strip().upper(): name for key, name in settings.names.items()}}

    def outcome(self, end: CallEnd, variables: Mapping[str, str]) -> Outcome:
        """How the call went. `variables` are those of `end`, with their names in casefold."""
        word, knowledge = _status(end)
        is_answered = word == ANSWER
        for agent in filter(None, (variables.get(name) for name in self._agent_variables)):
            return Outcome(self._names.get(f"AGENT/{agent.upper()}", agent), Knowledge.AGENT, is_answered)
        amd = self._names.get(f"AMD/{variables.get(self._amd_variable, '').upper()}")
        if amd is not None:
            return Outcome(amd, Knowledge.AMD, is_answered)
        name = self._names.get(f"{word}/{end.cause}", self._names.get(word, word))
        return Outcome(name, knowledge, is_answered)


def _status(end: CallEnd) -> tuple[str, Knowledge]:
    if end.dialstatus:
        is_coarse = end.source is EndSource.CDR
        return end.dialstatus.upper(), Knowledge.INFERRED if is_coarse else Knowledge.DIALSTATUS
    if end.source is EndSource.GAP:
        return UNKNOWN, Knowledge.NOTHING
    if not end.state.status:
        return _originated(end)
    return UNDIALLED, Knowledge.UNDIALLED


def _originated(end: CallEnd) -> tuple[str, Knowledge]:
    """The outcome of a channel that is itself the called one.

    `assign` never ran on it, or the state had a status: whoever originated the call packed the state.
    A channel that asked for its number and is Up without DIALSTATUS is the agent's phone, answered first.
    """
    if end.is_up:
        return ANSWER, Knowledge.INFERRED
    if end.cause is None:
        return UNKNOWN, Knowledge.NOTHING
    return _STATUS_OF_CAUSE.get(end.cause, "NOANSWER"), Knowledge.INFERRED
