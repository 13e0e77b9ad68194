"""Whatever happens to a run, the next one ends where the file says, and writes nothing twice."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.inventory import Item, Kind
from gateway.providers.base import ProviderError
from gateway.simulator.clock import SimulatedTimeLoop
from gateway.sync.apply import Apply, Outcome
from gateway.sync.patience import Patience
from gateway.sync.plan import Act, Ident, Plan, compare, ident_of
from gateway.sync.survey import survey
from tests.sync.backend import LIMITS, Fault, KilledError, ScriptedBackend, ani, campaign, dispo
from tests.sync.inventories import INVENTORIES

pytestmark = pytest.mark.simulated_time


async def planned(backend: ScriptedBackend, want: Sequence[Item], patience: Patience) -> Plan:
    idents = {ident_of(item) for item in want} | set(backend.items)
    found = await survey(backend, idents, patience, on_read=lambda: None)
    return compare(want, found.have, prune=True, unread=found.unread)


async def one_run(backend: ScriptedBackend, want: Sequence[Item], *, at_once: int = 4) -> Outcome:
    patience = Patience(replace(LIMITS, at_once=at_once))
    plan = await planned(backend, want, patience)
    return await Apply(backend, patience, on_step=lambda: None).run(plan)


def killed_run(backend: ScriptedBackend, want: Sequence[Item], at_once: int) -> None:
    """A run that may be killed in its midst."""
    with asyncio.Runner(loop_factory=SimulatedTimeLoop) as runner, suppress(ProviderError):
        try:
            runner.run(one_run(backend, want, at_once=at_once))
        except* KilledError:
            pass


@settings(max_examples=300)
@given(
    want=INVENTORIES,
    have=INVENTORIES,
    runs=st.lists(st.lists(st.sampled_from(Fault), max_size=12), max_size=3),
    at_once=st.integers(1, 4),
    can_list=st.booleans(),
)
def test_after_any_failures_a_clean_run_ends_in_what_is_wanted(
    want: dict[Ident, Item],
    have: dict[Ident, Item],
    runs: list[list[Fault]],
    at_once: int,
    can_list: bool,  # noqa: FBT001 - drawn
) -> None:
    items = list(want.values())
    backend = ScriptedBackend(have.values(), can_list=can_list)
    for faults in runs:
        backend.faults = iter(faults)
        killed_run(backend, items, at_once)
    backend.faults = iter(())
    before, backend.requests = dict(backend.items), []
    killed_run(backend, items, at_once)
    kinds = {kind for kind, _ in want}
    assert {ident: item for ident, item in backend.items.items() if ident[0] in kinds} == want
    assert {ident: item for ident, item in backend.items.items() if ident[0] not in kinds} == {
        ident: item for ident, item in have.items() if ident[0] not in kinds
    }
    assert len(backend.writes) == len(compare(items, before, prune=True).steps)
    backend.requests = []
    killed_run(backend, items, at_once)
    assert backend.writes == []


async def test_a_creation_whose_answer_was_lost_is_not_made_twice() -> None:
    backend = ScriptedBackend(faults=[Fault.NONE, Fault.ANSWER_LOST])
    outcome = await one_run(backend, [ani(1)])
    assert outcome.is_complete
    assert [what for what, _ in backend.requests] == ["list", "create", "get"]
    assert backend.items == {ident_of(ani(1)): ani(1)}


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.NEVER_SENT])
async def test_a_creation_that_never_arrived_is_repeated_at_once(fault: Fault) -> None:
    backend = ScriptedBackend(faults=[Fault.NONE, fault])
    await one_run(backend, [ani(1)])
    assert [what for what, _ in backend.requests] == ["list", "create", "create"]


async def test_a_creation_that_broke_is_looked_up_and_repeated_when_it_did_not_arrive() -> None:
    backend = ScriptedBackend(faults=[Fault.NONE, Fault.AWAY])
    assert (await one_run(backend, [ani(1)])).is_complete
    assert [what for what, _ in backend.requests] == ["list", "create", "get", "create"]


async def test_an_item_somebody_else_made_in_the_meantime_is_updated() -> None:
    backend = ScriptedBackend()
    patience = Patience(LIMITS)
    plan = await planned(backend, [ani(1, brand="Wanted")], patience)
    backend.items[ident_of(ani(1))] = ani(1, brand="Other")
    await Apply(backend, patience, on_step=lambda: None).run(plan)
    assert [what for what, _ in backend.writes] == ["create", "update"]
    assert list(backend.items.values()) == [ani(1, brand="Wanted")]


async def test_an_item_somebody_else_deleted_in_the_meantime_is_made_again() -> None:
    backend = ScriptedBackend([ani(1)])
    patience = Patience(LIMITS)
    plan = await planned(backend, [ani(1, brand="Wanted")], patience)
    backend.items.clear()
    outcome = await Apply(backend, patience, on_step=lambda: None).run(plan)
    assert outcome.done == {Act.UPDATE: 1}
    assert list(backend.items.values()) == [ani(1, brand="Wanted")]


async def test_a_failure_takes_only_those_with_it_that_name_its_campaign() -> None:
    backend = ScriptedBackend()
    backend.refuses = {"bad"}
    want: list[Item] = [
        campaign("bad"),
        campaign("good"),
        campaign("out", pool="bad"),
        ani(1, "bad"),
        ani(2, "good"),
    ]
    outcome = await one_run(backend, want)
    assert {failure.step.ident[1]: failure.reason for failure in outcome.failures} == {
        "bad": "never",
        "out": 'campaign "bad" could not be created',
        "+12125550001": 'campaign "bad" could not be created',
    }
    assert set(backend.items) == {ident_of(campaign("good")), ident_of(ani(2))}
    assert outcome.done == {Act.CREATE: 2}


async def test_nothing_is_deleted_while_something_before_failed() -> None:
    """The number that could not be moved would be left without its campaign."""
    backend = ScriptedBackend([campaign("old"), ani(1, "old")])
    backend.refuses = {ani(1).number.e164}
    outcome = await one_run(backend, [campaign("new"), ani(1, "new")])
    assert [failure.step.act for failure in outcome.failures] == [Act.UPDATE]
    assert outcome.not_tried == {Act.DELETE: 1}
    assert ident_of(campaign("old")) in backend.items
    assert not outcome.is_complete


async def test_a_rate_limit_is_waited_for_by_all() -> None:
    clock = asyncio.get_running_loop()
    backend = ScriptedBackend(faults=[Fault.NONE, Fault.RATE_LIMITED])
    began = clock.time()
    outcome = await one_run(backend, [dispo(f"d{number}") for number in range(20)])
    assert outcome.is_complete
    assert clock.time() - began == pytest.approx(3, abs=0.1)


async def test_a_backend_that_stays_away_ends_the_run() -> None:
    """After one deadline, and not after one for each of a thousand items."""
    clock = asyncio.get_running_loop()
    backend = ScriptedBackend(faults=[Fault.NONE, Fault.NONE, Fault.NONE, *[Fault.AWAY] * 10_000])
    began = clock.time()
    outcome = await one_run(backend, [campaign("c"), *(ani(number) for number in range(1_000))])
    assert outcome.stopped == "it does not answer: broken off"
    assert outcome.done == {Act.CREATE: 1}
    assert outcome.not_tried == {Act.CREATE: 1_000}
    assert clock.time() - began < 2 * LIMITS.retry_s


async def test_a_deletion_whose_answer_was_lost_is_done() -> None:
    backend = ScriptedBackend([ani(1), ani(2)], faults=[Fault.NONE, Fault.ANSWER_LOST])
    outcome = await one_run(backend, [ani(1)])
    assert backend.writes == [("delete", ani(2).number.e164)] * 2
    assert outcome.is_complete
    assert outcome.deleted == {ident_of(ani(2))}


async def test_deletions_reach_the_backend_and_are_told() -> None:
    backend = ScriptedBackend([ani(1), ani(2), campaign("c")])
    outcome = await one_run(backend, [ani(1)])
    assert outcome.deleted == {(Kind.ANI, ani(2).number.e164)}
    assert set(backend.items) == {ident_of(ani(1)), ident_of(campaign("c"))}
