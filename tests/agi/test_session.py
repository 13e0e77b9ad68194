from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.agi.session import Event, Session, State

FIXTURES = Path(__file__).parent.parent / "fixtures" / "agi"
REQUEST = b"agi_network: yes\nagi_network_script: assign\nagi_arg_1: 5559876543\n\n"


def session(max_bytes: int = 16_384, max_lines: int = 64) -> Session:
    return Session(max_bytes=max_bytes, max_lines=max_lines)


def feed(one: Session, data: bytes, cuts: list[int]) -> list[Event]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [one.receive(data[a:b]) for a, b in pairwise(edges)]


@given(st.lists(st.integers(min_value=0), max_size=40))
def test_request_is_complete_at_its_last_byte_however_it_is_cut(cuts: list[int]) -> None:
    one = session()
    events = feed(one, REQUEST, cuts)
    assert events[-1] is Event.REQUEST
    assert set(events[:-1]) <= {Event.NOTHING}
    assert one.environment is not None
    assert one.environment.arguments == ["5559876543"]


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.env")), ids=lambda path: path.stem)
def test_recorded_environments_are_complete(path: Path) -> None:
    one = session()
    events = [one.receive(line) for line in path.read_bytes().splitlines(keepends=True)]
    assert Event.REQUEST in events
    assert one.environment is not None
    assert one.environment.value("uniqueid")


def test_lines_may_end_as_on_windows() -> None:
    one = session()
    assert one.receive(REQUEST.replace(b"\n", b"\r\n")) is Event.REQUEST
    assert one.environment is not None
    assert one.environment.arguments == ["5559876543"]


@given(st.lists(st.integers(min_value=0), max_size=8), st.binary(max_size=20))
def test_hangup_ends_the_wait_for_a_decision(cuts: list[int], junk: bytes) -> None:
    one = session()
    one.receive(REQUEST)
    junk = junk.replace(b"HANGUP", b"")
    events = feed(one, junk + b"\nHANGUP\n", cuts)
    assert Event.HUNG_UP in events
    assert one.state is State.OVER


def test_hangup_before_or_inside_the_request_ends_it() -> None:
    assert session().receive(b"HANGUP\n") is Event.HUNG_UP
    one = session()
    one.receive(b"agi_network: yes\n")
    assert one.receive(b"HANGUP\n") is Event.HUNG_UP


def test_hangup_right_behind_the_request_is_seen() -> None:
    assert session().receive(REQUEST + b"HANGUP\n") is Event.HUNG_UP


def test_lines_left_over_by_an_injected_line_feed_do_no_harm() -> None:
    one = session()
    assert one.receive(REQUEST) is Event.REQUEST
    assert one.receive(b"agi_arg_2: 90210\n\n") is Event.NOTHING
    assert one.state is State.DECIDING


@pytest.mark.parametrize("data", [b"a" * 17_000, b"a: b\n" * 65 + b"\n"])
def test_more_than_a_request_may_hold_is_refused(data: bytes) -> None:
    one = session()
    assert one.receive(data) is Event.REFUSED
    assert one.state is State.OVER
    assert one.receive(REQUEST) is Event.NOTHING


def test_the_largest_allowed_request_is_taken() -> None:
    lines = b"".join(b"agi_arg_%d: x\n" % number for number in range(1, 65))
    assert session().receive(lines + b"\n") is Event.REQUEST


def test_connection_without_a_byte_is_a_health_check() -> None:
    one = session()
    assert one.is_empty
    one.receive(b"a")
    assert not one.is_empty


@pytest.mark.parametrize(
    ("answers", "errors"),
    [
        (b"200 result=1\n200 result=1\nHANGUP\n", []),
        (b"200 result=1\n510 Invalid or unknown command\n", ["510 Invalid or unknown command"]),
        (b"511 Command Not Permitted on a dead channel\n", ["511 Command Not Permitted on a dead channel"]),
        (b"520-Invalid\nSets a variable.\n520 End of proper usage.\n200 result=1\n", ["520-Invalid"]),
    ],
)
def test_answers_other_than_200_are_told(answers: bytes, errors: list[str]) -> None:
    one = session()
    one.receive(REQUEST)
    one.answered()
    for byte in answers:
        one.receive(bytes([byte]))
    assert one.command_errors() == errors


@given(st.lists(st.binary(max_size=400), max_size=60))
def test_no_bytes_raise_or_pile_up(pieces: list[bytes]) -> None:
    one = session(max_bytes=1_000)
    for piece in pieces:
        one.receive(piece)
    assert len(one._buffer) <= 1_400
