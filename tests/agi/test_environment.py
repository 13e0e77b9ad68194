from hypothesis import given
from hypothesis import strategies as st

from gateway.agi.environment import Environment


def block(*lines: str) -> Environment:
    return Environment("\n".join(lines).encode())


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
    assert environment.verb == "assign"
    assert environment.query == {"phone": "+15559876543", "zip": "90210", "agent": "Jane Doe"}


def test_url_without_a_path_has_no_verb() -> None:
    assert block("agi_request: agi://127.0.0.1").verb == ""
    assert block("agi_network_script: /assign/").verb == "assign"


def test_arguments_end_at_the_first_missing_number() -> None:
    assert block("agi_arg_1: a", "agi_arg_2: ", "agi_arg_4: d").arguments == ["a", ""]
    assert block("agi_network: yes").arguments == []


def test_arguments_are_text_whatever_the_bytes() -> None:
    assert Environment(b"agi_arg_1: caf\xc3\xa9\nagi_arg_2: \xff").arguments == [
        "café",
        "\N{REPLACEMENT CHARACTER}",
    ]


@given(st.binary(max_size=300))
def test_any_bytes_make_an_environment(data: bytes) -> None:
    environment = Environment(data)
    assert isinstance(environment.verb, str)
    assert isinstance(environment.query, dict)
    assert isinstance(environment.arguments, list)
