"""Dials that the engine keeps, as the targets of outdials count them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from gateway.model.dial import Dial
from gateway.model.inventory import Dispo, DispoType, Inventory
from gateway.model.outdial import Address, AddressType, Outdial, OutdialTarget, TargetStatus
from gateway.stores.engine_dials import EngineDialStore
from gateway.stores.inventory import MIGRATIONS, InventoryStore
from gateway.stores.outdials import OutdialStore
from gateway.stores.sqlite import SqliteDatabase

START_S = 1_651_110_100.0
HOME = Address(AddressType.TEL, "+15559876543")
WORK = Address(AddressType.TEL, "+15559876544")
CAMPAIGN = "c0ffee00-0000-4000-8000-000000000000"
IDLE, DONE = TargetStatus.IDLE, TargetStatus.DONE


@dataclass
class World:
    dials: EngineDialStore
    outdials: OutdialStore

    def target(self, *destinations: Address | None, campaign: str = "") -> OutdialTarget:
        outdial = self.outdials.create(Outdial("list", campaign_id=campaign)).result(5)
        made = self.outdials.create_target(OutdialTarget(destinations, outdial_id=outdial.id)).result(5)
        assert made is not None
        return made

    def report(self, *dials: Dial) -> None:
        self.dials.keep(dials, forget_before=0).result(5)

    def after(self, target: OutdialTarget) -> tuple[TargetStatus, tuple[int, ...]]:
        found = self.outdials.get_target(target.outdial_id, target.id).result(5)
        assert found is not None
        return found.status, found.tries


@pytest.fixture
def world() -> Iterator[World]:
    database = SqliteDatabase.open("", MIGRATIONS, group_window_s=0)
    dispos = (
        Dispo("sale", "Sale closed", DispoType.AGENT, contact=False, success=True),
        Dispo("talk", "Not interested", DispoType.AGENT, contact=True, success=False),
        Dispo("busy", "Busy", DispoType.SYSTEM, contact=False, success=False),
    )
    InventoryStore(database).save(Inventory(dispos=dispos))

    def clock() -> float:
        return START_S

    yield World(EngineDialStore(database, clock=clock), OutdialStore(database, clock=clock))
    database.close()


def dial(
    disposition: str = "busy",
    *,
    dial_id: str = "1",
    phone: str = HOME.target,
    campaign: str = "9001",
    direction: str = "Outbound",
) -> Dial:
    return Dial(
        dial_id,
        "+15552223333",
        phone,
        START_S,
        campaign_id=campaign,
        disposition_name=disposition,
        call_direction=direction,
    )


def test_dial_that_reached_nobody_leaves_the_target_open(world: World) -> None:
    target = world.target(HOME, WORK)
    world.report(dial(dial_id="1"), dial("unheard of", dial_id="2"), dial(dial_id="3", phone=WORK.target))
    assert world.after(target) == (IDLE, (2, 1, 0, 0, 0))


@pytest.mark.parametrize("disposition", ["sale", "Sale closed", "talk"])
def test_dial_that_reached_the_prospect_ends_the_target(world: World, disposition: str) -> None:
    target = world.target(HOME, WORK)
    world.report(dial(disposition, phone=WORK.target))
    assert world.after(target) == (DONE, (0, 1, 0, 0, 0))
    world.report(dial(dial_id="2"))
    assert world.after(target) == (DONE, (0, 1, 0, 0, 0))


def test_dial_counts_once_however_often_it_is_told(world: World) -> None:
    target = world.target(HOME)
    world.report(dial(), dial())
    world.report(dial())
    assert world.after(target) == (IDLE, (1, 0, 0, 0, 0))
    world.report(dial("sale"))
    assert world.after(target) == (DONE, (1, 0, 0, 0, 0))


def test_number_that_stands_twice_is_counted_at_its_first_place(world: World) -> None:
    target = world.target(None, HOME, HOME)
    world.report(dial())
    assert world.after(target) == (IDLE, (0, 1, 0, 0, 0))


def test_prospect_who_calls_is_no_try(world: World) -> None:
    target = world.target(HOME)
    world.report(dial("sale", direction="Inbound"))
    assert world.after(target) == (IDLE, (0, 0, 0, 0, 0))


def test_outdial_of_a_campaign_counts_that_campaigns_dials(world: World) -> None:
    free, bound = world.target(HOME), world.target(HOME, campaign=CAMPAIGN)
    world.report(dial(dial_id="1"), dial(dial_id="2", campaign=CAMPAIGN))
    assert world.after(free) == (IDLE, (2, 0, 0, 0, 0))
    assert world.after(bound) == (IDLE, (1, 0, 0, 0, 0))


def test_what_is_deleted_counts_no_more(world: World) -> None:
    by_itself, by_outdial = world.target(HOME), world.target(HOME)
    world.outdials.delete_target(by_itself.outdial_id, by_itself.id).result(5)
    world.outdials.delete(by_outdial.outdial_id).result(5)
    world.report(dial("sale"))
    for target in (by_itself, by_outdial):
        assert world.after(target) == (IDLE, (0, 0, 0, 0, 0))


def test_one_dial_counts_for_a_hundred_targets_at_most(world: World) -> None:
    targets = [world.target(HOME) for _ in range(101)]
    world.report(dial())
    assert sum(world.after(target)[1][0] for target in targets) == 100
