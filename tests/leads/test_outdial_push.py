import asyncio
import csv
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.leads.outdial_push import Pushed, PushOrder, push
from gateway.leads.outdial_rows import LeadFileError
from gateway.leads.progress import ProgressError
from gateway.model.outdial import OutdialTarget
from gateway.providers.base import (
    BadAnswerError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
)
from gateway.providers.voipbin_pages import Listing, Place
from gateway.providers.voipbin_wire import page, target, target_body
from gateway.simulator.voipbin_store import VoipBinStore

START = datetime(2026, 11, 20, tzinfo=UTC)


class KilledError(BaseException):
    """Stands for `kill -9`: nobody catches it."""


class Fate(Enum):
    """What becomes of one POST."""

    GOOD = auto()
    KILLED_BEFORE = auto()
    KILLED_AFTER = auto()
    """The target is there; this process is gone before it can note it."""
    LOST = auto()
    """The target is there; the answer is not."""
    GARBLED = auto()
    BROKEN = auto()
    """No target, and no answer."""


class Service:
    """A store behind POST and lists, where each POST has its fate; afterwards all is good."""

    def __init__(self, *, step_us: int = 70_000) -> None:
        ticks = count()
        self.store = VoipBinStore(lambda: START + timedelta(microseconds=step_us * next(ticks)))
        self.outdial_id: str = self.store.add_outdial({})["id"]
        self.fates: list[Fate] = []
        self.refuse: dict[str, ProviderError] = {}
        """By the target's name."""
        self.posts = 0

    async def create_target(self, outdial_id: str, one: OutdialTarget) -> OutdialTarget:
        self.posts += 1
        fate = self.fates.pop(0) if self.fates else Fate.GOOD
        if fate is Fate.KILLED_BEFORE:
            raise KilledError
        if fate is Fate.BROKEN:
            raise UnavailableError("broken")
        if one.name in self.refuse:
            raise self.refuse[one.name]
        row = self.store.add_target(outdial_id, orjson.loads(target_body(one)))
        if fate is Fate.KILLED_AFTER:
            raise KilledError
        if fate is Fate.LOST:
            raise UnavailableError("the answer broke off")
        if fate is Fate.GARBLED:
            raise BadAnswerError("not JSON")
        return target(self.store.shown(row))

    async def target_pages(
        self, outdial_id: str, place: Place | None = None
    ) -> AsyncIterator[tuple[list[OutdialTarget], Place]]:
        listing: Listing[OutdialTarget] = Listing(3, place)
        while (question := listing.question) is not None:
            answer = self.store.page(self.store.targets(outdial_id), question.size, question.token)
            if new := listing.take(*page(answer, target)):
                yield new, listing.place

    def made(self) -> list[dict[str, Any]]:
        """The targets there are, in the order they were made."""
        return self.store.targets(self.outdial_id)[::-1]


def file_of(folder: Path, rows: list[tuple[str, str]]) -> Path:
    path = folder / "leads.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("phone", "name"), *rows])
    return path


def ordered(service: Service, leads: Path) -> PushOrder:
    errors = leads.with_name("leads.errors.csv")
    return PushOrder(service.outdial_id, leads, errors, settle_s=0)


async def pushed_to_the_end(service: Service, order: PushOrder) -> Pushed:
    """As somebody would who runs the command again and again."""
    for _ in range(200):
        try:
            return await push(service, order, lambda _: None)
        except (KilledError, UnavailableError, BadAnswerError):
            continue
    raise AssertionError("it never ends")


PHONES = ["+15559876540", "+15559876541", "+15559876542"]


@given(
    rows=st.lists(
        st.tuples(st.sampled_from([*PHONES, "bad"]), st.sampled_from(["", "Ann", "Bob"])), max_size=12
    ),
    fates=st.lists(st.sampled_from(Fate), max_size=25),
    before=st.lists(st.sampled_from(PHONES), max_size=5),
    step_us=st.sampled_from([0, 1, 70_000, 10_000_000]),
)
async def test_whatever_happens_each_row_is_a_target_once(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str]],
    fates: list[Fate],
    before: list[str],
    step_us: int,
) -> None:
    """Rows may be equal, and equal to targets that were there before."""
    service = Service(step_us=step_us)
    for phone in before:
        asked = {"name": "Ann", "destination_0": {"type": "tel", "target": phone}}
        service.store.add_target(service.outdial_id, asked)
    leads = file_of(tmp_path_factory.mktemp("push"), rows)
    service.fates = fates
    pushed = await pushed_to_the_end(service, ordered(service, leads))
    good = [(phone, name or f"lead {line}") for line, (phone, name) in enumerate(rows, 2) if phone != "bad"]
    expected = Counter(good) + Counter((phone, "Ann") for phone in before)
    found = Counter((row["destination_0"]["target"], row["name"]) for row in service.made())
    assert found == expected
    assert (pushed.created, pushed.bad) == (len(good), len(rows) - len(good))


async def test_a_row_killed_between_its_post_and_its_note_is_not_sent_again(tmp_path: Path) -> None:
    service = Service()
    order = ordered(service, file_of(tmp_path, [(PHONES[0], "Ann"), (PHONES[1], "Bob")]))
    service.fates = [Fate.KILLED_AFTER]
    with pytest.raises(KilledError):
        await push(service, order, lambda _: None)
    await push(service, order, lambda _: None)
    assert [row["name"] for row in service.made()] == ["Ann", "Bob"]
    assert service.posts == 2


