import subprocess
import sys

import click
import pytest

from gateway import __version__
from gateway.cli.main import main

HEAVY = {"aiohttp", "rich", "uvloop", "gateway.config", "gateway.service.wiring"}


def test_help_answers_without_loading_what_only_commands_need() -> None:
    code = "import sys; from gateway.cli.main import main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert HEAVY & set(loaded.split()) == set()


@pytest.mark.parametrize("command", ["serve", "demo", "call", "api", "config"])
def test_every_command_of_the_design_is_there(command: str) -> None:
    assert command in main.commands


def test_every_option_says_what_it_is_for() -> None:
    parameters = [parameter for command in main.commands.values() for parameter in command.params]
    options = [parameter for parameter in parameters if isinstance(parameter, click.Option)]
    assert [option.name for option in options if not option.help] == []


def test_python_dash_m_is_the_command() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "gateway", "--version"], capture_output=True, text=True, check=True
    )
    assert __version__ in run.stdout
