import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.simulator.channel import Channel
from gateway.simulator.res_agi import OLD_LINE_LIMIT, AgiStatus, ResAgi

FIXTURES = Path(__file__).parent.parent / "fixtures" / "agi"
UP = 6
NOT_SIMULATED = (b"DATABASE", b"SPEECH")


def conversation(name: str) -> Iterator[tuple[str, bytes]]:
    """What was said after the environment: who, bytes."""
    for line in (FIXTURES / f"{name}.txt").read_text().splitlines():
        _at, who, literal = line.split(None, 2)
        if not literal.startswith(("b'agi_", "b'\\n'")) or who == "G":
            yield who, ast.literal_eval(literal)


def replay(name: str, agi: ResAgi) -> tuple[list[bytes], list[bytes]]:
    """Feed a captured server's side to the simulator: its answers, and the real Asterisk's."""
    answers: list[bytes] = []
    captured: list[bytes] = []
    skipping = False
    for who, data in conversation(name):
        if who == "G":
            skipping = data.startswith(NOT_SIMULATED)
            answers += [] if skipping else agi.receive(data)
        elif who == "G-fin":
            answers += agi.receive_eof()
        elif who == "A" and data == b"HANGUP\n" and not agi.finished:
            answers += agi.hang_up()
            captured.append(data)
        elif who == "A" and not skipping:
            captured.append(data)
    return answers, captured


@pytest.mark.parametrize(
    "name",
    [
        "args_manyargs",
        "assign1",
        "assign_sip_channel",
        "errors_510_520_and_quoting",
        "exec_mset_one_command",
        "exec_mset_quoting",
        "hangup_command",
        "hangup_mid_agi_late_set_variable",
        "hangup_mid_agi_commands_after_hangup",
        "pipelined_stall_woken_by_next_command",
        "pipelined_then_half_close",
        "pipelined_three_commands_stalls",
        "asterisk16_pipelined_stalls",
        "asterisk16_pipelined_then_half_close",
        "setcid",
        "setcid2",
        "setvall",
        "setvnum",
        "setvpres",
    ],
)
def test_answers_are_those_of_the_real_asterisk(name: str) -> None:
    """Byte for byte, stalls included: an answer the real one did not give must not come here either."""
    agi = ResAgi(Channel(state=UP))
    answers, captured = replay(name, agi)
    if name == "hangup_command":
        answers.remove(b"HANGUP\n")  # the captured server closed before it could be written
    assert b"".join(answers) == b"".join(captured)


def test_second_command_of_a_segment_waits_for_more_bytes() -> None:
    agi = ResAgi(Channel())
    assert agi.receive(b'SET VARIABLE A "1"\nSET VARIABLE B "2"\n') == [b"200 result=1\n"]
    agi.give_up()
    assert agi.channel.variables == {"A": "1"}
    assert agi.protocol_errors == ["1 command(s) never seen: sent together without a half-close"]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_half_close_runs_everything_any_way_the_bytes_are_cut(size: int) -> None:
    agi = ResAgi(Channel())
    wire = b'SET VARIABLE A "1"\nSET VARIABLE B "x y"\nNOOP\n'
    answers = [answer for at in range(0, len(wire), size) for answer in agi.receive(wire[at : at + size])]
    answers += agi.receive_eof()
    assert answers == [b"200 result=1\n", b"200 result=1\n", b"200 result=0\n", b"HANGUP\n"]
    assert agi.channel.variables == {"A": "1", "B": "x y"}
    assert agi.protocol_errors == []


def test_refused_commands_are_protocol_errors() -> None:
    agi = ResAgi(Channel())
    for line in (b"FOO BAR\n", b"SET VARIABLE X 1 2\n", b"SET VARIABLE X 1\r\n", b"SET VARIABLE X a\0b\n"):
        agi.receive(line)
    assert [error.split()[0] for error in agi.protocol_errors] == ["510", "520", "control", "control"]


def test_old_asterisk_cuts_a_long_line_and_runs_the_rest() -> None:
    agi = ResAgi(Channel(), line_limit=OLD_LINE_LIMIT)
    assert agi.receive(b'SET VARIABLE LONG "' + b"L" * 2500 + b'"\n') == [b"200 result=1\n"]
    assert agi.receive(b"GET VARIABLE TWO\n")[0].startswith(b"510")
    assert agi.protocol_errors[0] == "a line over 2047 bytes is cut"


def test_hangup_is_said_and_the_server_may_still_set_variables() -> None:
    agi = ResAgi(Channel())
    assert agi.hang_up() == [b"HANGUP\n"]
    assert agi.receive(b'SET VARIABLE A "late"\n') == [b"200 result=1\n"]
    assert not agi.finished
    assert agi.status is AgiStatus.HANGUP


def test_exit_on_hangup_leaves_at_once_with_two_hangup_lines() -> None:
    agi = ResAgi(Channel(), exit_on_hangup=True)
    assert agi.hang_up() == [b"HANGUP\n", b"HANGUP\n"]
    assert agi.finished


def test_sighup_no_says_nothing_on_hangup_nor_at_the_end() -> None:
    agi = ResAgi(Channel(), sighup=False)
    assert agi.hang_up() == []
    assert agi.receive_eof() == []
    assert agi.finished


def test_a_closed_connection_without_a_command_is_a_success() -> None:
    agi = ResAgi(Channel())
    assert agi.receive_eof() == [b"HANGUP\n"]
    assert agi.status is AgiStatus.SUCCESS
