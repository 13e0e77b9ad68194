import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.leads.outdial_pull import PullOrder, pull
from gateway.leads.outdial_rows import LeadFileError
from gateway.leads.progress import ProgressError
from gateway.model.outdial import Address, AddressType, OutdialTarget, TargetStatus
from gateway.providers.base import NotFoundError, UnavailableError
from gateway.providers.voipbin_pages import HiddenRowsError, Listing, Place
from gateway.providers.voipbin_wire import page, target
from gateway.simulator.voipbin_store import VoipBinStore

START = datetime(2026, 11, 20, tzinfo=UTC)


class KilledError(BaseException):
    """Stands for `kill -9`: nobody catches it."""


class Source:
    """Lists a store's targets, and dies after some pages."""

    def __init__(self, store: VoipBinStore, *, page_size: int, pages: int = 1_000) -> None:
        self.store = store
        self.outdial_id: str = store.outdials()[0]["id"]
        self.page_size = page_size
        self.pages = pages

    async def target_pages(
        self, outdial_id: str, place: Place | None = None
    ) -> AsyncIterator[tuple[list[OutdialTarget], Place]]:
        listing: Listing[OutdialTarget] = Listing(self.page_size, place)
        while (question := listing.question) is not None:
            answer = self.store.page(self.store.targets(outdial_id), question.size, question.token)
            if new := listing.take(*page(answer, target)):
                yield new, listing.place
                self.pages -= 1
                if self.pages == 0:
                    raise KilledError


def filled(stamps: list[int]) -> VoipBinStore:
    times = iter([START, *(START + timedelta(microseconds=stamp) for stamp in stamps)])
    store = VoipBinStore(lambda: next(times))
    outdial_id = store.add_outdial({})["id"]
    for number in range(len(stamps)):
        phone = {"type": "tel", "target": f"+1555987{number:04}"}
        store.add_target(outdial_id, {"name": f"lead {number}", "destination_0": phone})
    return store


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@given(
    stamps=st.lists(st.integers(0, 8), max_size=30),
    page_size=st.integers(1, 4),
    lives=st.lists(st.integers(1, 4), max_size=6),
    torn=st.binary(max_size=9),
)
async def test_killed_again_and_again_each_target_is_a_row_once(
    tmp_path_factory: pytest.TempPathFactory,
    stamps: list[int],
    page_size: int,
    lives: list[int],
    torn: bytes,
) -> None:
    store = filled(stamps)
    source = Source(store, page_size=page_size)
    order = PullOrder(source.outdial_id, tmp_path_factory.mktemp("pull") / "leads.csv")
    for pages in lives:
        source.pages = pages
        try:
            await pull(source, order, lambda _: None)
            break
        except KilledError:
            with order.part.open("ab") as part:
                part.write(torn)
            assert not order.output.exists()
    source.pages = 1_000
    if not order.output.exists():
        await pull(source, order, lambda _: None)
    expected = [row["id"] for row in store.targets(source.outdial_id)]
    assert [row["target_id"] for row in rows(order.output)] == expected
    assert names(order.output.parent) == ["leads.csv"]


async def test_only_targets_that_stand_as_asked_are_rows(tmp_path: Path) -> None:
    store = filled([1, 2, 3])
    source = Source(store, page_size=2)
    store.targets(source.outdial_id)[1]["status"] = "done"
    order = PullOrder(source.outdial_id, tmp_path / "leads.csv", TargetStatus.IDLE)
    heard: list[int] = []
    pulled = await pull(source, order, heard.append)
    assert [row["name"] for row in rows(order.output)] == ["lead 2", "lead 0"]
    assert (pulled.rows, heard) == (2, [1, 2])


async def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    source = Source(filled([1]), page_size=2)
    order = PullOrder(source.outdial_id, tmp_path / "leads.csv")
    order.output.write_text("mine")
    with pytest.raises(LeadFileError, match="exists; name another file"):
        await pull(source, order, lambda _: None)
    assert order.output.read_text() == "mine"
    assert not order.progress.exists()


async def test_a_run_is_taken_up_by_no_other(tmp_path: Path) -> None:
    source = Source(filled([1, 2]), page_size=1, pages=1)
    order = PullOrder(source.outdial_id, tmp_path / "leads.csv")
    with pytest.raises(KilledError):
        await pull(source, order, lambda _: None)
    other = PullOrder(source.outdial_id, order.output, TargetStatus.DONE)
    with pytest.raises(ProgressError, match="another status"):
        await pull(source, other, lambda _: None)


async def test_a_run_that_ended_before_it_forgot_its_progress_is_whole(tmp_path: Path) -> None:
    source = Source(filled([1, 2]), page_size=1)
    order = PullOrder(source.outdial_id, tmp_path / "leads.csv")
    await pull(source, order, lambda _: None)
    whole = order.output.read_bytes()
    order.output.unlink()
    source.pages = 2
    with pytest.raises(KilledError):
        await pull(source, order, lambda _: None)
    noted = order.progress.read_bytes()
    source.pages = 1_000
    await pull(source, order, lambda _: None)
    last = noted.splitlines(keepends=True)[-1].replace(b'"is_whole":false', b'"is_whole":true')
    order.progress.write_bytes(noted + last)
    assert (await pull(source, order, lambda _: None)).rows == 2
    assert order.output.read_bytes() == whole
    assert not order.progress.exists()


async def test_a_half_file_that_was_cut_is_not_trusted(tmp_path: Path) -> None:
    source = Source(filled([1, 2]), page_size=1, pages=1)
    order = PullOrder(source.outdial_id, tmp_path / "leads.csv")
    with pytest.raises(KilledError):
        await pull(source, order, lambda _: None)
    order.part.write_text("short")
    with pytest.raises(LeadFileError, match="it is shorter than it was; remove it and"):
        await pull(source, order, lambda _: None)


class Failing:
    """Fails after one page, or before."""

    def __init__(self, error: Exception, *, has_page: bool) -> None:
        self.error = error
        self.has_page = has_page

    async def target_pages(
        self, outdial_id: str, place: Place | None = None
    ) -> AsyncIterator[tuple[list[OutdialTarget], Place]]:
        if self.has_page and place == Place():
            one = OutdialTarget((Address(AddressType.EMAIL, "a@b.example"),) + (None,) * 4, id=outdial_id)
            yield [one], Place("2026-11-20 00:00:00.000000", frozenset([outdial_id]))
        raise self.error


async def test_an_outdial_that_is_not_there_leaves_nothing_behind(tmp_path: Path) -> None:
    source = Failing(NotFoundError("no", status=404), has_page=False)
    with pytest.raises(NotFoundError):
        await pull(source, PullOrder("o", tmp_path / "leads.csv"), lambda _: None)
    assert names(tmp_path) == []


async def test_a_service_that_fails_on_the_way_leaves_what_to_go_on_from(tmp_path: Path) -> None:
    source = Failing(UnavailableError("down"), has_page=True)
    order = PullOrder("o", tmp_path / "leads.csv")
    with pytest.raises(UnavailableError):
        await pull(source, order, lambda _: None)
    assert order.progress.exists()
    assert not order.output.exists()


async def test_rows_the_service_cannot_list_do_not_keep_the_others(tmp_path: Path) -> None:
    source = Failing(HiddenRowsError("too many"), has_page=True)
    order = PullOrder("o", tmp_path / "leads.csv")
    pulled = await pull(source, order, lambda _: None)
    assert (pulled.rows, pulled.may_hide) == (1, True)
    assert len(rows(order.output)) == 1
