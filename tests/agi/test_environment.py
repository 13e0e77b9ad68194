import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agi.environment import Environment, verb_of


def block(*lines: str) -> Environment:
    return Environment("".join(f"\n{line}" for line in [*lines, ""]).encode())


def test_first_line_of_a_name_is_the_true_one() -> None:
    environment = block("agi_uniqueid: 1.1", "agi_arg_1: x", "agi_uniqueid: 6.66", "agi_arg_1: y")
    assert environment.value("uniqueid") == "1.1"
    assert environment.arguments == ["x"]


def test_unknown_and_empty_values_are_none() -> None:
    environment = block("agi_dnid: unknown", "agi_accountcode: ", "agi_extension: 12")
    assert [environment.value(name) for name in ("dnid", "accountcode", "rdnis")] == ["", "", ""]
    assert environment.value("extension") == "12"


def test_a_name_is_matched_whole() -> None:
    assert block("agi_callerid_extra: 1", "agi_callerid: 7001").value("callerid") == "7001"


def test_verb_and_query_come_from_the_url() -> None:
    environment = block("agi_network_script: assign?phone=%2B15559876543&zip=90210&zip=1&agent=Jane%20Doe")
    assert verb_of(environment.script) == "assign"
    assert environment.query == {"phone": "+15559876543", "zip": "90210", "agent": "Jane Doe"}


def test_url_without_a_path_has_no_verb() -> None:
    assert block("agi_request: agi://127.0.0.1").script == ""
    assert verb_of("/assign/") == "assign"


def test_arguments_end_at_the_first_missing_number() -> None:
    assert block("agi_arg_1: a", "agi_arg_2: ", "agi_arg_4: d").arguments == ["a", ""]
    assert block("agi_network: yes").arguments == []


def test_arguments_are_text_whatever_the_bytes() -> None:
    assert Environment(b"\nagi_arg_1: caf\xc3\xa9\nagi_arg_2: \xff\n").arguments == [
        "café",
        "\N{REPLACEMENT CHARACTER}",
    ]


@given(st.binary(max_size=300))
def test_any_bytes_make_an_environment(data: bytes) -> None:
    environment = Environment(b"\n" + data + b"\n")
    assert isinstance(environment.script, str)
    assert isinstance(environment.query, dict)
    assert isinstance(environment.arguments, list)


def test_usual_arguments_are_what_the_arguments_say() -> None:
    usual = block("agi_x: y", "agi_arg_1: 5559876543", "agi_arg_2: 90210", "agi_arg_3: 9001")
    assert usual.usual_arguments() == ("5559876543", "90210", "9001")
    assert list(usual.usual_arguments() or ()) == usual.arguments
    assert block("agi_arg_1: 5559876543").usual_arguments() == ("5559876543", "", "")
    assert block("agi_arg_1: 5559876543", "agi_arg_2: ").usual_arguments() == ("5559876543", "", "")


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("agi_arg_1: (555) 987-6543",),
        ("agi_arg_1: 5559876543", "agi_arg_2: 90210-1234"),
        ("agi_arg_1: 5559876543", "agi_arg_2: 90210", "agi_arg_3: 9001", "agi_arg_4: agent=x"),
        ("agi_arg_1: 5559876543", "agi_evil: 1"),
        ("agi_arg_1: 5559876543", "agi_arg_2: campaign=9"),
        ("agi_network_script: assign?zip=90210", "agi_arg_1: 5559876543"),
    ],
)
def test_anything_else_is_not_usual(lines: tuple[str, ...]) -> None:
    assert block("agi_network: yes", *lines).usual_arguments() is None
