"""The backend whose inventory a command manages: how it is chosen, opened, and what it says when it fails."""

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from gateway.cli.console import COULD_NOT_START, complain, fail, told_when_stopped
from gateway.cli.options import config_options, json_option, load_settings, setting_option
from gateway.cli.start_up import system_hint
from gateway.sync.settings import BACKENDS

if TYPE_CHECKING:
    from gateway.config.settings import Settings
    from gateway.providers.base import InventoryService, ProviderError

T = TypeVar("T")
_Command = TypeVar("_Command", bound=Callable[..., object])

_STOPPED_HINT = "what was done is done; run it again for the rest"


def backend_options(command: _Command) -> _Command:
    """Add `--backend`, `--timeout` and `--json`, and the options for the configuration."""
    add_backend = setting_option(
        "--backend",
        "management.backend",
        "Whose inventory: outboundiq, outboundani, engine.",
        choices=BACKENDS,
    )
    add_timeout = setting_option("--timeout", "management.timeout_s", "Longest wait for one answer, seconds.")
    return config_options(add_backend(add_timeout(json_option(command))))


def on_backend(context: click.Context, work: "Callable[[InventoryService, Settings], Awaitable[T]]") -> T:
    """What `work` gives, run on the chosen backend.

    Ends the command with 3 when the backend cannot be opened, with 1 when it fails.
    """
    settings = load_settings(context, "manage").settings
    name = settings.management.backend_among([source.value for source in settings.assignment.providers])
    if not name:
        hint = "choose one: --backend engine, or management.backend in the configuration"
        fail("no backend keeps the inventory: assignment.providers is empty", hint, code=COULD_NOT_START)
    from gateway.config.problems import ConfigError
    from gateway.providers.base import ProviderError
    from gateway.service.loop import run
    from gateway.stores.base import StoreError

    results: list[T] = []
    try:
        # Kept here, not returned: asyncio's runner writes out what its task returned when it takes its signal
        # handler away, and a plan of 100,000 steps takes seconds to write out.
        with told_when_stopped(_STOPPED_HINT):
            run(_opened(name, settings, work, results.append))
    except ConfigError as error:
        for problem in error.problems:
            complain(problem.line, problem.hint)
        sys.exit(COULD_NOT_START)
    except (StoreError, OSError) as error:
        hint = "name another file with engine.database, or run this as a user who may write it"
        if isinstance(error, OSError):
            hint = system_hint(error, hint)
        fail(f"could not open {name}: {error}", hint, code=COULD_NOT_START)
    except ProviderError as error:
        fail(f"{name}: {error}", hint_for(error))
    return results[0]


async def _opened(
    name: str,
    settings: "Settings",
    work: "Callable[[InventoryService, Settings], Awaitable[T]]",
    keep: Callable[[T], None],
) -> None:
    from gateway.service.backends import open_inventory

    async with open_inventory(name, settings) as service:
        keep(await work(service, settings))


def hint_for(error: "ProviderError") -> str:
    """What to do about `error`, "" when it says so itself."""
    from gateway.providers.base import NotFoundError, RateLimitedError, UnavailableError

    if isinstance(error, NotFoundError):
        return "is it written right, and is this the backend you mean? Another one: --backend NAME"
    if isinstance(error, RateLimitedError):
        return "wait a minute; for sync, lower management.requests_per_second"
    if isinstance(error, UnavailableError):
        return "try again in a moment, or wait longer for an answer: --timeout 60"
    return ""
