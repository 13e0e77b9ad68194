"""The provider beside others who change its database: in this process, and in another one."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.engine.provider import EngineProvider
from gateway.engine.rules import Rule
from gateway.engine.settings import EngineSettings
from gateway.model.dial import Dial
from gateway.model.inventory import Ani, Campaign, CampaignType, Dispo, DispoType, Inventory, Kind
from gateway.model.lead import AssignmentType, Lead
from gateway.model.phone import PhoneNumber
from gateway.stores.engine_dials import EngineDialStore
from gateway.stores.inventory import MIGRATIONS, InventoryStore
from gateway.stores.sqlite import SqliteDatabase

LEAD = Lead(PhoneNumber("+12125550199"), campaign="c1")
BEST = LEAD._replace(assignment_type=AssignmentType.HIGHEST_CONTACT_RATE)
CAMPAIGN = Campaign("c1", "One", CampaignType.OUTBOUND)
ONE, TWO = Ani(PhoneNumber("+12125550100"), "c1"), Ani(PhoneNumber("+12125550101"), "c1")
SALE = Dispo("sale", "Sale", DispoType.AGENT, contact=True, success=True)
BUSY = Dispo("busy", "Busy", DispoType.SYSTEM, contact=False, success=False)
NOON_S = 1_772_452_800.0  # 2026-03-02 12:00 UTC


@dataclass
class Desk:
    """A provider with its clock, and another connection to its database."""

    provider: EngineProvider
    other: SqliteDatabase
    now_s: float = NOON_S

    @property
    def store(self) -> InventoryStore:
        return InventoryStore(self.other)

    def shown(self, lead: Lead = LEAD) -> PhoneNumber | None:
        choice = self.provider.choose(lead)
        return choice and choice.ani

    def until(self, is_so: Callable[[], bool]) -> None:
        """Ask on, a little later each time, until it is so; the reading thread needs its real time."""
        give_up_s = time.monotonic() + 10
        while not is_so():
            assert time.monotonic() < give_up_s
            self.now_s += 0.1


@pytest.fixture
def settings(cache_dir: Path, tmp_path: Path) -> EngineSettings:
    return EngineSettings(
        database=str(tmp_path / "engine.db"), cache_dir=str(cache_dir), timezone="UTC", daily_cap=100_000
    )


@pytest.fixture
def open_desk(settings: EngineSettings) -> Iterator[Callable[..., Desk]]:
    other = SqliteDatabase.open(settings.database, MIGRATIONS, group_window_s=0)
    InventoryStore(other).save(Inventory((CAMPAIGN,), (SALE, BUSY), (ONE,)))
    desks: list[Desk] = []

    def open_one(**changes: Any) -> Desk:
        provider = EngineProvider.open(
            replace(settings, **changes), clock=lambda: desks[-1].now_s if desks else NOON_S
        )
        desks.append(Desk(provider, other, desks[-1].now_s if desks else NOON_S))
        return desks[-1]

    yield open_one
    for desk in desks:
        desk.provider.close()
    other.close()


def test_change_in_this_process_holds_from_the_next_choice(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    assert desk.shown() == ONE.number
    desk.provider.apply(None, TWO)
    assert desk.provider.owns(TWO.number)
    assert desk.provider.size == 2
    assert desk.shown() == TWO.number
    desk.provider.apply(TWO, replace(TWO, paused_until=date(2026, 3, 3)))
    assert [desk.shown() for _ in range(2)] == [ONE.number] * 2
    desk.provider.apply(ONE, None)
    assert not desk.provider.owns(ONE.number)
    assert desk.shown() is None


def test_campaign_changed_in_this_process_changes_hands_at_once(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    asked = LEAD._replace(campaign="c2")
    desk.provider.apply(None, Campaign("c2", "Two", CampaignType.OUTBOUND))
    assert desk.shown(asked) is None
    desk.provider.apply(
        Campaign("c2", "Two", CampaignType.OUTBOUND), Campaign("c2", "Two", CampaignType.OUTBOUND, "c1")
    )
    assert desk.shown(asked) == ONE.number
    desk.provider.apply(Campaign("c2", "Two", CampaignType.OUTBOUND, "c1"), None)
    desk.provider.apply(CAMPAIGN, None)
    assert desk.shown(asked) == ONE.number


def test_counter_of_a_changed_number_survives(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(daily_cap=2)
    desk.shown()
    desk.provider.apply(ONE, replace(ONE, is_branded=True))
    assert [desk.shown() for _ in range(2)] == [ONE.number, None]


def test_change_by_another_process_is_noticed(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    assert desk.shown() == ONE.number
    desk.store.create(TWO).result()
    desk.until(lambda: desk.shown() == TWO.number)
    desk.store.delete(Kind.ANI, ONE.number.e164).result()
    desk.until(lambda: desk.shown() == TWO.number and not desk.provider.owns(ONE.number))
    assert desk.shown() == TWO.number
    desk.store.delete(Kind.CAMPAIGN, "c1").result()
    desk.store.create(Campaign("c2", "Two", CampaignType.OUTBOUND, "c1")).result()
    # The number belongs to c2 now, and c1 is a campaign nobody told of: it may use all.
    desk.until(lambda: desk.shown(LEAD._replace(campaign="c2")) == TWO.number)


def test_uses_are_counted_on_over_a_change_by_another_process(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(daily_cap=3)
    assert desk.shown() == ONE.number
    desk.store.create(TWO).result()
    nobodys = LEAD._replace(pools=("nobody",))
    desk.until(lambda: desk.shown(nobodys) is None and desk.provider.size == 2)
    uses = [choice.uses for _ in range(5) if (choice := desk.provider.choose(LEAD))]
    assert sorted(uses) == [1, 2, 2, 3, 3]
    assert desk.shown() is None


def test_large_change_comes_in_portions(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    anis = [Ani(PhoneNumber(f"+1305{number:07d}"), "c1") for number in range(2_000_000, 2_000_450)]
    desk.store.save(Inventory(anis=tuple(anis)))
    sizes: list[int] = []

    def is_all_there() -> bool:
        desk.shown()
        sizes.append(desk.provider.size)
        return sizes[-1] == 451

    desk.until(is_all_there)
    assert sorted(set(sizes)) == [1, 201, 401, 451]


def test_nobody_looks_when_told_not_to(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(refresh_s=0.0)
    desk.store.create(TWO).result()
    for _ in range(20):
        desk.now_s += 10
        desk.shown()
    assert desk.provider.size == 1


def test_row_nobody_can_read_leaves_the_inventory_as_it_was(
    open_desk: Callable[..., Desk], caplog: pytest.LogCaptureFixture
) -> None:
    desk = open_desk()
    desk.other.run(lambda tx: tx.execute("UPDATE campaigns SET type = 'Sideways'"))
    desk.store.create(TWO).result()
    desk.until(lambda: desk.shown() == ONE.number and "inventory stays as it was" in caplog.text)
    desk.other.run(lambda tx: tx.execute("UPDATE campaigns SET type = 'Outbound'"))
    desk.until(lambda: desk.shown() == TWO.number)


def report(desk: Desk, ani: Ani, dials: int, contacts: int) -> None:
    EngineDialStore(desk.other).keep(
        [
            Dial(
                f"{ani.number.e164} {number}",
                ani.number.e164,
                "+15559876543",
                desk.now_s,
                disposition_name="sale" if number < contacts else "busy",
            )
            for number in range(dials)
        ],
        forget_before=0.0,
    ).result()


def test_number_that_reaches_people_is_chosen_for_its_contact_rate(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    desk.provider.apply(None, TWO)
    report(desk, ONE, 300, 30)
    report(desk, TWO, 300, 90)
    assert desk.shown(BEST) == ONE.number
    desk.until(lambda: [desk.shown(BEST) for _ in range(3)] == [TWO.number] * 3)
    # Then it is ONE's turn again, once the counts are 60 s old.
    report(desk, ONE, 2_000, 1_900)
    desk.until(lambda: [desk.shown(BEST) for _ in range(3)] == [ONE.number] * 3)


def test_number_created_again_has_its_rate(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    desk.provider.apply(None, TWO)
    report(desk, ONE, 300, 30)
    report(desk, TWO, 300, 90)
    desk.until(lambda: [desk.shown(BEST) for _ in range(3)] == [TWO.number] * 3)
    desk.provider.apply(TWO, None)
    assert desk.shown(BEST) == ONE.number
    desk.provider.apply(None, TWO)
    assert [desk.shown(BEST) for _ in range(3)] == [TWO.number] * 3


def test_mended_disposition_is_counted_anew(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(contact_rate_refresh_s=86_400.0)
    desk.provider.apply(None, TWO)
    report(desk, ONE, 300, 30)
    report(desk, TWO, 300, 90)
    desk.until(lambda: [desk.shown(BEST) for _ in range(3)] == [TWO.number] * 3)
    for changed in (replace(SALE, contact=False), replace(BUSY, contact=True)):
        desk.store.save(Inventory(dispos=(changed,)))
    desk.provider.apply(BUSY, replace(BUSY, contact=True))
    desk.until(lambda: [desk.shown(BEST) for _ in range(3)] == [ONE.number] * 3)


def test_prospect_sees_the_same_number_after_a_restart(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(sticky_days=7.0)
    desk.provider.apply(None, TWO)
    desk.store.create(TWO).result()
    desk.shown()
    asked = LEAD._replace(phone=PhoneNumber("+12125550198"))
    assert desk.shown(asked) == TWO.number
    desk.provider.close()
    again = open_desk(sticky_days=7.0)
    choices = [again.provider.choose(asked) for _ in range(2)]
    assert [(choice.ani, choice.rule) for choice in choices if choice] == [(TWO.number, Rule.STICKY)] * 2
    again.now_s += 7 * 86_400
    assert again.shown(asked) == ONE.number


def test_prospects_are_not_remembered_unless_told_to(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    desk.provider.apply(None, TWO)
    assert [desk.shown() for _ in range(2)] == [ONE.number, TWO.number]
    desk.provider.close()
    assert desk.other.run(lambda tx: tx.execute("SELECT count(*) FROM sticky")) == [(0,)]
