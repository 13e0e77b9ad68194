"""The dial before, when a channel asks for a second number: only this question still knows of it.

The Hangup event comes once and carries the state of the last assignment, so a caller transferred to a new
outbound call, or a dialler that loops on one channel, would otherwise lose the dials before.

    the question is for      dialstatus                              the earlier dial is
    another number           any                                     reported
    the same number          ANSWER, BUSY, NOANSWER, …               reported: this is a new attempt
    the same number          "", CONGESTION, CHANUNAVAIL, INVALIDARGS  not over: this is the next trunk

A caller's own `dial_id`, given again, says that it is one dial still.
"""

from typing import Protocol

from gateway.agi.commands import set_variables
from gateway.agi.environment import Environment
from gateway.agi.verbs.arguments import CallArguments
from gateway.model import variables
from gateway.model.decision import Decision
from gateway.model.dial import CallEnd, EndSource
from gateway.model.phone import PhoneNumber
from gateway.model.variables import CallState, unpack

_NEXT_TRUNK = frozenset({"", "CONGESTION", "CHANUNAVAIL", "INVALIDARGS"})


class Reporter(Protocol):
    """What `assign` tells about calls, beside what it tells the dialplan. Neither method blocks or raises."""

    def take_earlier(self, end: CallEnd) -> None:
        """The dial before on the same channel has ended so."""
        ...

    def note_assigned(self, peer: str, state: CallState, uniqueid: str) -> None:
        """The PBX at the address `peer` is about to get this answer for its channel `uniqueid`."""
        ...


def earlier_call(
    environment: Environment, arguments: CallArguments, phone: PhoneNumber | Decision, *, now: float
) -> CallEnd | None:
    """How the channel's earlier dial ended, or `None` when there was none or it goes on.

    `phone` is the number asked about, or the decision not to touch it; `now` is seconds since the epoch.
    """
    state = unpack(arguments.gateway) if arguments.gateway else None
    if state is None or (arguments.dial_id and arguments.dial_id == state.dial_id):
        return None
    is_same_number = isinstance(phone, PhoneNumber) and phone.e164 == state.phone
    dialstatus = arguments.dialstatus.upper()
    if is_same_number and dialstatus in _NEXT_TRUNK:
        return None
    return CallEnd(
        state,
        EndSource.REPORT,
        uniqueid=environment.value("uniqueid"),
        ended_at=now,
        dialstatus=dialstatus,
    )


def forget_earlier(phone: PhoneNumber | Decision, earlier: CallEnd | None) -> bytes:
    """Commands that keep the earlier dial's words from being told of the next one.

    A state that is not replaced would take the outcome of the emergency call that follows; a DIALSTATUS that
    was reported would be told again if nobody dials. Dial() itself clears it, but only when it runs.
    """
    names = (variables.DIALSTATUS, variables.ANSWEREDTIME) if earlier else ()
    if isinstance(phone, Decision):
        names = (*names, variables.GATEWAY)
    return set_variables(names, ("",) * len(names))
