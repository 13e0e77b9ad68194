"""The listener over real sockets: who gets in, how long, and what is answered."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from gateway.agi.commands import set_variables
from gateway.agi.server import AgiServer
from gateway.agi.settings import AgiSettings
from gateway.agi.verbs.base import Reply, Verb
from gateway.telemetry.metrics import SessionMetrics

REQUEST = b"agi_network: yes\nagi_network_script: echo\nagi_uniqueid: 1.1\nagi_arg_1: hello\n\n"
FAST = AgiSettings(
    listen=("127.0.0.1:0",), environment_timeout_s=0.2, session_timeout_s=0.3, drain_timeout_s=0.5
)

SOON = 0.8  # far below every default, and above what a busy machine adds; tests/scenarios measure precisely


class Verbs:
    """`echo` answers at once, `wait` when the test says, `never` not at all, `fail` raises."""

    def __init__(self) -> None:
        self.waiting: list[Reply] = []

    @property
    def table(self) -> dict[str, Verb]:
        return {
            "echo": lambda environment, reply: reply(
                set_variables(("ECHO",), ("".join(environment.arguments),))
            ),
            "wait": lambda _, reply: self.waiting.append(reply),
            "never": lambda *_: None,
            "fail": self._fail,
        }

    def _fail(self, *_: object) -> None:
        raise ZeroDivisionError


@asynccontextmanager
async def serving(settings: AgiSettings = FAST, verbs: Verbs | None = None) -> AsyncIterator[AgiServer]:
    loop = asyncio.get_running_loop()
    server = AgiServer(settings, (verbs or Verbs()).table, SessionMetrics(), loop)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def connect(server: AgiServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = server.addresses[0]
    return await asyncio.open_connection(host, port)


async def ask(server: AgiServer, request: bytes = REQUEST) -> bytes:
    reader, writer = await connect(server)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


def verb(name: str) -> bytes:
    return REQUEST.replace(b"echo", name.encode())


async def settled(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the condition is the server's, which tells nobody
            await asyncio.sleep(0.005)


async def test_answer_is_one_write_and_the_end_of_our_side() -> None:
    async with serving() as server:
        assert await ask(server) == b'SET VARIABLE ECHO "hello"\n'
        await settled(lambda: server.metrics.open == 0)


async def test_answers_are_read_to_the_end_and_errors_counted() -> None:
    async with serving() as server:
        reader, writer = await connect(server)
        writer.write(REQUEST)
        await reader.read()
        writer.write(b"510 Invalid or unknown command\nHANGUP\n")
        writer.close()
        await settled(lambda: server.metrics.command_errors == 1)


async def test_environment_line_by_line_in_small_segments() -> None:
    async with serving() as server:
        reader, writer = await connect(server)
        for line in REQUEST.splitlines(keepends=True):
            writer.write(line)
            await writer.drain()
            await asyncio.sleep(0.001)
        assert await reader.read() == b'SET VARIABLE ECHO "hello"\n'
        writer.close()


async def test_empty_connection_is_a_health_check_answered_by_silence() -> None:
    async with serving() as server:
        for _ in range(20):
            reader, writer = await connect(server)
            writer.write_eof()
            assert await reader.read() == b""
            writer.close()
        await settled(lambda: server.metrics.open == 0)
        assert server.metrics.health_checks == 20
        assert await ask(server) == b'SET VARIABLE ECHO "hello"\n'


async def test_a_client_that_ends_its_side_after_the_request_is_answered() -> None:
    async with serving() as server:
        reader, writer = await connect(server)
        writer.write(REQUEST)
        writer.write_eof()
        assert await reader.read() == b'SET VARIABLE ECHO "hello"\n'
        writer.close()


async def test_hangup_while_deciding_closes_at_once() -> None:
    verbs = Verbs()
    async with serving(verbs=verbs) as server:
        reader, writer = await connect(server)
        writer.write(verb("wait"))
        await settled(lambda: bool(verbs.waiting))
        writer.write(b"HANGUP\n")
        assert await asyncio.wait_for(reader.read(), SOON) == b""
        verbs.waiting[0](b"LATE\n")
        assert server.metrics.hung_up == 1
        writer.close()


async def test_reply_is_written_once() -> None:
    verbs = Verbs()
    async with serving(verbs=verbs) as server:
        reader, writer = await connect(server)
        writer.write(verb("wait"))
        await settled(lambda: bool(verbs.waiting))
        for value in "ab":
            verbs.waiting[0](b"X " + value.encode())
        assert await reader.read() == b"X a"
        writer.close()


async def test_a_verb_that_never_replies_is_answered_for_at_the_deadline() -> None:
    loop = asyncio.get_running_loop()
    async with serving() as server:
        started = loop.time()
        answer = await ask(server, verb("never"))
        assert b'SET VARIABLE GATEWAY_STATUS "UNCHANGED"' in answer
        assert b'GATEWAY_REASON "timeout"' in answer
        assert 0.25 <= loop.time() - started <= SOON


@pytest.mark.parametrize(
    ("request_", "status", "reason"),
    [(verb("fail"), b"UNCHANGED", b"internal"), (verb("nosuch"), b"INVALID", b"unknown_verb")],
)
async def test_what_goes_wrong_is_said(request_: bytes, status: bytes, reason: bytes) -> None:
    async with serving() as server:
        answer = await ask(server, request_)
        assert b'GATEWAY_STATUS "' + status in answer
        assert b'GATEWAY_REASON "' + reason in answer


async def test_a_request_too_large_is_refused() -> None:
    async with serving() as server:
        answer = await ask(server, b"agi_x: y\n" * 2_000)
        assert b'GATEWAY_REASON "bad_request"' in answer
        assert server.metrics.malformed == 1


@pytest.mark.parametrize("sent", [b"", b"agi_network: yes\n"])
async def test_idle_and_slow_clients_are_cut(sent: bytes) -> None:
    loop = asyncio.get_running_loop()
    async with serving() as server:
        started = loop.time()
        reader, writer = await connect(server)
        writer.write(sent)
        with suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 2) == b""
        assert 0.15 <= loop.time() - started <= SOON
        writer.close()


async def test_a_client_that_never_ends_is_cut_at_the_session_deadline() -> None:
    loop = asyncio.get_running_loop()
    async with serving() as server:
        started = loop.time()
        reader, writer = await connect(server)
        writer.write(REQUEST)
        await reader.readline()
        await settled(lambda: server.metrics.open == 0)
        assert loop.time() - started <= SOON
        writer.close()


async def test_a_peer_outside_the_allowed_networks_is_closed_at_once() -> None:
    async with serving(replace(FAST, allow=("10.0.0.0/8", "::1/128"))) as server:
        with pytest.raises((ConnectionResetError, BrokenPipeError, AssertionError)):
            assert await ask(server) != b""
        assert server.metrics.refused_peers == 1
        await settled(lambda: server.metrics.open == 0)


@pytest.mark.parametrize("caps", [{"max_connections": 2}, {"max_connections_per_peer": 2}])
async def test_too_many_sessions_are_answered_overloaded(caps: dict[str, int]) -> None:
    verbs = Verbs()
    async with serving(replace(FAST, **caps), verbs) as server:  # type: ignore[arg-type]  # only the int fields
        held = [await connect(server) for _ in range(2)]
        answer = await ask(server)
        assert b'GATEWAY_REASON "overloaded"' in answer
        assert b'GATEWAY_STATUS "UNCHANGED"' in answer
        for _, writer in held:
            writer.close()
        await settled(lambda: server.metrics.open == 0)
        assert await ask(server) == b'SET VARIABLE ECHO "hello"\n'


async def test_far_too_many_sessions_are_closed_at_once() -> None:
    async with serving(replace(FAST, max_connections=1)) as server:
        held = [await connect(server) for _ in range(2)]
        with pytest.raises((ConnectionResetError, BrokenPipeError, AssertionError)):
            assert await ask(server) != b""
        for _, writer in held:
            writer.close()


async def test_several_listeners_and_ipv6() -> None:
    async with serving(replace(FAST, listen=("127.0.0.1:0", "127.0.0.2:0", "[::1]:0"))) as server:
        assert [host for host, _ in server.addresses] == ["127.0.0.1", "127.0.0.2", "::1"]
        for host, port in server.addresses:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(REQUEST)
            assert await reader.read() == b'SET VARIABLE ECHO "hello"\n'
            writer.close()


async def test_an_address_in_use_is_named_and_nothing_stays_open() -> None:
    async with serving() as server:
        taken = f"127.0.0.1:{server.addresses[0][1]}"
        second = AgiServer(
            replace(FAST, listen=("127.0.0.1:0", taken)), {}, SessionMetrics(), asyncio.get_running_loop()
        )
        with pytest.raises(OSError, match=f"agi.listen {taken}"):
            await second.start()
        assert second.addresses == []


async def test_500_connections_at_one_instant_are_all_answered() -> None:
    """The listen backlog is in force: a lost SYN would cost its call a second."""
    loop = asyncio.get_running_loop()
    async with serving(replace(FAST, session_timeout_s=5, environment_timeout_s=5)) as server:
        started = loop.time()
        answers = await asyncio.gather(*(ask(server) for _ in range(500)))
        assert set(answers) == {b'SET VARIABLE ECHO "hello"\n'}
        assert loop.time() - started < 0.95


async def test_stopping_lets_calls_under_way_finish() -> None:
    verbs = Verbs()
    async with serving(replace(FAST, session_timeout_s=2), verbs) as server:
        reader, writer = await connect(server)
        writer.write(verb("wait"))
        await settled(lambda: bool(verbs.waiting))
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0.15)
        assert not stopping.done()
        verbs.waiting[0](b"X 1\n")
        assert await reader.read() == b"X 1\n"
        writer.close()
        await asyncio.wait_for(stopping, 1)
        assert server.metrics.timed_out == 0


async def test_a_call_connected_just_before_the_stop_is_still_answered() -> None:
    async with serving() as server:
        reader, writer = await connect(server)
        await settled(lambda: server.metrics.open == 1)
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0.02)
        writer.write(REQUEST)
        assert await reader.read() == b'SET VARIABLE ECHO "hello"\n'
        writer.close()
        await asyncio.wait_for(stopping, 1)


async def test_what_waits_in_a_socket_of_others_is_answered_by_the_next_server() -> None:
    """A worker that leaves resets nobody, as long as somebody keeps the socket."""
    with socket.create_server(("127.0.0.1", 0)) as kept:
        loop = asyncio.get_running_loop()
        first = AgiServer(FAST, Verbs().table, SessionMetrics(), loop)
        await first.start([kept.dup()])
        assert await ask(first) == b'SET VARIABLE ECHO "hello"\n'
        await first.stop()
        reader, writer = await asyncio.open_connection(*kept.getsockname())
        writer.write(REQUEST)
        second = AgiServer(FAST, Verbs().table, SessionMetrics(), loop)
        await second.start([kept.dup()])
        assert await reader.read() == b'SET VARIABLE ECHO "hello"\n'
        writer.close()
        await second.stop()


async def test_a_socket_taken_for_a_while_is_left_to_others_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as kept:
        async with serving() as server:
            taken = await server.accept_from([kept.dup()])
            assert len(server.addresses) == 2
            server.cease(taken)
            assert len(server.addresses) == 1
            assert await ask(server) == b'SET VARIABLE ECHO "hello"\n'


async def test_a_patient_stop_gives_a_silent_connection_all_its_time() -> None:
    async with serving() as server:
        reader, writer = await connect(server)
        await settled(lambda: server.metrics.open == 1)
        stopping = asyncio.create_task(server.stop(patient=True))
        await asyncio.sleep(0.15)
        writer.write(REQUEST)
        assert await reader.read() == b'SET VARIABLE ECHO "hello"\n'
        writer.close()
        await asyncio.wait_for(stopping, 1)


async def test_stopping_does_not_wait_for_a_client_that_never_ends() -> None:
    loop = asyncio.get_running_loop()
    async with serving(replace(FAST, session_timeout_s=60)) as server:
        reader, writer = await connect(server)
        writer.write(REQUEST)
        await reader.readline()
        started = loop.time()
        await server.stop()
        assert loop.time() - started < 0.5 + SOON
        writer.close()
