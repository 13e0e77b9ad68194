from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.model.delivery import ConfirmedStats, Delivery, DeliveryState, Outcome
from gateway.model.dial import Dial
from gateway.stores.base import StoreUnusableError
from gateway.stores.settings import SpoolSettings
from gateway.stores.spool import MIGRATIONS, SqliteSpool
from gateway.stores.spool_view import SpoolView
from gateway.stores.sqlite import SqliteDatabase

NOW = 1_000.0
DEAD, DONE, WAITING = DeliveryState.DEAD, DeliveryState.DONE, DeliveryState.WAITING


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[SqliteSpool]:
    """Record 0 is dead at "one", 1 delivered everywhere, 2 waits."""
    settings = SpoolSettings(file=str(tmp_path / "spool.db"), settle_s=0, group_window_s=0)
    one = SqliteSpool.open(settings, {"one": True, "two": True}, now=NOW)
    dials = [Dial(str(number), "+15552223333", "+15559876543", NOW) for number in range(3)]
    one.record(dials, (), now=NOW).result(5)
    for target in ("one", "two"):
        one.take(target, 2, now=NOW).result(5)
    outcomes = [
        Outcome("0", "one", DEAD, reason="refused (422)"),
        Outcome("0", "two", DONE),
        Outcome("1", "one", DONE),
        Outcome("1", "two", DONE),
    ]
    one.record((), outcomes, now=NOW + 1).result(5)
    yield one
    one.close()


@pytest.fixture
def view(spool: SqliteSpool, tmp_path: Path) -> Iterator[SpoolView]:  # noqa: ARG001 - the owner works on
    one = SpoolView.open(str(tmp_path / "spool.db"))
    yield one
    one.close()


def listed(view: SpoolView, state: DeliveryState | None = None, target: str = "") -> list[str]:
    return [record.dial_id for record in view.page(state=state, target=target)]


def test_listing_picks_by_state_and_target(view: SpoolView) -> None:
    assert listed(view) == ["0", "1", "2"]
    assert (listed(view, DEAD), listed(view, WAITING), listed(view, DONE)) == (["0"], ["2"], ["1"])
    assert (listed(view, DEAD, "two"), listed(view, target="two")) == ([], ["2"])


def test_listing_goes_on_after_the_last_one(view: SpoolView) -> None:
    first = view.page(most=2)
    assert [record.dial_id for record in view.page(after=first[-1].number)] == ["2"]


def test_a_dead_letter_tells_its_reason(view: SpoolView) -> None:
    found = view.find("0")
    assert found is not None
    assert found.dial is not None
    assert found.deliveries == [Delivery("one", DEAD, 1, NOW + 1, "refused (422)")]
    assert view.find("unknown") is None


def test_a_delivered_record_is_known_by_its_id_only(view: SpoolView) -> None:
    found = view.find("1")
    assert found is not None
    assert (found.dial, found.done_at, found.deliveries) == (None, NOW + 1, [])


def test_a_retried_dead_letter_is_found_by_the_owner(view: SpoolView, spool: SqliteSpool) -> None:
    assert view.retry(["0", "2", "unknown"], now=NOW + 500_000) == 1
    taken = spool.take("one", 1, now=NOW + 500_000).result(5).taken
    assert [(one.dial.dial_id, one.attempt) for one in taken] == [("2", 1)]
    taken = spool.take("one", 9, now=NOW + 500_000).result(5).taken
    assert [(one.dial.dial_id, one.attempt, one.put_at) for one in taken] == [("0", 1, NOW + 500_000)]


def test_all_dead_letters_of_one_target_are_retried(view: SpoolView) -> None:
    assert view.retry(target="two", now=NOW) == 0
    assert view.retry(target="one", now=NOW) == 1
    assert listed(view, DEAD) == []


def test_a_discarded_dead_letter_counts_as_delivered(view: SpoolView) -> None:
    assert view.discard([], now=NOW) == 0
    assert view.discard(["0"], now=NOW + 9) == 1
    found = view.find("0")
    assert found is not None
    assert (found.dial, found.done_at) == (None, NOW + 9)


def test_counts_are_the_owners(view: SpoolView) -> None:
    stats = view.stats()
    assert (stats["one"].waiting, stats["one"].dead, stats["two"].waiting) == (1, 1, 1)


def test_a_spool_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusableError, match="there is no spool"):
        SpoolView.open(str(tmp_path / "none.db"))
    assert not (tmp_path / "none.db").exists()


def test_delivered_records_are_counted_with_their_confirmations(view: SpoolView, spool: SqliteSpool) -> None:
    assert view.confirmed() == ConfirmedStats(delivered=1, confirmed=0)
    spool.confirm(["1", "2"], now=NOW + 5).result(5)
    assert view.confirmed() == ConfirmedStats(delivered=1, confirmed=1)
    found = view.find("1"), view.find("0")
    assert [one and one.confirmed_at for one in found] == [NOW + 5, None]


def test_a_spool_of_the_first_version_can_be_looked_into_and_used_on(tmp_path: Path) -> None:
    file = str(tmp_path / "old.db")
    SqliteDatabase.open(file, MIGRATIONS[:1]).close()
    looked = SpoolView.open(file)
    assert looked.confirmed() == ConfirmedStats(delivered=0, confirmed=0)
    looked.close()
    SqliteSpool.open(SpoolSettings(file=file), {}, now=NOW).close()
