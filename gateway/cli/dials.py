"""`ani-gateway dials`: what waits in the spool, what died there and why."""

import time
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import click

from gateway.cli.console import fail, put, say
from gateway.cli.dials_export import export
from gateway.cli.dials_mend import discard, retry
from gateway.cli.dials_replay import replay
from gateway.cli.dials_spool import (
    STATES,
    each,
    opened,
    spool_option,
    state_named,
)
from gateway.cli.options import config_options, json_option, unmask_option

if TYPE_CHECKING:
    from gateway.model.delivery import SpooledDial

_COLUMNS = ("no", "dial id", "called at (UTC)", "ani", "prospect", "disposition", "target", "state", "tries")


@click.group()
def dials() -> None:
    """Look into the spool of dial records, mend it, fill it.

    Works while the gateway runs on the same spool. Numbers are masked unless --unmask is given.
    """


@dials.command("list")
@config_options
@spool_option
@click.option("--state", type=click.Choice(STATES), help="Only those that stand so.")
@click.option("--target", default="", help="Only those that one target has yet to take.")
@click.option("--after", default=0, type=click.IntRange(0), help="Go on after this number. Default: 0.")
@click.option("--limit", default=50, type=click.IntRange(1), help="Most records shown. Default: 50.")
@unmask_option
@json_option
@click.pass_context
def list_records(
    context: click.Context,
    *,
    state: str | None,
    target: str,
    after: int,
    limit: int,
    unmask: bool,
    as_json: bool,
) -> None:
    """List records in order of arrival, oldest first, a line for each target.

    A record that every target has keeps only its dial id; its text is gone.
    """
    with opened(context) as (view, _):
        found = list(islice(each(view, state=state_named(state), target=target, after=after), limit + 1))
    from gateway.cli.dials_table import as_object
    from gateway.cli.tables import put_json, put_table

    records = found[:limit]
    if as_json:
        put_json([as_object(one, unmask=unmask) for one in records])
    else:
        rows = (row for one in records for row in _rows(one, target, unmask=unmask))
        put_table((*_COLUMNS, "reason"), rows, right=("no", "tries"))
    if len(found) > limit:
        say(f"there are more: --after {records[-1].number}, or a greater --limit")


def _rows(one: "SpooledDial", target: str, *, unmask: bool) -> Iterator[tuple[object, ...]]:
    from gateway.cli.dials_table import shown, state_name, written

    if one.dial is None:
        told: tuple[object, ...] = (one.number, one.dial_id, "", "", "", "")
    else:
        dial = shown(one.dial, unmask=unmask)
        called_at = written(dial.at)
        told = (one.number, one.dial_id, called_at, dial.ani, dial.prospect_phone, dial.disposition_name)
    if one.done_at is not None:
        yield (*told, "", "done", "", "")
    for delivery in one.deliveries:
        if target in {"", delivery.target}:
            state = state_name(delivery.state)
            yield (*told, delivery.target, state, delivery.attempts, delivery.reason)


@dials.command()
@config_options
@spool_option
@click.argument("dial_id")
@unmask_option
@json_option
@click.pass_context
def show(context: click.Context, *, dial_id: str, unmask: bool, as_json: bool) -> None:
    """Show one record: all fields, and how far each target has come. Exit code 1 when it is unknown."""
    with opened(context) as (view, settings):
        one = view.find(dial_id)
    if one is None:
        hint = f"it was never reported, or delivered over {settings.spool.retention_days:g} days ago"
        fail(f'there is no record with the dial id "{dial_id}"', hint)
    from gateway.cli.dials_table import api_fields, as_object, shown, state_name, written
    from gateway.cli.tables import put_json, put_table

    if as_json:
        put_json(as_object(one, unmask=unmask))
        return
    facts: dict[str, object] = {"put at (UTC)": written(one.put_at)}
    if one.done_at is not None:
        facts["delivered at (UTC)"] = written(one.done_at)
    if one.confirmed_at is not None:
        facts["confirmed at (UTC)"] = written(one.confirmed_at)
    if one.dial is not None:
        facts |= api_fields(shown(one.dial, unmask=unmask))
    facts["dial_id"] = one.dial_id
    put_table(("field", "value"), facts.items())
    if one.deliveries:
        put("\n")
        put_table(
            ("target", "state", "tries", "next try (UTC)", "reason"),
            (
                (way.target, state_name(way.state), way.attempts, written(way.next_at), way.reason)
                for way in one.deliveries
            ),
            right=("tries",),
        )


@dials.command()
@config_options
@spool_option
@json_option
@click.pass_context
def stats(context: click.Context, *, as_json: bool) -> None:
    """Count what waits and what died, by target, and what is delivered and confirmed by the service.

    A delivered record is confirmed when a webhook of the service has told of its dial.
    """
    with opened(context) as (view, settings):
        counted, confirmed = view.stats(), view.confirmed()
    from gateway.cli.dials_table import written
    from gateway.cli.tables import put_json, put_table
    from gateway.model.delivery import TargetStats

    now = time.time()
    targets = {name: TargetStats() for name in settings.dials.targets} | counted
    if as_json:
        put_json(
            {
                name: {
                    "waiting": one.waiting,
                    "dead": one.dead,
                    "oldest_put_at": written(one.oldest_put_at) or None,
                    "is_configured": name in settings.dials.targets,
                }
                for name, one in targets.items()
            }
            | {"records": {"delivered": confirmed.delivered, "confirmed": confirmed.confirmed}}
        )
        return
    put_table(
        ("target", "waiting", "dead", "oldest has waited", ""),
        (
            (
                name,
                one.waiting,
                one.dead,
                "" if one.oldest_put_at is None else _duration(now - one.oldest_put_at),
                "" if name in settings.dials.targets else "not in dials.targets",
            )
            for name, one in targets.items()
        ),
        right=("waiting", "dead", "oldest has waited"),
    )
    put(f"delivered and remembered: {confirmed.delivered}, of them confirmed: {confirmed.confirmed}\n")


def _duration(seconds: float) -> str:
    """`5 s`, `12 min`, `3.4 h`, `2.0 days`."""
    for most, size, unit, digits in ((120, 1, "s", 0), (7_200, 60, "min", 0), (172_800, 3_600, "h", 1)):
        if seconds < most:
            return f"{max(seconds, 0) / size:.{digits}f} {unit}"
    return f"{seconds / 86_400:.1f} days"


for command in (retry, discard, export, replay):
    dials.add_command(command)
