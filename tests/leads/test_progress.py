from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.leads.progress import Progress, ProgressError

RUN = {"outdial": "o", "file": "f"}


def noted(path: Path) -> list[Mapping[str, Any]]:
    told: list[Mapping[str, Any]] = []
    Progress.open(path, RUN, told.append).close()
    return told


def test_what_was_noted_is_told_again_in_order(tmp_path: Path) -> None:
    progress = Progress.open(tmp_path / "p", RUN, lambda _: None)
    assert progress.is_new
    progress.note({"line": 1})
    progress.note({"line": 2})
    progress.close()
    assert noted(tmp_path / "p") == [{"line": 1}, {"line": 2}]


@given(cut=st.integers(0, 200), after=st.binary(max_size=5))
def test_a_torn_end_is_cut_off_and_written_over(
    tmp_path_factory: pytest.TempPathFactory, cut: int, after: bytes
) -> None:
    path = tmp_path_factory.mktemp("torn") / "p"
    progress = Progress.open(path, RUN, lambda _: None)
    for line in range(5):
        progress.note({"line": line})
    progress.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:cut] + after.replace(b"\n", b""))
    before = noted(path)
    assert before == [{"line": line} for line in range(len(before))]
    progress = Progress.open(path, RUN, lambda _: None)
    progress.note({"line": len(before)})
    progress.close()
    assert noted(path) == [*before, {"line": len(before)}]


def test_a_file_of_another_run_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "p"
    Progress.open(path, RUN, lambda _: None).close()
    before = path.read_bytes()
    with pytest.raises(ProgressError, match="is of a run with another file; restore that, or remove"):
        Progress.open(path, RUN | {"file": "other"}, lambda _: None)
    assert path.read_bytes() == before


def test_two_runs_do_not_share_a_file(tmp_path: Path) -> None:
    progress = Progress.open(tmp_path / "p", RUN, lambda _: None)
    with pytest.raises(ProgressError, match="held by another run"):
        Progress.open(tmp_path / "p", RUN, lambda _: None)
    progress.close()
    assert noted(tmp_path / "p") == []


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ProgressError, match="cannot be written: No such file"):
        Progress.open(tmp_path / "no" / "p", RUN, lambda _: None)
