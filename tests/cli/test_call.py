import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.agi.settings import AgiSettings
from gateway.assignment.settings import AssignmentSettings
from gateway.cli.main import main
from gateway.config.settings import Settings
from gateway.engine.inventory import SAMPLE
from gateway.engine.settings import EngineSettings
from gateway.model.decision import Source
from gateway.service.wiring import Gateway


@contextmanager
def gateway(settings: Settings) -> Iterator[int]:
    """The port of a gateway in a thread of its own."""
    started, ports = threading.Event(), []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        gateway = Gateway(settings)
        await gateway.start()
        ports.append(gateway.agi_addresses[0][1])
        started.set()
        await stop.wait()
        await gateway.stop()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(10)
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A gateway without providers: its default number answers."""
    settings = Settings(
        agi=AgiSettings(listen=("127.0.0.1:0",)),
        assignment=AssignmentSettings(providers=(), default_ani="+14045550199"),
    )
    with gateway(settings) as number:
        yield number


@pytest.fixture(scope="module")
def closed_port() -> int:
    """A port nobody listens on: one that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        number: int = sock.getsockname()[1]
    return number


@contextmanager
def tcp_server(serve_one: Callable[[socket.socket], object]) -> Iterator[int]:
    """A server for one connection, which is no gateway; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                serve_one(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def call(port: int, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["call", "--port", str(port), *arguments])


def test_conversation_answer_source_and_time_are_printed(port: int) -> None:
    result = call(port, "14045550123", "--zip", "30303", "--campaign", "c12", "--key", "agent=7")
    assert result.exit_code == 0
    for text in ("agi_arg_1: 14045550123", "agi_arg_2: 30303", "agi_arg_3: c12", "agi_arg_4: agent=7"):
        assert text in result.stdout
    assert 'SET VARIABLE CALLERID(num) "4045550199"' in result.stdout
    assert (
        "status   FALLBACK\nani      4045550199\nsource   default\nreason   no_provider\ntime "
        in result.stdout
    )


def test_the_engine_explains_its_choice(tmp_path: Path) -> None:
    settings = Settings(
        agi=AgiSettings(listen=("127.0.0.1:0",)),
        assignment=AssignmentSettings(providers=(Source.ENGINE,)),
        engine=EngineSettings(inventory=str(SAMPLE), cache_dir=str(tmp_path)),
    )
    with gateway(settings) as number:
        explained = [call(number, "4045550123", "--zip", "30303", "--explain").stdout for _ in range(2)]
        plain = call(number, "4045550123", "--zip", "30303").stdout
    for text in explained:
        assert "source   engine" in text
        why = next(line for line in text.splitlines() if line.startswith("why "))
        assert "zip" in why
    assert "GATEWAY_EXPLAIN" not in plain


def test_json_has_answer_and_conversation(port: int) -> None:
    answer = json.loads(call(port, "911", "--json", "--query").stdout)
    assert (answer["status"], answer["reason"], answer["ani"]) == ("BYPASSED", "emergency", "")
    assert "agi_network_script: assign?phone=911\n" in [said["text"] for said in answer["transcript"]]


def test_a_gateway_that_is_not_there_is_one_line_and_a_hint(closed_port: int) -> None:
    result = call(closed_port, "14045550123")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"error: no gateway answers at 127.0.0.1:{closed_port}\n"
        'hint: start it with "ani-gateway serve", or name it with --host and --port\n'
    )


def test_a_server_that_only_closes_is_told_apart() -> None:
    with tcp_server(lambda connection: connection.recv(4096)) as port:
        result = call(port, "14045550123")
    assert result.exit_code == 1
    assert "without setting GATEWAY_STATUS" in result.stderr


def test_a_silent_server_is_told_apart() -> None:
    with tcp_server(lambda connection: list(iter(lambda: connection.recv(4096), b""))) as port:
        result = call(port, "14045550123", "--timeout", "0.2")
    assert result.exit_code == 1
    assert "did not finish within 0.2 s" in result.stderr


def test_control_characters_do_not_reach_the_terminal() -> None:
    def clear_the_screen(connection: socket.socket) -> None:
        connection.sendall(b'VERBOSE "\x1b[2J"\n')
        connection.shutdown(socket.SHUT_WR)
        list(iter(lambda: connection.recv(4096), b""))

    with tcp_server(clear_the_screen) as port:
        result = call(port, "14045550123", "--timeout", "0.5")
    assert 'VERBOSE "\N{REPLACEMENT CHARACTER}[2J"' in result.stdout


def test_a_key_without_a_value_is_wrong_usage(port: int) -> None:
    assert call(port, "14045550123", "--key", "agent").exit_code == 2
