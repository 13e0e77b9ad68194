"""`ani-gateway sync`: makes a backend's inventory what a file says."""

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.console import FAILED, fail, say
from gateway.cli.inventory_backend import backend_options, on_backend

if TYPE_CHECKING:
    from gateway.cli.sync_run import Prepared, Wish
    from gateway.config.settings import Settings
    from gateway.providers.base import InventoryService
    from gateway.sync.apply import Outcome

_DIFFERENT = 2
_file = click.argument("file", type=click.Path(path_type=Path))
_prune = click.option("--prune", is_flag=True, help="Delete what is not in FILE, of the kinds FILE has.")
_state = click.option(
    "--state",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Remembers what apply put there; --prune then deletes nothing else.",
)
_limit = click.option("--limit", default=200, type=click.IntRange(0), help="Most lines shown. Default: 200.")


@click.group()
def sync() -> None:
    """Make a backend's campaigns, dispositions and ANIs what a file says.

    FILE is an inventory file: YAML for all kinds, CSV for ANIs.
    """


@sync.command()
@backend_options
@_file
@_prune
@_state
@_limit
@click.pass_context
def plan(
    context: click.Context, *, file: Path, prune: bool, state: Path | None, limit: int, as_json: bool
) -> None:
    """Show what apply would do, and change nothing.

    Exit code 0 when there are no differences, 2 when there are some, 1 when something could not be read.
    """
    from gateway.cli.sync_run import prepare, read_wish, summary, tell_extras

    wish = read_wish(file, prune=prune, state=state)
    prepared = on_backend(context, lambda service, settings: prepare(service, settings, wish))
    if as_json:
        _put_json(_told(prepared))
    else:
        _show(prepared, limit)
        tell_extras(prepared.plan)
        say(summary(prepared.plan))
    if prepared.unread:
        fail(f"{len(prepared.unread)} items could not be read", "run it again")
    sys.exit(_DIFFERENT if prepared.plan.steps else 0)


@sync.command()
@backend_options
@_file
@_prune
@_state
@_limit
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def apply(
    context: click.Context,
    *,
    file: Path,
    prune: bool,
    state: Path | None,
    limit: int,
    yes: bool,
    as_json: bool,
) -> None:
    """Show the plan, ask, and carry it out.

    Safe to repeat, and to run again after a break at any point: it compares anew and does what is left. Exit
    code 1 when a step failed or the answer was no.
    """
    if not yes and (as_json or not sys.stdin.isatty()):
        raise click.UsageError("nobody can be asked here; give --yes, after a look at: ani-gateway sync plan")
    from gateway.cli.sync_run import read_wish

    wish = read_wish(file, prune=prune, state=state)
    prepared, outcome = on_backend(
        context,
        lambda service, settings: _planned_and_done(
            service, settings, wish, limit=limit, asks=not yes, shows=not as_json
        ),
    )
    if as_json:
        _put_json({"plan": _told(prepared), **_outcome_told(outcome)})
    else:
        _sum_up(outcome, limit)
    if prepared.unread or not outcome.is_complete:
        sys.exit(FAILED)


async def _planned_and_done(
    service: "InventoryService", settings: "Settings", wish: "Wish", *, limit: int, asks: bool, shows: bool
) -> "tuple[Prepared, Outcome]":
    from gateway.cli.sync_run import carry_out, prepare, summary, tell_extras

    prepared = await prepare(service, settings, wish)
    if shows:
        _show(prepared, limit)
        tell_extras(prepared.plan)
        say(summary(prepared.plan))
    if prepared.plan.steps and asks and not _is_wanted(f"Change {service.name}?"):
        fail("nothing was changed")
    return prepared, await carry_out(service, prepared, wish)


def _is_wanted(question: str) -> bool:
    """The answer; Ctrl-C says no. While the loop runs it is the loop's, and would wait for an answer."""
    loops_own = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        say("")
        return False
    finally:
        signal.signal(signal.SIGINT, loops_own)


def _show(prepared: "Prepared", limit: int) -> None:
    from gateway.cli.sync_table import put_plan

    put_plan(prepared.plan, limit)
    if len(prepared.plan.steps) > limit:
        say(f"and {len(prepared.plan.steps) - limit} more; see all of them with a greater --limit or --json")


def _sum_up(outcome: "Outcome", limit: int) -> None:
    from gateway.cli.sync_table import put_failures
    from gateway.sync.plan import Act

    put_failures(outcome, limit)
    say("done: " + ", ".join(f"{act} {outcome.done[act]}" for act in Act))
    if outcome.is_complete:
        return
    left = sum(outcome.not_tried.values())
    why = f": {outcome.stopped}" if outcome.stopped else ""
    fail(
        f"{len(outcome.failures)} failed, {left} not tried{why}",
        "mend what the reasons say and run it again; what is done is not done twice",
    )


def _told(prepared: "Prepared") -> dict[str, Any]:
    from gateway.cli.sync_table import plan_object, unread_object

    return plan_object(prepared.plan) | {
        "not_kept": dict(prepared.lost),
        "unread": unread_object(prepared.unread),
    }


def _outcome_told(outcome: "Outcome") -> dict[str, Any]:
    from gateway.cli.sync_table import outcome_object

    return outcome_object(outcome)


def _put_json(value: object) -> None:
    from gateway.cli.tables import put_json

    put_json(value)
