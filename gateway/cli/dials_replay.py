"""`ani-gateway dials replay`: calls nobody reported, out of CDRs, into the spool."""

import math
import os
import time
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.console import COULD_NOT_START, fail, warn
from gateway.cli.dials_spool import opened, spool_option
from gateway.cli.options import config_options, json_option, load_settings, setting_option

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from gateway.cli.dials_replay_run import Tally
    from gateway.cli.dials_replay_sources import Source
    from gateway.config.settings import Settings
    from gateway.dials.cdr import CdrOptions, Derive
    from gateway.stores.cdr_mysql import CdrTable

_MAX_PASSWORD_BYTES = 4_096
_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True)
_SECRET_FILE = click.Path(exists=True, dir_okay=False)


def _zone(context: click.Context, parameter: click.Parameter, name: str | None) -> "tzinfo":
    """The zone an option names; without it the machine's own, which is the PBX's where both share one."""
    from datetime import UTC
    from zoneinfo import ZoneInfo

    name = name or os.environ.get("TZ", "").lstrip(":")
    try:
        return ZoneInfo(name) if name else _own_zone()
    except FileNotFoundError:
        return UTC
    except (KeyError, ValueError, OSError) as error:
        message = f"{name!r} is no time zone; write for example America/New_York or UTC"
        raise click.BadParameter(message, context, parameter) from error


def _own_zone() -> "ZoneInfo":
    from zoneinfo import ZoneInfo

    with Path("/etc/localtime").open("rb") as file:
        return ZoneInfo.from_file(file, "localtime")


