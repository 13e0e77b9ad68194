"""`ani-gateway dials retry` and `discard`: another chance for dead letters, or none."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import click

from gateway.cli.console import fail, say
from gateway.cli.dials_spool import each, opened, spool_option
from gateway.cli.options import config_options, json_option

if TYPE_CHECKING:
    from gateway.model.delivery import SpooledDial
    from gateway.stores.spool_view import SpoolView

_SHOWN = 20
"""Lines of a plan; a longer one ends with a count."""


class _Letter(NamedTuple):
    dial_id: str
    target: str
    reason: str


target_option = click.option("--target", default="", help="Only for this target. Default: all.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")


@click.command()
@config_options
@spool_option
@click.argument("dial_ids", nargs=-1, metavar="[DIAL_ID]...")
@click.option("--all", "take_all", is_flag=True, help="All dead letters that cannot have arrived.")
@target_option
@dry_run_option
@json_option
@click.pass_context
def retry(
    context: click.Context,
    *,
    dial_ids: tuple[str, ...],
    take_all: bool,
    target: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send dead letters again, those named or --all. Shows them first.

    Their time starts anew. --all leaves out those that may have arrived at a target which cannot tell repeats
    apart: look them up there, then name them. Exit code 1 when one that is named is no dead letter.
    """
    if bool(dial_ids) == take_all:
        raise click.UsageError("name dial ids, or give --all")
    from gateway.stores.spool import MAY_HAVE_ARRIVED

    with opened(context) as (view, _):
        letters = list(_letters(view, dial_ids, target))
        chosen = [letter for letter in letters if dial_ids or not letter.reason.startswith(MAY_HAVE_ARRIVED)]
        _show(chosen, dry_run=dry_run, as_json=as_json)
        done = (
            0
            if dry_run
            else _by_target(chosen, lambda ids, name: view.retry(ids, target=name, now=time.time()))
        )
    if len(letters) > len(chosen):
        say(f"{len(letters) - len(chosen)} that may have arrived are left out; name them to send them again")
    say(f"would retry {len(chosen)}" if dry_run else f"retrying {done}")
    _miss(dial_ids, letters)


@click.command()
@config_options
@spool_option
@click.argument("dial_ids", nargs=-1, required=True, metavar="DIAL_ID...")
@target_option
@dry_run_option
@json_option
@click.pass_context
def discard(
    context: click.Context,
    *,
    dial_ids: tuple[str, ...],
    target: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Give dead letters up for good. Shows them first.

    They count as delivered: a replay does not send them again. Exit code 1 when one named is no dead letter.
    """
    with opened(context) as (view, _):
        letters = list(_letters(view, dial_ids, target))
        _show(letters, dry_run=dry_run, as_json=as_json)
        done = (
            0
            if dry_run
            else _by_target(letters, lambda ids, name: view.discard(ids, target=name, now=time.time()))
        )
    say(f"would discard {len(letters)}" if dry_run else f"discarded {done}")
    _miss(dial_ids, letters)


def _letters(view: "SpoolView", dial_ids: tuple[str, ...], target: str) -> Iterator[_Letter]:
    """The dead letters meant."""
    from gateway.model.delivery import DeliveryState

    found: Iterable[SpooledDial | None] = (
        map(view.find, dict.fromkeys(dial_ids))
        if dial_ids
        else each(view, state=DeliveryState.DEAD, target=target)
    )
    for one in found:
        if one is None:
            continue
        for delivery in one.deliveries:
            if delivery.state is DeliveryState.DEAD and target in {"", delivery.target}:
                yield _Letter(one.dial_id, delivery.target, delivery.reason)


def _by_target(letters: list[_Letter], mend: Callable[[list[str], str], int]) -> int:
    """Mend exactly these: a record may be dead for one target and fine for another."""
    ids: dict[str, list[str]] = {}
    for letter in letters:
        ids.setdefault(letter.target, []).append(letter.dial_id)
    return sum(mend(named, target) for target, named in ids.items())


def _show(letters: list[_Letter], *, dry_run: bool, as_json: bool) -> None:
    """The plan, before anything is done."""
    from gateway.cli.tables import put_json, put_table

    if as_json:
        put_json({"dry_run": dry_run, "letters": [letter._asdict() for letter in letters]})
    elif letters:
        put_table(("dial id", "target", "reason"), letters[:_SHOWN])
        if len(letters) > _SHOWN:
            say(f"and {len(letters) - _SHOWN} more")


def _miss(dial_ids: tuple[str, ...], letters: list[_Letter]) -> None:
    """Fail when something named is no dead letter."""
    known = {letter.dial_id for letter in letters}
    missing = [dial_id for dial_id in dial_ids if dial_id not in known]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        fail(f'"{missing[0]}"{more} is no dead letter', "ani-gateway dials list --state dead")
