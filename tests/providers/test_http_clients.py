"""What both HTTP clients promise, against an upstream that fails in every way and one of raw bytes."""

import asyncio
import random
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.providers.base import (
    BadAnswerError,
    ProviderError,
    RateLimitedError,
    TimedOutError,
    UnavailableError,
)
from gateway.providers.http import HttpClient, Reply
from gateway.providers.http_lean import LeanHttpClient
from gateway.simulator.upstream import UpstreamSimulator
from gateway.simulator.upstream_answers import Fault

Client = HttpClient | LeanHttpClient
KINDS = [HttpClient, LeanHttpClient]
BODY = b'{"prospect_phone":"5559876543"}'
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def opened(
    kind: type[Client], url: str, *, most: int = 4, keepalive_s: float = 30.0, ca_file: str = ""
) -> AsyncIterator[Client]:
    headers = {"Authorization": "Bearer simulated-key"}
    client = kind(url, headers, max_connections=most, keepalive_s=keepalive_s, ca_file=ca_file)
    await client.open()
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def raw(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The address of a server that answers as `serve` does."""

    async def fenced(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(fenced, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/base"
    finally:
        server.close()


async def request_of(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    return head, await reader.readexactly(length)


async def post(
    client: Client, *, timeout_s: float = 2.0, most: int = 65_536, may_repeat: bool = True
) -> Reply:
    return await client.post(
        "/assignment", BODY, timeout_s=timeout_s, max_reply_bytes=most, may_repeat=may_repeat
    )


async def error_of(client: Client, *, timeout_s: float = 2.0, may_repeat: bool = True) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await post(client, timeout_s=timeout_s, may_repeat=may_repeat)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_comes_whole_with_its_request_id(kind: type[Client]) -> None:
    async with UpstreamSimulator() as upstream, opened(kind, upstream.url) as client:
        reply = await post(client)
    assert reply.status == 200
    assert reply.request_id == "simulated"
    assert reply.json_object()["success"] is True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.SILENT, TimedOutError),
        (Fault.REFUSED, UnavailableError),
        (Fault.RESET, UnavailableError),
        (Fault.CUT_BODY, UnavailableError),
        (Fault.RATE_LIMITED, RateLimitedError),
        (Fault.HUGE, BadAnswerError),
    ],
)
async def test_faults_are_told_apart_by_type(
    kind: type[Client], fault: Fault, error: type[ProviderError]
) -> None:
    async with UpstreamSimulator() as upstream, opened(kind, upstream.url) as client:
        await upstream.set_fault(fault)
        assert type(await error_of(client, timeout_s=0.2)) is error


@pytest.mark.parametrize("kind", KINDS)
async def test_a_closed_port_has_certainly_received_nothing(kind: type[Client]) -> None:
    async with UpstreamSimulator() as upstream, opened(kind, upstream.url) as client:
        await upstream.set_fault(Fault.REFUSED)
        error = await error_of(client)
    assert isinstance(error, UnavailableError)
    assert error.never_sent


@pytest.mark.parametrize("kind", KINDS)
async def test_retry_after_is_told(kind: type[Client]) -> None:
    async with UpstreamSimulator() as upstream, opened(kind, upstream.url) as client:
        await upstream.set_fault(Fault.RATE_LIMITED_SECONDS)
        error = await error_of(client)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after_s == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stale_connection_is_replaced_unless_a_repeat_is_forbidden(kind: type[Client]) -> None:
    async with UpstreamSimulator() as upstream, opened(kind, upstream.url) as client:
        await upstream.set_fault(Fault.STALE_KEEPALIVE)
        for _ in range(5):
            assert (await post(client)).status == 200
        assert type(await error_of(client, may_repeat=False)) is UnavailableError


@pytest.mark.parametrize("kind", KINDS)
async def test_more_requests_than_connections_wait_in_line(kind: type[Client]) -> None:
    open_now = most_open = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most_open
        open_now += 1
        most_open = max(most_open, open_now)
        try:
            while True:
                await request_of(reader)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        finally:
            open_now -= 1

    async with raw(serve) as url, opened(kind, url, most=2) as client:
        replies = await asyncio.gather(*(post(client) for _ in range(50)))
    assert [reply.body for reply in replies] == [b"{}"] * 50
    assert most_open <= 2


@pytest.mark.parametrize("kind", KINDS)
async def test_the_request_is_plain_http(kind: type[Client]) -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await request_of(reader))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with raw(serve) as url, opened(kind, url) as client:
        await client.request("DELETE", "/c?id=a%20b", b"{}", timeout_s=1, max_reply_bytes=100)
    head, body = seen[0]
    lines = head.decode().split("\r\n")
    assert lines[0] == "DELETE /base/c?id=a%20b HTTP/1.1"
    assert {"Authorization: Bearer simulated-key", "Content-Type: application/json"} <= set(lines)
    assert body == b"{}"


ANSWERS = {
    "with a length": b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-Request-Id: r1\r\n\r\n{"a":1}',
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nx-request-id: r1\r\n\r\n"
    b'3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n',
    "after an interim one": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
    b'X-Request-Id: r1\r\nContent-Length: 7\r\n\r\n{"a":1}',
    "to the end of the connection": b'HTTP/1.1 200 OK\r\nx-request-id: r1\r\n\r\n{"a":1}',
    "of HTTP 1.0": b'HTTP/1.0 200 OK\r\nContent-Length: 7\r\nx-request-id: r1\r\n\r\n{"a":1}',
}


@pytest.mark.parametrize("form", ANSWERS)
@pytest.mark.parametrize("kind", KINDS)
async def test_every_form_of_an_answer_is_understood(kind: type[Client], form: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(ANSWERS[form])
        await writer.drain()

    async with raw(serve) as url, opened(kind, url) as client:
        reply = await post(client)
        again = await post(client)
    assert reply == again == Reply(200, b'{"a":1}', "r1", None)


class NoSocket(asyncio.Transport):
    """Takes what is written, and is never closed."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        pass


@given(cuts=st.lists(st.integers(1, 120), max_size=6), form=st.sampled_from(sorted(ANSWERS)))
def test_an_answer_may_come_in_any_pieces(cuts: list[int], form: str) -> None:
    """Fed to the connection itself, so that no socket joins the pieces again."""
    from gateway.providers.http1 import Connection, Exchange

    loop = asyncio.new_event_loop()
    try:
        ends: list[object] = []
        connection = Connection(lambda _connection, end, _exchange: ends.append(end))
        connection.connection_made(NoSocket())
        exchange = Exchange(b"", max_reply_bytes=100, may_repeat=True, loop=loop)
        connection.carry(exchange)
        data, start = ANSWERS[form], 0
        for cut in [*sorted({cut for cut in cuts if cut < len(data)}), len(data)]:
            connection.data_received(data[start:cut])
            start = cut
        connection.eof_received()
        assert exchange.result() == Reply(200, b'{"a":1}', "r1", None)
    finally:
        loop.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nyy",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,
    ],
)
async def test_an_answer_that_is_none_is_a_bad_answer_for_the_lean_client(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(answer)
        await writer.drain()
        await reader.read()

    async with raw(serve) as url, opened(LeanHttpClient, url) as client:
        assert type(await error_of(client)) is BadAnswerError


@pytest.mark.parametrize("kind", KINDS)
async def test_bytes_nobody_asked_for_spoil_no_later_answer(kind: type[Client]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await request_of(reader)
            good = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
            writer.write(good + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    async with raw(serve) as url, opened(kind, url) as client:
        for _ in range(3):
            try:
                assert (await post(client)).body == b"{}"
            except BadAnswerError:
                continue


async def test_bytes_nobody_asked_for_do_not_answer_the_next_in_line() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        good = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        writer.write(good + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        await reader.read()

    async with raw(serve) as url, opened(LeanHttpClient, url, most=1) as client:
        replies = await asyncio.gather(*(post(client) for _ in range(3)))
    assert [reply.body for reply in replies] == [b"{}"] * 3


async def test_a_request_given_up_frees_its_place() -> None:
    held = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        if not held.is_set():
            held.set()
            await reader.read()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async with raw(serve) as url, opened(LeanHttpClient, url, most=1) as client:
        first = asyncio.ensure_future(post(client))
        await held.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert (await post(client)).body == b"{}"


async def test_an_idle_connection_is_closed_after_its_time() -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await reader.read()
        ended.set()

    async with raw(serve) as url, opened(LeanHttpClient, url, keepalive_s=0.05) as client:
        await post(client)
        await asyncio.wait_for(ended.wait(), 2)


async def test_the_connection_used_last_is_used_first() -> None:
    served: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(connections)
        connections.append(number)
        while True:
            await request_of(reader)
            served.append(number)
            await asyncio.sleep(0)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    connections: list[int] = []
    async with raw(serve) as url, opened(LeanHttpClient, url) as client:
        await asyncio.gather(*(post(client) for _ in range(4)))
        served.clear()
        for _ in range(6):
            await post(client)
    assert len(set(served)) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_request_ends_whatever_the_upstream_does(kind: type[Client], seed: int) -> None:
    """An upstream that answers, cuts, resets, closes and stays silent by chance, and callers that leave."""
    chance = random.Random(seed)  # noqa: S311 - repeatable

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await request_of(reader)
            match chance.randrange(8):
                case 0:
                    writer.transport.abort()
                    return
                case 1:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
                    return
                case 2:
                    await reader.read()
                    return
                case 3:
                    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
                    return
                case _:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async def ask(client: Client) -> str:
        try:
            return (await post(client, timeout_s=0.5)).body.decode()
        except ProviderError as error:
            return type(error).__name__

    async with raw(serve) as url, opened(kind, url, most=5) as client:
        asked = [asyncio.ensure_future(ask(client)) for _ in range(200)]
        for leaving in asked[::20]:
            leaving.cancel()
        ended = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 10)
    assert sum(isinstance(one, asyncio.CancelledError) for one in ended) == 10
    words = {one for one in ended if isinstance(one, str)}
    assert "{}" in words
    assert words <= {"{}", "UnavailableError", "TimedOutError"}


async def test_a_closed_client_says_so() -> None:
    client = LeanHttpClient("http://127.0.0.1:9", {}, max_connections=1, keepalive_s=1)
    assert "closed" in str(await error_of(client))


async def test_a_key_with_a_line_end_never_reaches_the_wire() -> None:
    client = LeanHttpClient(
        "http://127.0.0.1:9", {"Authorization": "Bearer a\r\nX: y"}, max_connections=1, keepalive_s=1
    )
    await client.open()
    assert "control characters" in str(await error_of(client))
    await client.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `upstream.test` and 127.0.0.1 that vouches for itself, with its key."""
    path = tmp_path_factory.mktemp("tls") / "upstream.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    name = ["-subj", "/CN=upstream.test", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    done = subprocess.run(
        [*request, *name, "-keyout", str(path), "-out", f"{path}.crt"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("kind", KINDS)
async def test_tls_is_spoken_and_its_certificate_checked(
    kind: type[Client], certificate: Path, *, trusted: bool
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await request_of(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    ca_file = f"{certificate}.crt" if trusted else ""
    async with raw(serve, context) as url, opened(kind, url, ca_file=ca_file) as client:
        if trusted:
            assert [(await post(client)).body for _ in range(3)] == [b"{}"] * 3
        else:
            error = await error_of(client)
            assert isinstance(error, UnavailableError)
            assert error.never_sent
