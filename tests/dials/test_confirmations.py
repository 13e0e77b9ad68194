import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dials.confirmations import ConfirmationCounts, Confirmations
from gateway.model.delivery import Confirmed
from gateway.stores.base import StoreBusyError


class Records:
    """Knows some dials; confirms each once."""

    def __init__(self, *dial_ids: str) -> None:
        self.waiting = set(dial_ids)
        self.confirmed: list[str] = []
        self.fails = False

    async def confirm(self, dial_ids: Sequence[str]) -> Confirmed:
        if self.fails:
            raise StoreBusyError("the disk is full")
        new = [one for one in dict.fromkeys(dial_ids) if one in self.waiting]
        known = [one for one in dict.fromkeys(dial_ids) if one in self.confirmed]
        self.waiting -= set(new)
        self.confirmed += new
        return Confirmed(len(new), len(known), len(set(dial_ids)) - len(new) - len(known))


async def test_events_are_matched_and_the_others_counted() -> None:
    records = Records("a", "b")
    confirmations = Confirmations(records.confirm)
    assert await confirmations.take("one", ["a", "b", "stranger"])
    assert records.confirmed == ["a", "b"]
    assert confirmations.counts == ConfirmationCounts(deliveries=1, confirmed=2, unmatched=1)


async def test_a_delivery_that_comes_again_changes_nothing() -> None:
    records = Records("a")
    confirmations = Confirmations(records.confirm)
    assert await confirmations.take("one", ["a", "stranger"])
    assert not await confirmations.take("one", ["a", "stranger"])
    assert confirmations.counts == ConfirmationCounts(deliveries=1, repeated=1, confirmed=1, unmatched=1)


async def test_a_delivery_that_failed_is_taken_when_it_comes_again() -> None:
    records = Records("a")
    confirmations = Confirmations(records.confirm)
    records.fails = True
    with pytest.raises(StoreBusyError):
        await confirmations.take("one", ["a"])
    records.fails = False
    assert await confirmations.take("one", ["a"])
    assert confirmations.counts == ConfirmationCounts(deliveries=1, confirmed=1)


@given(st.lists(st.integers(0, 6), max_size=60), st.integers(1, 5))
def test_every_record_is_confirmed_once_whatever_is_forgotten(told: list[int], most: int) -> None:
    """Delivery n tells of dial n; more deliveries than can be remembered."""
    records = Records("0", "1", "2")
    confirmations = Confirmations(records.confirm, most_remembered=most)

    async def take_all() -> None:
        for number in told:
            await confirmations.take(f"delivery {number}", [str(number)])

    asyncio.run(take_all())
    counts = confirmations.counts
    assert sorted(records.confirmed) == sorted({str(one) for one in told} & {"0", "1", "2"})
    assert counts.confirmed == len(records.confirmed)
    assert counts.deliveries + counts.repeated == len(told)
    assert len(confirmations._seen) <= most
