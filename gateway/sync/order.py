"""In what order the steps of a plan are taken. Pure.

What is named comes before what names it: a campaign before the campaigns whose inbound pool it is, all
campaigns before ANIs. Deletions come last, the other way round. Steps of one wave may be taken at once.
"""

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from gateway.model.inventory import Ani, Campaign, Item
from gateway.sync.plan import Act, Plan, Step

Wave = list[Step]


def waves(plan: Plan) -> Iterator[Wave]:
    """The steps of `plan`, each once; no wave is empty, and none has deletions and other steps."""
    puts = [step for step in plan.steps if step.act is not Act.DELETE]
    cuts = [step for step in plan.steps if step.act is Act.DELETE]
    yield from _named_first(puts)
    yield from reversed(list(_named_first(cuts)))


def named_by(item: Item) -> str:
    """The campaign or group `item` names, "" when it names none."""
    match item:
        case Campaign():
            return item.inbound_pool_id
        case Ani():
            return item.inbound_group_id
        case _:
            return ""


def _named_first(steps: Iterable[Step]) -> Iterator[Wave]:
    campaigns: dict[str, Step] = {}
    others: Wave = []
    for step in steps:
        if isinstance(step.item, Campaign):
            campaigns[step.item.id] = step
        else:
            others.append(step)
    yield from _by_pool(campaigns)
    if others:
        yield others


def _by_pool(campaigns: dict[str, Step]) -> Iterator[Wave]:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for key, step in campaigns.items():
        pool = named_by(step.item)
        sorter.add(key, *([pool] if pool in campaigns and pool != key else []))
    try:
        sorter.prepare()
    except CycleError:
        # Whichever comes first, one of them names what is not there yet.
        yield list(campaigns.values())
        return
    while sorter.is_active():
        ready = sorter.get_ready()
        yield [campaigns[key] for key in ready]
        sorter.done(*ready)