async def test_bad_rows_and_refused_ones_go_to_a_file_and_the_rest_goes_on(tmp_path: Path) -> None:
    service = Service()
    service.refuse["Eve"] = RefusedError("answer 400: INVALID_ARGUMENT", status=400)
    rows = [(PHONES[0], "Ann"), ("123", "Bob"), (PHONES[1], "Eve"), (PHONES[2], "Joe")]
    order = ordered(service, file_of(tmp_path, rows))
    heard: list[int] = []
    pushed = await push(service, order, lambda done: heard.append(done.line))
    assert (pushed.created, pushed.bad, pushed.lines, heard) == (2, 2, 5, [2, 3, 4, 5])
    assert [row["name"] for row in service.made()] == ["Ann", "Joe"]
    bad = list(csv.DictReader(order.errors.read_text().splitlines()))
    assert [(row["line"], row["phone"], row["name"]) for row in bad] == [
        ("3", "123", "Bob"),
        ("4", PHONES[1], "Eve"),
    ]
    assert bad[1]["error"] == "answer 400: INVALID_ARGUMENT"


async def test_bad_rows_are_in_their_file_once_after_a_kill(tmp_path: Path) -> None:
    service = Service()
    order = ordered(service, file_of(tmp_path, [("1", "Ann"), (PHONES[0], "Bob"), ("2", "Eve")]))
    service.fates = [Fate.KILLED_AFTER]
    with pytest.raises(KilledError):
        await push(service, order, lambda _: None)
    order.errors.write_text(order.errors.read_text() + "3,torn")
    await push(service, order, lambda _: None)
    assert [line.split(",")[0] for line in order.errors.read_text().splitlines()] == ["line", "2", "4"]


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refusal_that_is_about_all_rows_ends_the_run(tmp_path: Path, status: int) -> None:
    service = Service()
    service.refuse["Ann"] = RefusedError("no", status=status)
    order = ordered(service, file_of(tmp_path, [(PHONES[0], "Ann"), (PHONES[1], "Bob")]))
    with pytest.raises(RefusedError):
        await push(service, order, lambda _: None)
    assert service.posts == 1
    assert not order.errors.exists()
    service.refuse.clear()
    assert (await push(service, order, lambda _: None)).created == 2


async def test_a_service_that_wants_to_be_left_alone_is(tmp_path: Path) -> None:
    service = Service()
    service.refuse["Ann"] = RateLimitedError("429", retry_after_s=600)
    order = ordered(service, file_of(tmp_path, [(PHONES[0], "Ann")]))
    with pytest.raises(RateLimitedError):
        await push(service, order, lambda _: None)
    assert service.posts == 1


async def test_a_service_that_stays_broken_ends_the_run(tmp_path: Path) -> None:
    service = Service()
    service.fates = [Fate.BROKEN] * 10
    order = ordered(service, file_of(tmp_path, [(PHONES[0], "Ann")]))
    with pytest.raises(UnavailableError):
        await push(service, order, lambda _: None)
    assert service.posts == 3


async def test_the_same_file_is_not_pushed_twice(tmp_path: Path) -> None:
    service = Service()
    order = ordered(service, file_of(tmp_path, [(PHONES[0], "Ann")]))
    assert not (await push(service, order, lambda _: None)).was_whole
    again = await push(service, order, lambda _: None)
    assert (again.was_whole, again.created) == (True, 1)
    assert service.posts == 1


async def test_a_file_that_changed_on_the_way_is_refused(tmp_path: Path) -> None:
    service = Service()
    leads = file_of(tmp_path, [(PHONES[0], "Ann")])
    await push(service, ordered(service, leads), lambda _: None)
    leads.write_text(leads.read_text() + f"{PHONES[1]},Bob\n")
    with pytest.raises(ProgressError, match="another file; restore that, or remove"):
        await push(service, ordered(service, leads), lambda _: None)


async def test_a_file_of_bad_rows_from_before_is_not_written_over(tmp_path: Path) -> None:
    service = Service()
    order = ordered(service, file_of(tmp_path, [(PHONES[0], "Ann")]))
    order.errors.write_text("mine")
    with pytest.raises(LeadFileError, match="name another file with --errors"):
        await push(service, order, lambda _: None)
    assert order.errors.read_text() == "mine"


@pytest.mark.simulated_time
async def test_a_request_that_broke_off_is_given_time_before_it_is_looked_for(tmp_path: Path) -> None:
    """The target appears only while it is waited for."""
    service = Service()
    leads = file_of(tmp_path, [(PHONES[0], "Ann")])
    order = PushOrder(service.outdial_id, leads, tmp_path / "errors.csv", settle_s=5.0)
    loop = asyncio.get_running_loop()
    late = {"name": "Ann", "destination_0": {"type": "tel", "target": PHONES[0]}}
    service.fates = [Fate.BROKEN]
    began = loop.time()
    loop.call_later(3.0, service.store.add_target, service.outdial_id, late)
    await push(service, order, lambda _: None)
    assert len(service.made()) == 1
    assert service.posts == 1
    assert 4.0 < loop.time() - began <= 5.0
