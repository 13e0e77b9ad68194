from hypothesis import given

from gateway.model.inventory import Campaign, Item, Kind
from gateway.sync.order import named_by, waves
from gateway.sync.plan import Act, Ident, Plan, Step, compare, ident_of
from tests.sync.backend import ani, campaign, dispo
from tests.sync.inventories import INVENTORIES


def keys(plan: Plan) -> list[list[str]]:
    return [[step.ident[1] for step in wave] for wave in waves(plan)]


def creation(*items: Item) -> Plan:
    return compare(items, {})


def deletion(*items: Item) -> Plan:
    return Plan(tuple(Step(item, None) for item in items))


def test_a_campaign_comes_before_those_whose_pool_it_is_and_all_before_anis() -> None:
    plan = creation(
        ani(1, "out"), campaign("out", pool="pool"), campaign("pool", pool="last"), campaign("last")
    )
    assert keys(plan) == [["last"], ["pool"], ["out"], [ani(1).number.e164]]


def test_deletions_go_the_other_way_round() -> None:
    plan = deletion(campaign("pool"), campaign("out", pool="pool"), dispo("d"), ani(1, "out"))
    assert keys(plan) == [["d", ani(1).number.e164], ["out"], ["pool"]]


def test_campaigns_that_name_each_other_are_taken_all_the_same() -> None:
    assert sorted(*keys(creation(campaign("a", pool="b"), campaign("b", pool="a")))) == ["a", "b"]
    assert keys(creation(campaign("a", pool="a"))) == [["a"]]


@given(want=INVENTORIES, have=INVENTORIES)
def test_each_step_is_taken_once_and_deletions_last(want: dict[Ident, Item], have: dict[Ident, Item]) -> None:
    plan = compare(want.values(), have, prune=True)
    taken = [step for wave in waves(plan) for step in wave]
    assert sorted(taken, key=repr) == sorted(plan.steps, key=repr)
    assert [step.act is Act.DELETE for step in taken] == sorted(step.act is Act.DELETE for step in taken)


@given(want=INVENTORIES)
def test_no_ani_is_made_before_the_campaign_it_names(want: dict[Ident, Item]) -> None:
    made: set[Ident] = set()
    for wave in waves(compare(want.values(), {})):
        for step in wave:
            named = (Kind.CAMPAIGN, named_by(step.item))
            if not isinstance(step.item, Campaign):
                assert named not in want or named in made
        made |= {ident_of(step.item) for step in wave}
