import asyncio
import hashlib
import re
from pathlib import Path

import pytest

from gateway.simulator.ami import AmiFault, AmiSimulator
from gateway.simulator.ami_events import AmiChannel, escape
from gateway.simulator.ami_session import CHALLENGE, AmiSession, AmiUser

USER = AmiUser()
CAPTURES = Path("tests/fixtures/ami")
ASSIGNED = AmiChannel("1.1", variables={"GATEWAY": "1|+15559876500"})


def session(user: AmiUser = USER, *channels: AmiChannel) -> AmiSession:
    return AmiSession(user, lambda: channels)


def act(asterisk: AmiSession, *lines: str) -> str:
    return b"".join(asterisk.receive("\r\n".join([*lines, "", ""]).encode())).decode()


def logged_in(user: AmiUser = USER, *channels: AmiChannel, events: str = "on") -> AmiSession:
    asterisk = session(user, *channels)
    login = ("Action: Login", f"Username: {user.name}", f"Secret: {user.secret}", f"Events: {events}")
    assert "Authentication accepted" in act(asterisk, *login)
    return asterisk


def test_a_login_by_challenge() -> None:
    asterisk = session()
    assert act(asterisk, "Action: Challenge", "AuthType: MD5", "ActionID: 7") == (
        f"Response: Success\r\nActionID: 7\r\nChallenge: {CHALLENGE}\r\n\r\n"
    )
    key = hashlib.md5((CHALLENGE + USER.secret).encode(), usedforsecurity=False).hexdigest()
    act(asterisk, "Action: login", "AuthType: MD5", "Username: gateway", f"Key: {key}")
    assert asterisk.authenticated


@pytest.mark.parametrize("wrong", ["Secret: no", "Username: nobody", "AuthType: MD5"])
def test_a_wrong_login_is_answered_and_ends(wrong: str) -> None:
    asterisk = session()
    said = act(asterisk, "Action: Login", wrong, f"Username: {USER.name}", f"Secret: {USER.secret}")
    assert said == "Response: Error\r\nMessage: Authentication failed\r\n\r\n"
    assert asterisk.closing
    assert act(asterisk, "Action: Ping") == ""


def test_nothing_goes_before_the_login() -> None:
    assert act(session(), "Action: Ping", "ActionID: p0") == (
        "Response: Error\r\nActionID: p0\r\nMessage: Permission denied\r\n\r\n"
    )


def test_a_ping_is_answered_as_asterisk_does() -> None:
    said = act(logged_in(), "Action: Ping", "ActionID: p1")
    assert re.fullmatch(
        r"Response: Success\r\nActionID: p1\r\nPing: Pong\r\nTimestamp: \d+\.\d{6}\r\n\r\n", said
    )


def test_status_lists_the_channels_and_counts_them() -> None:
    said = act(logged_in(USER, ASSIGNED, AmiChannel("1.2")), "Action: Status", "ActionID: s").split(
        "\r\n\r\n"
    )
    assert said[0].endswith("EventList: start\r\nMessage: Channel status will follow")
    assert [block.split("\r\n")[0] for block in said[1:4]] == [
        "Event: Status",
        "Event: Status",
        "Event: StatusComplete",
    ]
    assert "ChanVariable: GATEWAY=1|+15559876500" in said[1]
    assert "ChanVariable: GATEWAY=\r\n" in said[2]
    assert said[3].endswith("ActionID: s\r\nEventList: Complete\r\nListItems: 2\r\nItems: 2")


@pytest.mark.parametrize("action", ["Status", "CoreSettings", "Originate", "Command", "Filter"])
def test_a_user_without_write_rights_may_only_listen(action: str) -> None:
    asterisk = logged_in(AmiUser(write=frozenset()))
    assert "Permission denied" in act(asterisk, f"Action: {action}")
    assert "Pong" in act(asterisk, "Action: Ping")


def test_odd_actions_get_an_error_and_logoff_a_goodbye() -> None:
    asterisk = logged_in()
    assert "Missing action in request" in act(asterisk, "garbage")
    assert "Invalid/unknown command: nonsense." in act(asterisk, "Action: Nonsense")
    assert "Events: Off" in act(asterisk, "Action: Events", "EventMask: off")
    assert "Response: Goodbye" in act(asterisk, "Action: Logoff")
    assert asterisk.closing


def test_events_are_for_those_who_may_and_want_to_hear_them() -> None:
    hangup, varset = ASSIGNED.hangup(USER.channelvars), b"Event: VarSet\r\n\r\n"
    everything = AmiUser(read=frozenset({"all"}), filtered=False)
    assert logged_in().hears(hangup)
    assert not logged_in().hears(AmiChannel("1.2").hangup(USER.channelvars))
    assert not logged_in(AmiUser(read=frozenset())).hears(hangup)
    assert not logged_in(events="off").hears(hangup)
    assert not session().hears(hangup)
    assert logged_in(everything).hears(varset, "dialplan")
    assert not logged_in(everything, events="call").hears(varset, "dialplan")


def test_a_hangup_has_the_lines_of_a_recorded_one() -> None:
    recorded = (CAPTURES / "busy_486.hangup.txt").read_bytes().split(b"\r\n\r\n")
    assigned = next(block for block in recorded if b"OIQ_ANI=5" in block).decode().split("\r\n")
    names = tuple(
        line.partition("=")[0].removeprefix("ChanVariable: ") for line in assigned if "ChanVariable" in line
    )
    channel = AmiChannel("1.1", cause=17, tech_cause="486")
    ours = channel.hangup(names, 1795169620.177909).decode().split("\r\n")[:-2]
    assert [re.split("[:=]", line)[0] for line in ours] == [re.split("[:=]", line)[0] for line in assigned]


def test_values_are_escaped_as_recorded() -> None:
    recorded = (CAPTURES / "hostile_variable_values.hangup.txt").read_text()
    assert (
        f"OIQ_ERR={escape('a' + chr(13) + chr(10) + 'Event: Evil' + chr(13) + chr(10) + 'X: y')}" in recorded
    )
    assert f"OIQ_PHONE={escape('é' + chr(34) + '=: ')}" in recorded
    assert escape("b'c?\tz") == r"b\'c\?\tz"


async def test_over_a_socket_a_client_is_greeted_answered_and_let_go() -> None:
    async with AmiSimulator() as pbx:
        host, _, port = pbx.address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        assert await reader.readline() == b"Asterisk Call Manager/11.0.0\r\n"
        writer.write(f"Action: Login\r\nUsername: {USER.name}\r\nSecret: {USER.secret}\r\n\r\n".encode())
        assert b"accepted" in await reader.readuntil(b"\r\n\r\n")
        pbx.place(ASSIGNED)
        pbx.hang_up("1.1")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"Event: Hangup\r\n")
        writer.write(b"Action: Logoff\r\n\r\n")
        assert (await reader.read()).startswith(b"Response: Goodbye")
        writer.close()
        await writer.wait_closed()
        assert pbx.connections == []


async def test_a_half_open_peer_says_nothing_more() -> None:
    async with AmiSimulator() as pbx:
        host, _, port = pbx.address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await reader.readline()
        pbx.fault = AmiFault.HALF_OPEN
        writer.write(b"Action: Ping\r\n\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reader.read(1)
        pbx.cut()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