def _time(context: click.Context, parameter: click.Parameter, text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{text!r} is no time; write for example 2026-04-10 or 2026-04-10T14:00"
        raise click.BadParameter(message, context, parameter) from error


def _table(context: click.Context, parameter: click.Parameter, url: str | None) -> "CdrTable | None":
    if url is None:
        return None
    try:
        from gateway.stores.cdr_mysql import parse_url
    except ModuleNotFoundError as error:
        hint = 'install it: pip install "ani-gateway[mysql]"'
        fail(f"MySQL cannot be read without the Python package {error.name}", hint, code=COULD_NOT_START)
    try:
        return parse_url(url)
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from error


@click.command()
@config_options
@spool_option
@setting_option("--pbx-id", "agi.pbx_id", "Which PBX wrote the CDRs; part of the dial id.")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=_FILE)
@click.option("--mysql", "table", metavar="URL", callback=_table, help="mysql://USER@HOST/DATABASE/TABLE.")
@click.option(
    "--mysql-password-file", metavar="FILE", type=_SECRET_FILE, help="Its password. Default: MYSQL_PWD."
)
@click.option(
    "--mysql-option-file", metavar="FILE", type=_SECRET_FILE, help="Its [client] group has user and password."
)
@click.option("--since", metavar="TIME", callback=_time, help="Calls that started then or later.")
@click.option("--until", metavar="TIME", callback=_time, help="Calls that started before.")
@click.option("--timezone", metavar="ZONE", callback=_zone, help="Of the CDRs. Default: this machine's.")
@click.option("--state-column", default="userfield", help="Column with ${GATEWAY}. Default: userfield.")
@click.option("--columns", default="", metavar="A,B,…", help="Names of the columns, in files without any.")
@click.option("--derive", is_flag=True, help="Take outbound calls without ${GATEWAY} too.")
@click.option("--context", "contexts", multiple=True, help="With --derive: their context; repeatable.")
@click.option("--campaign", default="", help="With --derive: their campaign.")
@click.option("--dry-run", is_flag=True, help="Read and count, store nothing.")
@json_option
@click.pass_context
def replay(  # noqa: PLR0913 - one parameter for each option
    context: click.Context,
    *,
    files: tuple[str, ...],
    table: "CdrTable | None",
    mysql_password_file: str | None,
    mysql_option_file: str | None,
    since: datetime | None,
    until: datetime | None,
    timezone: "tzinfo",
    state_column: str,
    columns: str,
    derive: bool,
    contexts: tuple[str, ...],
    campaign: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Put the records of calls from CDR files or a CDR table into the spool.

    FILE is Master.csv, a file of cdr_custom, an export with a header line, or what `dials export --unmask` or
    the target `file` wrote, gzipped or not; `-` is standard input. A call the spool knows is not sent again.
    Works while the gateway runs. Exit code 1 when a source breaks off; what was read before is kept.
    """
    from gateway.cli.dials_replay_sources import file_source, mysql_source
    from gateway.dials.cdr import Derive

    if not files and table is None:
        raise click.UsageError("name a CDR file, or a table with --mysql")
    if derive and since is None:
        raise click.UsageError("--derive needs --since: calls from before would be sent all over again")
    if (contexts or campaign) and not derive:
        raise click.UsageError("--context and --campaign mean nothing without --derive")
    rule = Derive(frozenset(contexts), campaign) if derive else None
    options = _options((since, until), timezone, state_column, rule)
    named = tuple(name.strip() for name in columns.split(",")) if columns else ()
    sources: list[Source] = [file_source(file, named) for file in files]
    if table is not None:
        sources.append(mysql_source(_with_password(table, mysql_password_file, mysql_option_file)))
    tally = _run(context, sources, options, dry_run=dry_run)
    _report(tally, dry_run=dry_run, as_json=as_json)
    if tally.broken:
        fail(tally.broken[0], "what was read before is kept; replay again when it is mended")


def _run(context: click.Context, sources: "list[Source]", options: "CdrOptions", *, dry_run: bool) -> "Tally":
    from gateway.cli.dials_replay_run import run
    from gateway.dials.recorder import Recorder

    def recorder(settings: "Settings") -> Recorder:
        return Recorder(settings.dials.recorder, pbx_id=settings.agi.pbx_id)

    if dry_run:
        return run(sources, options, recorder(load_settings(context, "dials").settings), None)
    with opened(context, create=True) as (view, settings):
        targets = settings.dials.targets
        if not targets:
            hint = 'say where records go: dials.targets = ["outboundiq"]'
            fail("dials.targets is empty, so these records would go nowhere", hint, code=COULD_NOT_START)
        return run(
            sources, options, recorder(settings), lambda dials: view.put(dials, targets, now=time.time())
        )


def _report(tally: "Tally", *, dry_run: bool, as_json: bool) -> None:
    from gateway.cli.tables import put_json, put_table

    if as_json:
        put_json({"dry_run": dry_run, **tally.as_object()})
    else:
        put_table(("what", "number"), tally.rows(), right=("number",))


def _options(
    times: tuple[datetime | None, datetime | None],
    zone: tzinfo,
    state_column: str,
    derive: "Derive | None",
) -> "CdrOptions":
    from gateway.dials.cdr import CdrOptions

    since, until = (None if time is None else _at(time, zone) for time in times)
    return CdrOptions(
        since=-math.inf if since is None else since,
        until=math.inf if until is None else until,
        timezone=zone,
        state_column=state_column,
        derive=derive,
    )


def _at(time: datetime, zone: tzinfo) -> float:
    return (time if time.tzinfo else time.replace(tzinfo=zone)).timestamp()


def _with_password(table: "CdrTable", password_file: str | None, option_file: str | None) -> "CdrTable":
    """The table with what opens it. An option file goes before the environment, as with the mysql command."""
    from gateway.config.secret_files import exposure

    warn(filter(None, (exposure(name) for name in (password_file, option_file) if name)))
    if password_file is not None:
        return replace(table, password=_first_line(password_file), option_file=option_file or "")
    if option_file is not None:
        return replace(table, option_file=option_file)
    return replace(table, password=os.environ.get("MYSQL_PWD", ""))


def _first_line(name: str) -> str:
    with Path(name).open("rb") as file:
        line = file.readline(_MAX_PASSWORD_BYTES).rstrip(b"\r\n")
    try:
        return line.decode()
    except UnicodeDecodeError:
        fail(f'the password in "{name}" is not UTF-8 text', code=COULD_NOT_START)
