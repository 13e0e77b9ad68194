"""What must happen to make what a backend has into what a file says. Pure: no backend, no clock."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.model.inventory import Inventory, Item, Kind, key_of, kind_of
from gateway.model.inventory_change import Change, difference, named

Ident = tuple[Kind, str]
"""By what an item is known in all of an inventory."""


class Act(StrEnum):
    """What a step does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Step:
    """One item before and after: nothing before for a creation, nothing after for a deletion."""

    before: Item | None
    after: Item | None

    @property
    def act(self) -> Act:
        """What it does."""
        if self.before is None:
            return Act.CREATE
        return Act.DELETE if self.after is None else Act.UPDATE

    @property
    def item(self) -> Item:
        """What it is about: as it shall be, or was."""
        item = self.after or self.before
        if item is None:
            raise AssertionError(self)
        return item

    @property
    def ident(self) -> Ident:
        """What it is about, by kind and key."""
        return ident_of(self.item)

    @property
    def change(self) -> Change | None:
        """What an update changes; `None` for the others."""
        if self.before is None or self.after is None:
            return None
        return difference(self.before, self.after)

    def differences(self) -> Iterator[tuple[str, Any, Any]]:
        """Field, old value and new value of an update."""
        change = self.change
        for name in named(change) if change else ():
            yield name, getattr(self.before, name), getattr(self.after, name)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in the order of the file, deletions last; and what needs none."""

    steps: tuple[Step, ...] = ()
    extras: tuple[Item, ...] = ()
    """There, not in the file, and left alone."""
    unchanged: int = 0

    def count(self, act: Act) -> int:
        """How many steps do that."""
        return sum(step.act is act for step in self.steps)


def ident_of(item: Item) -> Ident:
    """By what `item` is known."""
    return kind_of(item), key_of(item)


def items_of(inventory: Inventory) -> list[Item]:
    """Everything in `inventory`, campaigns first, ANIs last."""
    return [*inventory.campaigns, *inventory.dispos, *inventory.anis]


def compare(
    want: Iterable[Item],
    have: Mapping[Ident, Item],
    *,
    prune: bool = False,
    unread: Collection[Ident] = (),
) -> Plan:
    """The plan. Items `unread` are left alone: what the backend has of them is not known.

    With `prune`, what the backend has and `want` has not is deleted; except of kinds `want` has nothing of,
    so that a file of ANIs never costs a campaign.
    """
    wanted = {ident_of(item): item for item in want}
    steps, unchanged = [], 0
    for ident, item in wanted.items():
        if ident in unread:
            continue
        before = have.get(ident)
        # Most are equal, and equality is much cheaper than finding out what differs.
        if before == item:
            unchanged += 1
        else:
            steps.append(Step(before, item))
    kinds = {kind for kind, _ in wanted}
    spare = [item for ident, item in have.items() if ident not in wanted and ident[0] in kinds]
    if prune:
        return Plan((*steps, *(Step(item, None) for item in spare)), (), unchanged)
    return Plan(tuple(steps), tuple(spare), unchanged)
