from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.doctor.config_files import read_sections

SHIPPED = Path(__file__).parents[2] / "asterisk-config"


def sections(folder: Path, **files: str) -> dict[str, list[tuple[str, str]]]:
    for name, text in files.items():
        (folder / f"{name}.conf").write_text(text)
    return dict(read_sections(folder, f"{next(iter(files))}.conf"))


def test_values_are_read_with_both_arrows_and_without_comments(tmp_path: Path) -> None:
    text = (
        "[general] ; the first\nenabled = yes ; why\nexten => s,1,NoOp(a\\;b)\n;read=all\n;-- x=1\n--;\ny=2"
    )
    assert sections(tmp_path, one=text) == {
        "general": [("enabled", "yes"), ("exten", "s,1,NoOp(a;b)"), ("y", "2")]
    }


def test_section_added_to_in_an_included_file_is_one_section(tmp_path: Path) -> None:
    two = "[general](+)\na=2\n[user]\nread=call"
    found = sections(tmp_path, one='[general]\na=1\n#include "two.conf"', two=two)
    assert found == {"general": [("a", "1"), ("a", "2")], "user": [("read", "call")]}


def test_template_comes_before_the_sections_own_lines(tmp_path: Path) -> None:
    found = sections(tmp_path, one="[base](!)\nread=all\n[user](base)\nread=call")
    assert found["user"] == [("read", "all"), ("read", "call")]


def test_wildcard_includes_all_that_fit_in_order(tmp_path: Path) -> None:
    (tmp_path / "manager.d").mkdir()
    for name in "ba":
        (tmp_path / "manager.d" / f"{name}.conf").write_text(f"{name}=1")
    assert sections(tmp_path, one="[x]\n#include manager.d/*.conf") == {"x": [("a", "1"), ("b", "1")]}


def test_file_that_includes_itself_ends(tmp_path: Path) -> None:
    assert sections(tmp_path, one="[x]\na=1\n#include one.conf")["x"][0] == ("a", "1")


def test_missing_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_sections(tmp_path, "none.conf")


def test_shipped_manager_file_is_understood() -> None:
    user = dict(read_sections(SHIPPED, "manager_gateway.conf")["gateway"])
    name = "eventfilter(action(include),name(Hangup),header(ChanVariable),method(starts_with))"
    assert (user["read"], user["write"]) == ("call", "reporting")
    assert user[name] == "GATEWAY=1"


@given(text=st.text(alphabet="[]();=>#!+-\\ \nabcinclude.*,1/\0", max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_or_an_error_of_the_system(tmp_path: Path, text: str) -> None:
    (tmp_path / "any.conf").write_text(text)
    with suppress(OSError):
        assert all(isinstance(lines, list) for lines in read_sections(tmp_path, "any.conf").values())
