import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.stores.base import StoreBusyError, StoreUnusableError
from gateway.stores.lines_file import LinesFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dials.jsonl"


@pytest.fixture
def lines(path: Path) -> Iterator[LinesFile]:
    one = LinesFile(str(path))
    yield one
    one.close()


def test_lines_are_appended(lines: LinesFile, path: Path) -> None:
    path.write_bytes(b"before\n")
    lines.append([b"one", b"two"])
    lines.append([b"three"])
    assert path.read_bytes() == b"before\none\ntwo\nthree\n"


def test_a_file_moved_away_is_followed_by_a_new_one(lines: LinesFile, path: Path) -> None:
    lines.append([b"old"])
    path.rename(path.with_suffix(".1"))
    lines.append([b"new"])
    assert (path.with_suffix(".1").read_bytes(), path.read_bytes()) == (b"old\n", b"new\n")


def test_another_file_in_its_place_is_taken(lines: LinesFile, path: Path) -> None:
    lines.append([b"old"])
    path.rename(path.with_suffix(".1"))
    path.write_bytes(b"made by the rotation\n")
    lines.append([b"new"])
    assert path.read_bytes() == b"made by the rotation\nnew\n"


def test_a_line_cut_by_a_crash_ends_before_the_next(lines: LinesFile, path: Path) -> None:
    path.write_bytes(b'whole\n{"half')
    lines.append([b"next"])
    assert path.read_bytes() == b'whole\n{"half\nnext\n'


def test_a_full_disk_leaves_no_half_line(lines: LinesFile, path: Path) -> None:
    lines.append([b"kept"])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(StoreBusyError, match="cannot be written"):
            lines.append([b"x" * 8_000])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"kept\n"
    lines.append([b"after"])
    assert path.read_bytes() == b"kept\nafter\n"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusableError, match="does not exist"):
        LinesFile(str(tmp_path / "nowhere" / "file")).append([b"x"])
