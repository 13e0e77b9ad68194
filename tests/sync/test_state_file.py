from pathlib import Path

import pytest

from gateway.model.inventory import Kind
from gateway.sync.state_file import StateFileError, read_state, write_state

IDENTS = {(Kind.CAMPAIGN, "c1"), (Kind.ANI, "+12125550100"), (Kind.DISPO, "d1")}


def test_what_was_written_is_read_and_only_its_owner_may(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert read_state(path, "engine") == set()
    write_state(path, "engine", {(Kind.CAMPAIGN, "old")})
    write_state(path, "engine", IDENTS)
    assert read_state(path, "engine") == IDENTS
    assert path.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("no json", "is no state file"),
        ("[]", "is no state file of this version"),
        ('{"format": 2, "backend": "engine"}', "is no state file of this version"),
        (
            '{"format": 1, "backend": "engine", "campaigns": [1], "dispos": [], "anis": []}',
            "no list of texts",
        ),
        ('{"format": 1, "backend": "engine", "campaigns": []}', "no list of texts"),
    ],
)
def test_another_file_is_refused(content: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)
    with pytest.raises(StateFileError, match=complaint):
        read_state(path, "engine")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateFileError, match="cannot be written"):
        write_state(tmp_path / "missing" / "state.json", "engine", IDENTS)
