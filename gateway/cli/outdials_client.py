"""VoIPBin as the `outdials` commands reach it: settings, one connection, every fault one line and a hint."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from gateway.cli.console import COULD_NOT_START, fail, told_when_stopped
from gateway.cli.options import load_settings
from gateway.cli.start_up import system_hint

if TYPE_CHECKING:
    from gateway.providers.base import ProviderError
    from gateway.providers.voipbin import VoipBin
    from gateway.providers.voipbin_requests import VoipBinSettings

_Result = TypeVar("_Result")


def ask(context: click.Context, work: Callable[["VoipBin"], Awaitable[_Result]], hint: str = "") -> _Result:
    """What `work` brings. Ends the command with 1 when the service fails; `hint` says what to do then."""
    return ask_with(context, lambda voipbin, _: work(voipbin), hint)


def ask_with(
    context: click.Context,
    work: Callable[["VoipBin", "VoipBinSettings"], Awaitable[_Result]],
    hint: str = "",
) -> _Result:
    """As `ask`, with the settings."""
    settings = load_settings(context, "outdials").settings.voipbin
    from gateway.providers.base import ProviderError
    from gateway.providers.voipbin import VoipBin

    async def run() -> _Result:
        voipbin = VoipBin(settings)
        try:
            await voipbin.open()
            return await work(voipbin, settings)
        finally:
            await voipbin.close()

    try:
        with told_when_stopped(hint):
            return asyncio.run(run())
    except ProviderError as error:
        fail(f"VoIPBin: {error}", _hint(error, hint))
    except OSError as error:
        fail(f"{error.strerror or error}", system_hint(error), code=COULD_NOT_START)


def _hint(error: "ProviderError", hint: str) -> str:
    from gateway.providers.base import NotFoundError, RefusedError, UnavailableError

    if isinstance(error, NotFoundError):
        return "list what there is: ani-gateway outdials list"
    if isinstance(error, RefusedError):
        return ""
    if hint:
        return hint
    return "check voipbin.url and the network" if isinstance(error, UnavailableError) else ""
