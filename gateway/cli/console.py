"""How the command speaks: data to stdout, everything else to stderr, an error as one line and a hint."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import click

FAILED = 1
COULD_NOT_START = 3
"""0 is done; 2, wrong usage, is click's own."""


def colour() -> bool | None:
    """False under NO_COLOR (https://no-color.org); `None` leaves it to the terminal."""
    return False if os.environ.get("NO_COLOR") else None


def put(text: str) -> None:
    """Write data to stdout; `text` brings its own line ends."""
    click.echo(text, nl=False, color=colour())


def say(text: str) -> None:
    """Write one line for people to stderr."""
    click.echo(text, err=True, color=colour())


def complain(message: str, hint: str = "") -> None:
    """Write one error line and its hint to stderr."""
    say(f"{click.style('error:', fg='red', bold=True)} {message}")
    if hint:
        say(f"{click.style('hint:', fg='cyan')} {hint}")


def fail(message: str, hint: str = "", *, code: int = FAILED) -> NoReturn:
    """Write one error line and its hint, and end the command."""
    complain(message, hint)
    sys.exit(code)


@contextmanager
def told_when_stopped(hint: str) -> Iterator[None]:
    """Around a long run: Ctrl-C ends the command with 1, and `hint` says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        # The terminal has written ^C into the line.
        fail("stopped", hint)


def warn(messages: Iterable[str]) -> None:
    """Write one line to stderr for each warning."""
    for message in messages:
        say(f"{click.style('warning:', fg='yellow')} {message}")
