"""A worker's feed and the hub it leads to, over a real Unix socket whose listener outlives both."""

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.assignment.settings import AssignmentSettings
from gateway.model.dial import CallEnd, EndSource
from gateway.model.phone import PhoneNumber
from gateway.model.variables import CallState
from gateway.service.reporting_hub import FeedHub
from gateway.service.reporting_messages import Hello, frame
from gateway.service.worker_feed import Rows, WorkerFeed
from gateway.telemetry.figures import CallFigures

PROSPECT, ANI = PhoneNumber("+12125550100"), PhoneNumber("+12125550101")
FIGURES = CallFigures(open=2, not_owned=7, takes_calls=True)
PATIENCE_S = 10.0


@dataclass(slots=True)
class Reporting:
    """Takes what it is told; `settles` says whether it answers."""

    settles: bool = True
    is_full: bool = False
    ends: list[str] = field(default_factory=list)
    assigned: list[str] = field(default_factory=list)

    def record(self, end: CallEnd, settle: Callable[[bool], None]) -> None:
        self.ends.append(end.uniqueid)
        if self.settles:
            settle(end.dialstatus != "LOST")

    def note_assigned(self, _peer: str, _state: CallState, uniqueid: str) -> None:
        self.assigned.append(uniqueid)


@dataclass(slots=True)
class Line:
    """The supervisor's socket, and whoever sits at its two ends."""

    path: str
    listener: socket.socket
    prewarmed: list[str] = field(default_factory=list)
    watched: list[int] = field(default_factory=list)
    hubs: list[FeedHub] = field(default_factory=list)
    feeds: list[WorkerFeed] = field(default_factory=list)

    async def hub(self, reporting: Reporting | None) -> FeedHub:
        settings = AssignmentSettings(prewarm_size=2_000, prewarm_ttl_s=60.0)
        hub = FeedHub(settings, reporting, time=asyncio.get_running_loop().time)
        await hub.start(self.listener.dup())
        self.hubs.append(hub)
        return hub

    def feed(self, *, slot: int = 1, most_unsaved: int = 100) -> WorkerFeed:
        feed = WorkerFeed(
            self.path,
            slot,
            most_unsaved=most_unsaved,
            notes_assigned=True,
            figures=lambda: FIGURES,
            on_prewarmed=self._prewarm,
            on_watched=lambda: self.watched.append(slot),
        )
        feed.start()
        self.feeds.append(feed)
        return feed

    async def leave(self) -> None:
        for feed in self.feeds:
            await feed.close()
        for hub in self.hubs:
            await hub.stop(1.0)

    def _prewarm(self, rows: Rows) -> None:
        self.prewarmed += [phone for phone, *_ in rows]


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = str(Path(folder) / "feed")
        listener.bind(path)
        listener.listen()
        line = Line(path, listener)
        yield line
        await line.leave()


def end(uniqueid: str, dialstatus: str = "BUSY") -> CallEnd:
    return CallEnd(CallState(), EndSource.REPORT, uniqueid=uniqueid, ended_at=1.0, dialstatus=dialstatus)


