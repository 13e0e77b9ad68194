"""`ani-gateway call`: plays Asterisk against a running gateway and shows the conversation."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from gateway.cli.console import fail, put
from gateway.model import variables

if TYPE_CHECKING:
    from gateway.simulator.asterisk import CallResult, Said


def _pairs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    wrong = next((value for value in values if "=" not in value), None)
    if wrong is not None:
        message = f"{wrong!r} has no '='; write for example --key agent=7001"
        raise click.BadParameter(message, context, parameter)
    return dict(value.split("=", 1) for value in values)


@click.command()
@click.argument("phone")
@click.option("--zip", "zip_code", default="", help="Zip of the prospect.")
@click.option("--campaign", default="", help="Campaign of the dialler.")
@click.option(
    "--key",
    "extra",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_pairs,
    help="Further argument; repeatable.",
)
@click.option(
    "--explain", is_flag=True, help="Ask why: who was asked, which rule chose, what was passed over."
)
@click.option("--caller-id", default="7001", help="Caller ID the channel has before.")
@click.option(
    "--query", "as_query", is_flag=True, help="Ask as agi://…/assign?phone=… instead of by arguments."
)
@click.option("--host", default="127.0.0.1", help="Where the gateway is. Default: 127.0.0.1.")
@click.option("--port", default=4573, type=click.IntRange(1, 65535), help="Its FastAGI port. Default: 4573.")
@click.option(
    "--timeout",
    "timeout_s",
    default=5.0,
    type=click.FloatRange(0.1, 60),
    help="Longest wait, in s. Default: 5.",
)
@click.option("--json", "as_json", is_flag=True, help="One object: the answer and the conversation.")
def call(  # noqa: PLR0913 - one parameter for each option
    phone: str,
    *,
    zip_code: str,
    campaign: str,
    extra: dict[str, str],
    explain: bool,
    caller_id: str,
    as_query: bool,
    host: str,
    port: int,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Play Asterisk against a running gateway.

    Asks for PHONE's caller ID. Prints the AGI conversation, the answer, where the number came from and how
    long it took. With --explain the gateway's cache is passed over. Exit code 1 when the gateway cannot be
    reached or gives no answer.
    """
    from gateway.simulator.asterisk import place_call
    from gateway.simulator.call import CallRequest

    if explain:
        extra = {**extra, "explain": "1"}
    request = CallRequest(
        phone=phone, zip=zip_code, campaign=campaign, extra=extra, caller_id=caller_id, as_query=as_query
    )
    result = asyncio.run(place_call(host, port, request, timeout_s=timeout_s))
    put(_json(result) if as_json else "".join(f"{line}\n" for line in _lines(result)))
    _judge(result, f"{host}:{port}", timeout_s)


def _judge(result: "CallResult", address: str, timeout_s: float) -> None:
    if not result.transcript:
        hint = 'start it with "ani-gateway serve", or name it with --host and --port'
        fail(f"no gateway answers at {address}", hint)
    if result.timed_out:
        fail(f"the gateway at {address} did not finish within {timeout_s:g} s", "its log says why")
    if not result.status:
        hint = "is it a gateway, and does its agi.allow contain this machine's address?"
        fail(f"{address} closed the session without setting GATEWAY_STATUS", hint)


def _lines(result: "CallResult") -> Iterator[str]:
    for said in result.transcript:
        yield from _conversation(said)
    answer = {
        "status": result.status,
        "ani": result.ani or "(unchanged)",
        "source": result.source,
        "reason": result.reason,
        "why": result.variables.get(variables.GATEWAY_EXPLAIN, ""),
        "time": _milliseconds(result.latency_s),
        "ended": _milliseconds(result.ended_s),
    }
    if result.transcript:
        yield ""
        yield from (f"{name:<8} {value}" for name, value in answer.items() if value)
    yield from (f"protocol error: {error}" for error in result.protocol_errors)


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.1f} ms"


def _conversation(said: "Said") -> Iterator[str]:
    for line in said.data.decode("utf-8", "backslashreplace").splitlines() or [""]:
        # Control characters of the other side must not reach the terminal.
        clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)
        yield f"{said.at_s * 1000:7.1f} ms  {said.who.value:<11}  {clean}".rstrip()


def _json(result: "CallResult") -> str:
    tree = asdict(result)
    tree["transcript"] = [
        {"at_s": said.at_s, "who": said.who.value, "text": said.data.decode("utf-8", "backslashreplace")}
        for said in result.transcript
    ]
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"
