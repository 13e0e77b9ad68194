"""The one proof that counts: Asterisk itself asks the gateway, and the gateway's user hears how it ended.

A call of Asterisk to itself runs the shipped context [gateway-doctor]. It asks about 933, a number the
gateway leaves alone without asking anybody, answers if there was an answer, and hangs up: nothing is dialled,
assigned or reported. It needs a manager user who may originate, which the gateway's own may not.
"""

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

from gateway.ami.listener import LinkLostError, LoginRefusedError
from gateway.ami.message import Message
from gateway.ami.settings import AmiSettings
from gateway.doctor.dialplan import TEST_CALL
from gateway.doctor.finding import Change, Check, Finding, Kind, NotExaminedError, Part, Verdict, right
from gateway.doctor.pbx import Pbx
from gateway.doctor.pbx_session import NotAManagerError, PbxSession
from gateway.model.variables import GATEWAY

_RING_S = 3.5
"""Above the 2 s for which Asterisk tries to connect; the call is hung up after it."""
_HEAR_S = 1.5
_NUDGE_S = 0.25

NO_CONTEXT = Kind(
    "test-call.context-missing", Verdict.WARNING, "without it the way to the gateway cannot be tried"
)
NO_ANSWER = Kind(
    "test-call.gateway-not-reached",
    Verdict.FAULT,
    "Asterisk gets no answer from the gateway: every call keeps the caller ID it had",
)
NOT_HEARD = Kind(
    "test-call.not-heard",
    Verdict.FAULT,
    "the call ended and the gateway's user was not told: no call is reported by AMI",
)
NO_VARIABLES = Kind(
    "test-call.no-variables", Verdict.FAULT, "the Hangup event does not carry the gateway's variable"
)


@dataclass(frozen=True, slots=True)
class Caller:
    """The manager user who originates the call."""

    username: str
    secret: str


@dataclass(frozen=True, slots=True)
class TestCall:
    """A PBX to call, and as whom; `None` when nobody was named."""

    pbx: Pbx
    caller: Caller | None


async def _test_call(call: TestCall) -> Iterable[Finding]:
    if call.caller is None:
        raise NotExaminedError("whether Asterisk reaches the gateway: name a user with --test-call-user")
    if not (await call.pbx.dialplan()).has(TEST_CALL):
        change = Change(
            "/etc/asterisk/extensions_gateway.conf", "(copy the file anew: [gateway-doctor] is in it)"
        )
        return [NO_CONTEXT.seen(f"the dialplan has no [{TEST_CALL}]", change)]
    listener = await call.pbx.session()
    mark = f"1-doctor-{secrets.token_hex(4)}"
    heard = listener.expect_hangup(lambda event: _is_ours(event, mark))
    reached = await _originate(call.pbx.settings, call.caller, mark)
    event = await _wait(listener, heard)
    found = [] if reached else [_not_reached()]
    if event is None:
        user = f"manager.conf [{call.pbx.settings.username}]"
        found.append(
            NOT_HEARD.seen("no Hangup event came", Change(user, "read=call  (and eventfilter, channelvars)"))
        )
    elif event.variables.get(GATEWAY) != mark:
        change = Change("manager.conf [general]", "channelvars=GATEWAY,DIALSTATUS,ANSWEREDTIME")
        found.append(NO_VARIABLES.seen("the Hangup event came without GATEWAY", change))
    return found or [right("Asterisk reached the gateway, and the gateway's user heard of the call's end")]


def _not_reached() -> Finding:
    change = Change("extensions_gateway.conf [globals]", "GATEWAY_AGI=agi://HOST:4573")
    return NO_ANSWER.seen("the test call got no answer from the gateway", change)


def _is_ours(event: Message, mark: str) -> bool:
    of_context = event.headers.get("Channel", "").startswith(f"Local/s@{TEST_CALL}")
    # The half that runs the dialplan: the other one has the variable from the start.
    is_dialplan_half = event.headers.get("Channel", "").endswith(";2")
    return of_context and is_dialplan_half and event.variables.get(GATEWAY, mark) == mark


async def _originate(settings: AmiSettings, caller: Caller, mark: str) -> bool:
    """Whether the call was answered, which it is when the gateway answered."""
    session = PbxSession()
    try:
        await session.open(replace(settings, username=caller.username, secret=caller.secret))
        answer = await session.ask(
            "Originate",
            timeout_s=_RING_S + 1,
            Channel=f"Local/s@{TEST_CALL}/n",
            Application="NoOp",
            Timeout=str(int(_RING_S * 1000)),
            Variable=f"GATEWAY_DOCTOR={mark}",
        )
    except (LoginRefusedError, NotAManagerError, LinkLostError, OSError) as error:
        raise NotExaminedError(
            f"the test call could not be placed as {caller.username}: {error or 'too late'}"
        ) from error
    finally:
        session.close()
    if "permission" in answer.message.lower():
        raise NotExaminedError(f"user {caller.username} may not originate; it needs write=originate")
    return answer.success


async def _wait(listener: PbxSession, heard: "asyncio.Future[Message]") -> Message | None:
    for _ in range(int(_HEAR_S / _NUDGE_S)):
        if heard.done():
            return heard.result()
        listener.nudge()
        await asyncio.wait({heard}, timeout=_NUDGE_S)
    return heard.result() if heard.done() else None


CHECKS: tuple[Check[TestCall], ...] = (
    Check("test-call", Part.DIALPLAN, _test_call, (NO_CONTEXT, NO_ANSWER, NOT_HEARD, NO_VARIABLES)),
)
