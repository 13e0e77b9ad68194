"""The options that many commands have, those of the configuration above all, and what they say, loaded."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gateway.cli.console import COULD_NOT_START, complain, warn

if TYPE_CHECKING:
    from gateway.config.load import Loaded
    from gateway.config.problems import Problem
    from gateway.config.settings import Settings

_FILE = "gateway.config_file"
_FLAGS = "gateway.flags"
_Command = TypeVar("_Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
unmask_option = click.option("--unmask", is_flag=True, help="Show phone numbers in full.")


def config_options(command: _Command) -> _Command:
    """Add `--config FILE` and `--set SECTION.KEY=VALUE`; `load_settings` reads them."""
    add_file = click.option(
        "--config",
        type=click.Path(path_type=Path),
        expose_value=False,
        callback=_keep_file,
        help="TOML file. Default: ANI_GATEWAY_CONFIG, ./ani-gateway.toml, /etc/ani-gateway/ani-gateway.toml.",
    )
    add_set = click.option(
        "--set",
        multiple=True,
        metavar="SECTION.KEY=VALUE",
        expose_value=False,
        callback=_keep_assignments,
        help="One setting, over file and environment; repeatable.",
    )
    return add_file(add_set(command))


def setting_option(
    name: str, path: str, help_text: str, *, choices: Sequence[str] = ()
) -> Callable[[_Command], _Command]:
    """An option of its own for the setting at `path`; given twice, the values form a list.

    With `choices`, another value is wrong usage before anything is read.
    """

    def keep(context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> None:
        if values:
            _flags(context).append((name, path, ",".join(values)))

    return click.option(
        name,
        type=click.Choice(choices) if choices else None,
        multiple=True,
        expose_value=False,
        callback=keep,
        help=f"{help_text} ({path})",
    )


def load_settings(context: click.Context, purpose: str = "calls") -> "Loaded":
    """The settings from file, environment and flags. Prints every problem and ends with 3 if there is one.

    `purpose` is a `gateway.config.checks.Purpose`: what must be complete.
    """
    from gateway.config.problems import ConfigError

    try:
        loaded = _load(context, purpose)
    except ConfigError as error:
        for problem in error.problems:
            complain(problem.line, problem.hint)
        sys.exit(COULD_NOT_START)
    warn(loaded.warnings)
    return loaded


def settings_again(context: click.Context) -> Callable[[], "Settings"]:
    """For a later time: the settings as they stand then in file, environment and flags.

    What is returned raises `ConfigError`.
    """
    return lambda: _load(context, "calls").settings


def _load(context: click.Context, purpose: str) -> "Loaded":
    from gateway.config.checks import Purpose
    from gateway.config.load import load
    from gateway.config.sources import Flag

    flags = [Flag(name, path, value) for name, path, value in _flags(context)]
    return load(file=context.meta.get(_FILE), environ=os.environ, flags=flags, purpose=Purpose(purpose))


def load_what_can_be(context: click.Context) -> "tuple[Loaded, list[Problem]]":
    """The settings as far as they can be read, and what is wrong with them; prints nothing, never ends."""
    from gateway.config import load
    from gateway.config.sources import Flag

    flags = [Flag(name, path, value) for name, path, value in _flags(context)]
    return load.load_what_can_be(file=context.meta.get(_FILE), environ=os.environ, flags=flags)


def _flags(context: click.Context) -> list[tuple[str, str, str]]:
    flags: list[tuple[str, str, str]] = context.meta.setdefault(_FLAGS, [])
    return flags


def _keep_file(context: click.Context, _parameter: click.Parameter, file: Path | None) -> None:
    context.meta[_FILE] = file


def _keep_assignments(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> None:
    for text in values:
        path, equals, value = text.partition("=")
        if not equals:
            message = f"{text!r} has no '='; write for example --set agi.listen=127.0.0.1:4573"
            raise click.BadParameter(message, context, parameter)
        _flags(context).append((f"--set {path}", path.strip(), value))