async def until(is_so: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(patience_s):
        while not is_so():  # noqa: ASYNC110 - the condition is the other end's, which tells nobody
            await asyncio.sleep(0.005)


async def test_ends_are_settled_as_the_spool_says(line: Line) -> None:
    reporting, settled = Reporting(), dict[str, bool]()
    await line.hub(reporting)
    feed = line.feed()
    feed.record(end("1"), lambda is_safe: settled.update({"1": is_safe}))
    feed.record(end("2", "LOST"), lambda is_safe: settled.update({"2": is_safe}))
    feed.take_earlier(end("3"))
    await feed.close()
    assert (reporting.ends, settled, feed.unsaved) == (["1", "2", "3"], {"1": True, "2": False}, 0)


async def test_what_was_not_confirmed_is_told_to_the_next_reporting_process(line: Line) -> None:
    deaf, settled = Reporting(settles=False), list[bool]()
    hub, feed = await line.hub(deaf), line.feed()
    feed.record(end("1"), settled.append)
    await until(lambda: deaf.ends == ["1"])
    await hub.stop(0.0)
    feed.record(end("2"), settled.append)
    assert settled == []
    able = Reporting()
    await line.hub(able)
    await feed.close()
    assert (able.ends, settled) == (["1", "2"], [True, True])


async def test_ends_beyond_the_limit_are_refused_at_once(line: Line) -> None:
    settled = list[bool]()
    feed = line.feed(most_unsaved=2)
    for number in range(3):
        feed.record(end(str(number)), settled.append)
    assert (settled, feed.unsaved, feed.refused) == ([False], 2, 1)
    await line.hub(Reporting())
    await feed.close()
    assert settled == [False, True, True]


async def test_a_full_spool_leaves_the_ends_with_the_worker(line: Line) -> None:
    reporting = Reporting(is_full=True)
    await line.hub(reporting)
    feed = line.feed()
    feed.take_earlier(end("1"))
    with pytest.raises(TimeoutError):
        await until(lambda: bool(reporting.ends), 0.1)
    reporting.is_full = False
    await feed.close()
    assert reporting.ends == ["1"]


async def test_assigned_calls_are_told_in_their_order(line: Line) -> None:
    reporting = Reporting()
    feed = line.feed()
    for number in range(1_200):
        feed.note_assigned("127.0.0.1", CallState(), str(number))
    await line.hub(reporting)
    await until(lambda: len(reporting.assigned) == 1_200)
    assert reporting.assigned == [str(number) for number in range(1_200)]
    await feed.close()


async def test_prewarmed_numbers_reach_every_worker_also_one_that_comes_later(line: Line) -> None:
    hub = await line.hub(None)
    line.feed(slot=1)
    await until(lambda: bool(hub.figures.workers()))
    prospects = [f"+1212{number:07}" for number in range(1_200)]
    for prospect in prospects:
        hub.prewarm(PhoneNumber(prospect), "9001", ANI)
    await until(lambda: len(line.prewarmed) == 1_200)
    assert sorted(line.prewarmed) == prospects
    line.prewarmed.clear()
    await line.feed(slot=2).welcomed()
    assert line.prewarmed == prospects


async def test_what_all_workers_counted_is_known(line: Line) -> None:
    hub = await line.hub(None)
    for slot in (1, 2):
        line.feed(slot=slot)
    await until(lambda: len(hub.figures.workers()) == 2)
    assert [(worker.slot, worker.figures) for worker in hub.figures.workers()] == [(1, FIGURES), (2, FIGURES)]
    assert (hub.figures.total().open, hub.figures.total().not_owned) == (4, 14)


async def test_what_a_worker_counted_stays_when_it_ends(line: Line) -> None:
    hub = await line.hub(None)
    feed = line.feed()
    await until(lambda: bool(hub.figures.workers()))
    await feed.close()
    await until(lambda: not hub.figures.workers())
    assert (hub.figures.total().open, hub.figures.total().not_owned) == (0, 7)


async def test_every_worker_hears_that_somebody_looks(line: Line) -> None:
    hub = await line.hub(None)
    for slot in (1, 2):
        line.feed(slot=slot)
    await until(lambda: len(hub.figures.workers()) == 2)
    hub.figures.watch()
    await until(lambda: sorted(line.watched) == [1, 2])


async def test_a_stranger_who_talks_nonsense_is_cut_and_the_worker_stays(line: Line) -> None:
    reporting = Reporting()
    await line.hub(reporting)
    feed = line.feed()
    reader, writer = await asyncio.open_unix_connection(line.path)
    writer.write(frame(Hello(9)) + b"\xff\xff\xff\xff")
    async with asyncio.timeout(PATIENCE_S):
        assert await reader.read() == b""
    writer.close()
    feed.take_earlier(end("1"))
    await feed.close()
    assert reporting.ends == ["1"]


async def test_a_worker_that_leaves_says_how_many_reports_are_lost(
    line: Line, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.service.worker_feed._CLOSE_S", 0.05)
    feed = line.feed()
    feed.take_earlier(end("1"))
    await feed.close()
    assert "1 reports did not reach the reporting process and are lost" in caplog.text


async def test_what_is_prewarmed_outlives_other_settings_as_far_as_there_is_room(line: Line) -> None:
    hub = await line.hub(None)
    for number in range(3):
        hub.prewarm(PhoneNumber(f"+1212555010{number}"), "9001", ANI)
    hub.reload(AssignmentSettings(prewarm_size=2, prewarm_ttl_s=30.0))
    rows = hub.prewarmed()
    assert [row[0] for row in rows] == ["+12125550101", "+12125550102"]
    assert all(row[3] <= 30.0 for row in rows)
