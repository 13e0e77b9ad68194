import pytest

from gateway.simulator.upstream_answers import ani_for
from loadtest.fastagi_call import Calls, Conversation, outcome

PHONE = "2125550123"
RIGHT = ani_for(PHONE)


def said(ani: str = RIGHT, source: str = "outboundiq", status: str = "ASSIGNED") -> bytes:
    names = {"CALLERID(num)": ani, "GATEWAY_STATUS": status, "GATEWAY_SOURCE": source, "GATEWAY": "1|x"}
    return "".join(f'SET VARIABLE {name} "{value}"\n' for name, value in names.items() if value).encode()


def test_one_command_is_answered_each_time_the_socket_turns_readable() -> None:
    """Asterisk does not see the second command of a segment before more bytes come."""
    conversation = Conversation()
    assert conversation.receive(b"NOOP\nNOOP\n") == b"200 result=1\n"
    assert conversation.receive(b"NO") == b"200 result=1\n"
    assert conversation.receive(b"OP\nNOOP") == b"200 result=1\n"
    assert conversation.receive(b"") == b""


def test_all_are_answered_once_the_server_has_closed_its_side() -> None:
    conversation = Conversation()
    conversation.receive(b"NOOP\nNOOP\nNOOP\n")
    assert conversation.end() == b"200 result=1\n" * 2 + b"HANGUP\n"


@pytest.mark.parametrize("written", [RIGHT, f"1{RIGHT}", f"+1{RIGHT}"])
@pytest.mark.parametrize("source", ["outboundiq", "cache", "stale"])
def test_the_right_number_is_right_in_any_form(written: str, source: str) -> None:
    result = outcome(said(written, source), PHONE)
    assert (result.name, result.fault, result.packed) == (source, "", "1|x")


@pytest.mark.parametrize(
    ("received", "fault"),
    [
        (said(ani_for("2125550124")), "wrong ANI"),
        (said(RIGHT[:-1]), "wrong ANI"),
        (said(""), "no ANI"),
        (b"", "no ANI"),
    ],
)
def test_a_wrong_or_missing_number_is_a_failure(received: bytes, fault: str) -> None:
    assert outcome(received, PHONE).fault == fault


@pytest.mark.parametrize("source", ["default", "engine"])
def test_a_number_that_does_not_follow_from_the_phone_is_taken(source: str) -> None:
    assert outcome(said("3105550100", source, "FALLBACK"), PHONE).fault == ""


def test_without_a_source_the_status_names_the_outcome() -> None:
    assert outcome(said(source=""), PHONE).name == "assigned"
    assert outcome(b"", PHONE).name == "nothing"


def test_everybody_may_be_meant_to_get_one_number() -> None:
    assert outcome(said("5550001111", ""), PHONE, expected="5550001111").fault == ""
    assert outcome(said(RIGHT, ""), PHONE, expected="5550001111").fault == "wrong ANI"


def test_each_call_has_a_uniqueid_and_a_prospect_of_its_own() -> None:
    calls = Calls(host="127.0.0.1", port=4573)
    placed = [calls.next() for _ in range(200)]
    assert len({phone for phone, _, _ in placed}) > 190
    assert len({uniqueid for _, uniqueid, _ in placed}) == 200
    for phone, uniqueid, environment in placed:
        assert f"agi_arg_1: 1{phone}\n".encode() in environment
        assert f"agi_uniqueid: {uniqueid}\n".encode() in environment
        assert environment.endswith(b"\n\n")


def test_known_numbers_come_again() -> None:
    calls = Calls(host="127.0.0.1", port=4573, known=1.0)
    assert all(calls.next()[0].startswith("212555") for _ in range(50))
