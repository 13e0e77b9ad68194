import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config.settings import DialsSettings, Settings
from gateway.doctor.checks_machine import CHECKS, file_system
from gateway.doctor.examination import appoint, examine
from gateway.doctor.finding import Finding, Verdict
from gateway.model.delivery import DeliveryState, Outcome
from gateway.model.dial import Dial
from gateway.stores.settings import SpoolSettings
from gateway.stores.spool import SqliteSpool
from gateway.stores.sqlite import SqliteDatabase


def settings(file: Path) -> Settings:
    return Settings(dials=DialsSettings(targets=("one",)), spool=SpoolSettings(file=str(file)))


async def spool_findings(file: Path) -> list[Finding]:
    found = await examine(appoint(CHECKS, settings(file)))
    return [finding for finding in found if finding.part == "Spool"]


def content(folder: Path) -> dict[str, bytes]:
    """The files, without SQLite's table of who reads at the moment."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".db-shm"}


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A spool in use: record 0 is a dead letter, 1 waits since two hours."""
    path = tmp_path / "spool.db"
    own = SpoolSettings(file=str(path), settle_s=0, group_window_s=0)
    then = time.time() - 7_200
    spool = SqliteSpool.open(own, {"one": True}, now=then)
    spool.record(
        [Dial(str(number), "+15552223333", "+15559876543", then) for number in range(2)], (), now=then
    ).result(5)
    spool.take("one", 1, now=then).result(5)
    spool.record((), [Outcome("0", "one", DeliveryState.DEAD, reason="refused (422)")], now=then).result(5)
    yield path
    spool.close()


async def test_dead_letters_and_old_records_are_told_beside_the_process_that_owns_them(file: Path) -> None:
    found = await spool_findings(file)
    assert [finding.name for finding in found] == [
        "spool.folder",
        "spool.dead-letters",
        "spool.old-records",
    ]
    assert "1 dead letters for one" in found[1].what
    assert "2.0 h" in found[2].what


async def test_looking_changes_no_byte_and_leaves_nothing_behind(file: Path) -> None:
    before = content(file.parent)
    await spool_findings(file)
    assert content(file.parent) == before


async def test_spool_that_is_none_is_found(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    path.write_text("no database, and long enough to be read as one " * 50)
    assert [finding.name for finding in await spool_findings(path)] == ["spool.folder", "spool.file-unusable"]


async def test_database_of_something_else_is_left_unjudged(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    SqliteDatabase.open(str(path), [("CREATE TABLE other (x)",)]).close()
    found = await spool_findings(path)
    assert [(finding.name, finding.verdict) for finding in found] == [
        ("spool.folder", Verdict.RIGHT),
        ("spool.records", Verdict.UNCHECKED),
    ]


async def test_spool_that_is_not_made_yet_is_no_fault(tmp_path: Path) -> None:
    found = await spool_findings(tmp_path / "spool.db")
    assert [finding.verdict for finding in found] == [Verdict.RIGHT]
    assert content(tmp_path) == {}


@pytest.mark.parametrize(
    ("file", "name"),
    [("/no/such/folder/spool.db", "spool.folder-missing"), ("/proc/spool.db", "spool.not-writable")],
)
async def test_place_that_cannot_take_the_spool_is_found(file: str, name: str) -> None:
    assert [finding.name for finding in await spool_findings(Path(file))] == [name]


async def test_nothing_is_asked_of_the_disk_when_nothing_is_reported(tmp_path: Path) -> None:
    found = await examine(
        appoint(CHECKS, Settings(spool=SpoolSettings(file=str(tmp_path / "no" / "spool.db"))))
    )
    assert [finding for finding in found if finding.part == "Spool"] == []


def test_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("dev / ext4 rw 0 0\nhost:/x /var nfs4 rw 0 0\ndev /var/lib ext4 rw 0 0\nbroken\n")
    assert file_system(Path("/var/spool/x"), mounts) == "nfs4"
    assert file_system(Path("/var/lib/x"), mounts) == "ext4"
    assert file_system(Path("/var/library"), mounts) == "nfs4"
    assert file_system(Path("/"), tmp_path / "none") == ""
