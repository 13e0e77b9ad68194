import pytest

from gateway.simulator.words import split_values, split_words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", []),
        (b"NOOP", [b"NOOP"]),
        (b'SET VARIABLE  TWO \t "2"', [b"SET", b"VARIABLE", b"TWO", b"2"]),
        (b'SET VARIABLE X ""', [b"SET", b"VARIABLE", b"X", b""]),
        (rb'SET VARIABLE X "quo\"te back\\slash"', [b"SET", b"VARIABLE", b"X", b'quo"te back\\slash']),
        (rb"a\ b", [b"a b"]),
        (b'x"y z"w', [b"xy zw"]),
        (b'"open to the end', [b"open to the end"]),
        (b"cut\0here", [b"cut"]),
    ],
)
def test_a_line_is_cut_as_asterisk_cuts_it(line: bytes, words: list[bytes]) -> None:
    assert split_words(line) == words


def test_words_beyond_asterisks_limit_are_dropped() -> None:
    assert len(split_words(b"w " * 200)) == 127


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("A=1,B=2", ["A=1", "B=2"]),
        ('A="q,w",B=9', ["A=q,w", "B=9"]),
        ("F(a,b)=1,B=2", ["F(a,b)=1", "B=2"]),
        (r"A=1\,2", ["A=1,2"]),
    ],
)
def test_commas_in_quotes_and_brackets_do_not_cut_values(argument: str, values: list[str]) -> None:
    assert split_values(argument) == values
