"""Whether a gateway runs and answers, as Asterisk would ask it."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.agi.settings import AgiSettings
from gateway.doctor.finding import Change, Check, Finding, Kind, Part, Verdict, right
from gateway.model.address import split_address
from gateway.simulator.asterisk import place_call
from gateway.simulator.call import CallRequest

QUESTION = "933"
"""The emergency line's test number: the gateway leaves it alone at once, without asking an upstream."""
_ANSWER_S = 4.0
_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked for, not bound to

NOT_RUNNING = Kind("gateway.not-running", Verdict.FAULT, "calls keep the caller ID they have")
SILENT = Kind(
    "gateway.no-answer", Verdict.FAULT, "calls wait for agi.session_timeout_s, or are let go without a number"
)


@dataclass(frozen=True, slots=True)
class Listener:
    """One address of `agi.listen`, and the settings it belongs to."""

    agi: AgiSettings
    address: str


async def _answers(listener: Listener) -> Iterable[Finding]:
    host, port = split_address(listener.address)
    request = CallRequest(phone=QUESTION, caller_id="")
    result = await place_call(_HERE.get(host, host), port, request, timeout_s=_ANSWER_S)
    if not result.transcript:
        change = Change("shell", "systemctl start ani-gateway  (or: ani-gateway serve)")
        return [NOT_RUNNING.seen(f"no gateway listens at {listener.address}", change)]
    if result.timed_out:
        change = Change("shell", "systemctl restart ani-gateway  (its log says what it did before)")
        return [SILENT.seen(f"what listens at {listener.address} is silent", change)]
    if not result.status:
        allowed = ", ".join(f'"{each}"' for each in listener.agi.allow)
        change = Change("ani-gateway.toml [agi]", f'allow = [{allowed}, "THIS-MACHINE/32"]')
        return [SILENT.seen(f"what listens at {listener.address} closes without an answer", change)]
    took_ms = (result.latency_s or 0.0) * 1000
    return [right(f"a gateway answers at {listener.address} in {took_ms:.0f} ms")]


CHECKS: tuple[Check[Listener], ...] = (
    Check("gateway.answers", Part.GATEWAY, _answers, (NOT_RUNNING, SILENT)),
)
