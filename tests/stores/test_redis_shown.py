import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.stores.redis_shown import Shown, read_shown, write_shown


@given(st.from_regex(r"\+[0-9]{1,15}", fullmatch=True), st.integers(0, 4_000_000_000_000))
def test_what_was_written_is_read(number: str, milliseconds: int) -> None:
    shown = Shown(number, milliseconds / 1000)
    assert read_shown(write_shown(shown)) == shown


@pytest.mark.parametrize(
    "text", [None, "", "|", "+12125550100", "+12125550100|", "+12125550100|soon", "|5", "+1|nan", "+1|inf"]
)
def test_anything_else_is_nothing(text: str | None) -> None:
    assert read_shown(text) is None


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    shown = read_shown(text)
    assert shown is None or shown.number == text.partition("|")[0]
