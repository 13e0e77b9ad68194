import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agi.settings import Presentation
from gateway.config.reference import written
from gateway.config.values import WrongValueError, described, from_text, read


@pytest.mark.parametrize(
    ("text", "hint", "value"),
    [
        ("5", int, 5),
        ("0.5", float, 0.5),
        ("5", float, 5.0),
        ("on", bool, True),
        ("0", bool, False),
        ("5", str, "5"),
        ("", int | None, None),
        ("5", int | None, 5),
        ("keep", Presentation, Presentation.KEEP),
        ("", tuple[str, ...], ()),
        ("a, b", tuple[str, ...], ("a", "b")),
        ("1,2", tuple[int, ...], (1, 2)),
        ('["a, b"]', tuple[str, ...], ("a, b",)),
        ("BUSY=Busy, NOANSWER=No answer", dict[str, str], {"BUSY": "Busy", "NOANSWER": "No answer"}),
        ("a=1", dict[str, int], {"a": 1}),
        ("{ a = 1 }", dict[str, int], {"a": 1}),
        ("", dict[str, str], {}),
    ],
)
def test_text_is_read_in_the_type_of_the_setting(text: str, hint: object, value: object) -> None:
    assert read(from_text(text, hint), hint) == value


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("x", int),
        ("1.5", int),
        ("inf", float),
        ("maybe", bool),
        ("a", dict[str, str]),
        ("[", tuple[str, ...]),
    ],
)
def test_text_of_another_type_is_refused(text: str, hint: object) -> None:
    with pytest.raises(WrongValueError):
        read(from_text(text, hint), hint)


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int | None, "a whole number, or empty"),
        (tuple[float, ...], "a list of numbers"),
        (dict[str, str], "a table of texts"),
        (Presentation, "one of keep, allowed, prohibited"),
    ],
)
def test_types_are_described_in_plain_words(hint: object, words: str) -> None:
    assert described(hint) == words


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=4))
def test_any_texts_survive_being_written_as_toml(texts: list[str]) -> None:
    assert read(from_text(written(tuple(texts)), tuple[str, ...]), tuple[str, ...]) == tuple(texts)
