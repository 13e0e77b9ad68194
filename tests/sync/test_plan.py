from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from gateway.model.inventory import Inventory, Item, Kind
from gateway.model.inventory_change import changed
from gateway.sync.kept import kept, lost
from gateway.sync.plan import Act, Ident, Plan, compare, ident_of, items_of
from tests.sync.backend import ani, campaign, dispo
from tests.sync.inventories import INVENTORIES


def made(plan: Plan, have: dict[Ident, Item]) -> dict[Ident, Item]:
    """What a backend has once all steps are taken."""
    after = dict(have)
    for step in plan.steps:
        if step.after is None:
            del after[step.ident]
        elif step.change is None:
            after[step.ident] = step.after
        else:
            after[step.ident] = changed(after[step.ident], step.change)  # type: ignore[arg-type]
    return after


def by_ident(*items: Item) -> dict[Ident, Item]:
    return {ident_of(item): item for item in items}


@given(want=INVENTORIES, have=INVENTORIES)
def test_the_steps_make_what_is_there_what_is_wanted(
    want: dict[Ident, Item], have: dict[Ident, Item]
) -> None:
    after = made(compare(want.values(), have, prune=True), have)
    kinds = {kind for kind, _ in want}
    assert {ident: item for ident, item in after.items() if ident[0] in kinds} == want
    assert compare(want.values(), after, prune=True).steps == ()


@given(want=INVENTORIES, have=INVENTORIES)
def test_without_prune_nothing_is_deleted_and_the_rest_is_told(
    want: dict[Ident, Item], have: dict[Ident, Item]
) -> None:
    plan = compare(want.values(), have)
    assert plan.count(Act.DELETE) == 0
    assert not {ident_of(item) for item in plan.extras} & set(want)
    assert made(plan, have).items() >= want.items()


def test_an_update_names_only_what_differs() -> None:
    (step,) = compare([ani(1, "c1", "New")], by_ident(ani(1, "c1", "Old"))).steps
    assert step.act is Act.UPDATE
    assert list(step.differences()) == [("brand_name", "Old", "New")]


def test_a_pause_that_ends_is_a_difference() -> None:
    paused = replace(ani(1), paused_until=date(2030, 1, 1))
    (step,) = compare([ani(1)], by_ident(paused)).steps
    assert list(step.differences()) == [("paused_until", date(2030, 1, 1), None)]


def test_a_kind_the_file_has_nothing_of_is_left_alone() -> None:
    plan = compare([ani(1)], by_ident(campaign("c1"), dispo("d1"), ani(2)), prune=True)
    assert [(step.act, step.ident[0]) for step in plan.steps] == [
        (Act.CREATE, Kind.ANI),
        (Act.DELETE, Kind.ANI),
    ]


def test_what_could_not_be_read_is_left_alone() -> None:
    assert compare([ani(1)], {}, unread={ident_of(ani(1))}) == Plan()


def test_the_order_of_a_files_items_is_kept() -> None:
    inventory = Inventory((campaign("c1"),), (dispo("d1"),), (ani(1),))
    assert items_of(inventory) == [campaign("c1"), dispo("d1"), ani(1)]


@given(st.sampled_from([frozenset(), frozenset({"inbound_pool_id"}), frozenset({"paused_until"})]))
def test_a_field_the_backend_has_no_place_for_is_emptied_and_told(lacks: frozenset[str]) -> None:
    items: list[Item] = [
        campaign("c1", pool="p"),
        replace(ani(1), paused_until=date(2030, 1, 1)),
        campaign("p"),
        ani(2),
    ]
    told = [kept(item, lacks) for item in items]
    assert lost(items, lacks) == dict.fromkeys(lacks, 1)
    assert lost(told, lacks) == {}
    assert told[2:] == items[2:]
