from pathlib import Path

from gateway.simulator.call import CallRequest, environment_lines

FIXTURES = Path(__file__).parent.parent / "fixtures" / "agi"


def keys(block: bytes) -> list[bytes]:
    return [line.partition(b":")[0] for line in block.split(b"\n")]


def test_environment_has_the_keys_of_a_real_one_in_their_order() -> None:
    request = CallRequest("15559876500", "90210", "9001")
    block = b"".join(environment_lines(request, host="127.0.0.1", port=15020))
    assert keys(block) == keys((FIXTURES / "assign_sip_channel.env").read_bytes())


def test_environment_without_a_script_leaves_its_line_out() -> None:
    block = b"".join(environment_lines(CallRequest("15559876500", script=""), host="127.0.0.1", port=1))
    assert keys(block) == keys((FIXTURES / "args_noscript.env").read_bytes())


def test_query_form_puts_everything_into_the_script() -> None:
    request = CallRequest("15559876500", "90210", extra={"agent": "7"}, as_query=True)
    lines = list(environment_lines(request, host="127.0.0.1", port=1))
    assert b"agi_network_script: assign?phone=15559876500&zip=90210&agent=7\n" in lines
    assert not any(line.startswith(b"agi_arg_") for line in lines)


def test_missing_arguments_in_the_middle_keep_their_places() -> None:
    assert CallRequest("1", extra={"agent": "7"}).arguments() == ["1", "", "", "agent=7"]
    assert CallRequest("1").arguments() == ["1"]


def test_calls_have_different_uniqueids() -> None:
    one, two = ({*environment_lines(CallRequest("1"), host="h", port=1)} for _ in range(2))
    assert {line.split(b":")[0] for line in one ^ two} == {b"agi_uniqueid"}
