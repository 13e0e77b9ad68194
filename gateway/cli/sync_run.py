"""One run of `sync`: the file and the backend read, compared, and the backend made what the file says."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.console import complain, fail, say, warn
from gateway.cli.progress import Progress
from gateway.config.settings import Settings
from gateway.engine.inventory import InventoryError, read_inventory
from gateway.model.inventory import Item
from gateway.providers.base import InventoryService
from gateway.sync.apply import Apply, Outcome
from gateway.sync.kept import kept, lost
from gateway.sync.patience import Limits, Patience
from gateway.sync.plan import Act, Ident, Plan, compare, ident_of, items_of
from gateway.sync.state_file import StateFileError, read_state, write_state
from gateway.sync.survey import survey

_ENGINE = "engine"
_ENGINE_AT_ONCE = 2_000
"""A whole group of writes: they share one sync to the disk."""
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for."""

    want: Sequence[Item]
    prune: bool
    state: Path | None


def read_wish(file: Path, *, prune: bool, state: Path | None) -> Wish:
    """The file's content. Ends the command with 1, every fault a line, when it cannot be used."""
    try:
        return Wish(items_of(read_inventory(file)), prune, state)
    except InventoryError as error:
        for finding in error.findings:
            complain(finding)
        fail("the inventory file has faults", "mend it; nothing was compared or changed")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan and what it was made of."""

    plan: Plan
    unread: Mapping[Ident, str]
    known: frozenset[Ident]
    """What the state file has."""
    patience: Patience
    lost: Counter[str]
    """Fields of the file the backend has no place for."""


async def prepare(service: InventoryService, settings: Settings, wish: Wish) -> Prepared:
    """Compare. Raises `ProviderError`; ends the command with 1 when the state file cannot be used."""
    want = [kept(item, service.lacks) for item in wish.want]
    known = _known(wish, service)
    idents = dict.fromkeys((*map(ident_of, want), *sorted(known)))
    patience = Patience(limits_for(service, settings))
    with closing(Progress("read", len(idents))) as progress:
        found = await survey(service, idents, patience, on_read=progress.step)
    have = found.have
    if wish.state is not None:
        mine = known | {ident_of(item) for item in want}
        have = {ident: item for ident, item in have.items() if ident in mine}
    plan = compare(want, have, prune=wish.prune, unread=found.unread)
    told = lost(wish.want, service.lacks)
    _tell_preparations(service, told, found.unread)
    return Prepared(plan, found.unread, frozenset(known), patience, told)


async def carry_out(service: InventoryService, prepared: Prepared, wish: Wish) -> Outcome:
    """Take the steps. Ends the command with 1 when the state file cannot be written."""
    mine = prepared.known | {ident_of(item) for item in wish.want}
    _remember(wish, service, mine)
    with closing(Progress("applied", len(prepared.plan.steps))) as progress:
        apply = Apply(service, prepared.patience, on_step=progress.step)
        outcome = await apply.run(prepared.plan)
    # What is known and was not found is not there any more.
    there = {ident_of(item) for item in prepared.plan.extras} | set(prepared.unread)
    cuts = {step.ident for step in prepared.plan.steps if step.act is Act.DELETE}
    wanted = {ident_of(item) for item in wish.want}
    _remember(wish, service, wanted | (prepared.known & (there | cuts)) - outcome.deleted)
    return outcome


def limits_for(service: InventoryService, settings: Settings) -> Limits:
    """The engine is asked as fast as its disk allows, a vendor as fast as the settings allow."""
    management = settings.management
    if service.name == _ENGINE:
        return Limits(management.timeout_s, management.retry_s, _ENGINE_AT_ONCE)
    return Limits(
        management.timeout_s,
        management.retry_s,
        management.max_in_flight,
        management.requests_per_second,
    )


def summary(plan: Plan) -> str:
    """`3 to create, 1 to update, 0 to delete, 12 unchanged`."""
    counts = ", ".join(f"{plan.count(act)} to {act}" for act in Act)
    return f"{counts}, {plan.unchanged} unchanged"


def tell_extras(plan: Plan) -> None:
    """Say what is there and not in the file."""
    if plan.extras:
        kinds = Counter(ident_of(item)[0] for item in plan.extras)
        counts = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
        say(f"not in the file and left alone: {counts}; --prune deletes them")


def _known(wish: Wish, service: InventoryService) -> set[Ident]:
    if wish.state is None:
        if wish.prune and not service.can_list:
            fail(
                f"{service.name} cannot list what it has, so --prune does not know what to delete",
                "name a file that remembers what sync put there, from the first apply on: --state FILE",
            )
        return set()
    try:
        return read_state(wish.state, service.name)
    except StateFileError as error:
        fail(str(error))


def _remember(wish: Wish, service: InventoryService, idents: set[Ident] | frozenset[Ident]) -> None:
    if wish.state is None:
        return
    try:
        write_state(wish.state, service.name, idents)
    except StateFileError as error:
        fail(str(error))


def _tell_preparations(service: InventoryService, told: Counter[str], unread: Mapping[Ident, str]) -> None:
    warn(f"{service.name} keeps no {name}: left out of {number} items" for name, number in told.items())
    warn(f"{kind} could not be read: {reason}" for (kind, _), reason in [*unread.items()][:_SHOWN])
    if len(unread) > _SHOWN:
        say(f"{len(unread) - _SHOWN} more could not be read")
