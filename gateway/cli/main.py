"""The `ani-gateway` command.

Modules of commands import nothing heavy at their top: `--help` and completion answer at once.
"""

import click

from gateway.cli.anis import anis
from gateway.cli.api import api
from gateway.cli.assign import assign
from gateway.cli.call import call
from gateway.cli.campaigns import campaigns
from gateway.cli.config import config
from gateway.cli.demo import demo
from gateway.cli.dials import dials
from gateway.cli.dispos import dispos
from gateway.cli.doctor import doctor
from gateway.cli.outdials import outdials
from gateway.cli.serve import serve
from gateway.cli.sync import sync


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ani-gateway")
def main() -> None:
    """Give every outbound Asterisk call the right caller ID.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 could not start.
    """


for command in (
    serve,
    demo,
    call,
    doctor,
    api,
    assign,
    campaigns,
    dispos,
    anis,
    sync,
    dials,
    outdials,
    config,
):
    main.add_command(command)
