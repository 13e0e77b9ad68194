from contextlib import nullcontext
from typing import Any

import pytest

from gateway.config.forms import check, plain
from gateway.config.schema import Entry
from gateway.config.values import WrongValueError
from gateway.model.setting import Form

FACTS: dict[str, Any] = {"what": "", "why": "", "unit": "", "secret": False, "least": None, "most": None}


def entry(default: object = "", **facts: Any) -> Entry:
    values = FACTS | {"form": Form.TEXT, "choices": ()} | facts
    return Entry(parts=("a", "b"), hint=type(default), default=default, **values)


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (
            Form.ADDRESS,
            ("127.0.0.1:0", "[::1]:4573", "gw.example:65535"),
            ("4573", ":4573", "a:65536", "::1:1"),
        ),
        (Form.NETWORK, ("10.0.0.0/8", "::1", "10.1.2.3"), ("10.0.0.1/8", "ten", "10.0.0.0/33")),
        (Form.PHONE, ("+14045550123", "404 555 0123"), ("911", "phone")),
        (Form.PREFIX, ("+1", "+1900"), ("1900", "+", "+0", "+1234567890123456")),
        (Form.DIGITS, ("911", "*67", "#"), ("", "9 1 1", "nine")),
        (Form.URL, ("https://a", "http://a:80/b"), ("a", "ftp://a", "https://", "https://a:99999")),
        (Form.TIMEZONE, ("UTC", "America/New_York"), ("Mars/Base", "/etc")),
        (Form.FILE, (__file__,), (f"{__file__}.none", "/")),
    ],
)
def test_each_form_takes_what_is_meant_and_nothing_else(
    form: Form, good: tuple[str, ...], bad: tuple[str, ...]
) -> None:
    check(good, entry(default=("x",), form=form))
    for text in bad:
        with pytest.raises(WrongValueError):
            check((text,), entry(default=("x",), form=form))


def test_every_form_is_in_the_table() -> None:
    for form in Form:
        with pytest.raises(WrongValueError) if form is not Form.TEXT else nullcontext():
            check(("\n",), entry(form=form))


def test_empty_is_allowed_only_where_the_default_is_empty() -> None:
    check("", entry(default="", form=Form.URL))
    with pytest.raises(WrongValueError):
        check("", entry(default="https://a", form=Form.URL))


def test_both_ends_of_a_range_are_allowed() -> None:
    ranged = entry(default=1, least=1, most=3)
    check(1, ranged)
    check(3, ranged)
    for value in (0, 4):
        with pytest.raises(WrongValueError):
            check(value, ranged)


def test_values_of_a_table_are_checked_one_by_one() -> None:
    check({"a": "x"}, entry(default={}, choices=("x", "y")))
    with pytest.raises(WrongValueError, match="one of x, y"):
        check({"a": "z"}, entry(default={}, choices=("x", "y")))


@pytest.mark.parametrize(("number", "text"), [(1_048_576, "1048576"), (0.05, "0.05"), (3.0, "3")])
def test_numbers_are_written_without_exponent(number: float, text: str) -> None:
    assert plain(number) == text
