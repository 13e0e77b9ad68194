"""`ani-gateway demo`: the main job on one screen, with nothing installed and no account."""

import sys
from typing import TYPE_CHECKING

import click

from gateway.cli.console import fail, put, say

if TYPE_CHECKING:
    from gateway.cli.demo_world import Played

_TOO_SLOW = "the machine may be too slow for this rate; try --rate 10"


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(0.5),
    envvar="DEMO_SECONDS",
    show_envvar=True,
    help="End by itself after so many seconds. Default: run until Ctrl-C.",
)
@click.option("--rate", type=click.FloatRange(1, 2000), default=50, help="Calls per second. Default: 50.")
def demo(seconds: float | None, rate: float) -> None:
    """Show the gateway at work on one screen.

    A simulated Asterisk places calls and tells when they end. Gateway, engine, an upstream that fails now and
    then, and Asterisk's side of FastAGI and AMI run in this process and talk over real connections on free
    loopback ports. Exit code 1 if a call got no answer or its record did not arrive once.
    """
    try:
        played = _play(seconds, rate)
    except KeyboardInterrupt:
        say("stopped before the first call")
        return
    figures = played.figures
    if figures is None:
        return
    if not played.records.are_right:
        fail("not every finished call arrived as one record", _TOO_SLOW)
    unanswered = figures.by_status.get("", 0) + figures.timed_out
    if unanswered or figures.protocol_errors:
        fail(
            f"{unanswered} calls got no answer, {figures.protocol_errors} protocol errors",
            _TOO_SLOW,
        )


def _play(seconds: float | None, rate: float) -> "Played":
    from gateway.cli.demo_screen import open_screen, summary
    from gateway.cli.demo_world import play
    from gateway.service.loop import run

    with open_screen(sys.stdout) as screen:
        played = run(play(screen.show, seconds=seconds, calls_per_s=rate))
    put(f"{summary(played)}\n")
    return played
