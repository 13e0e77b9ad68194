import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from gateway.admin.app import AdminServer, BadRequestError, as_json
from gateway.admin.health import health_routes
from gateway.admin.settings import AdminSettings, is_loopback

Ask = Callable[..., Awaitable[tuple[int, object]]]


async def _echo(request: web.Request) -> web.Response:
    body = await request.read()
    if body == b"bad":
        raise BadRequestError("send something good")
    if body == b"fault":
        raise ZeroDivisionError
    return as_json({"read": len(body)})


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Ask]]]:
    """Starts a listener with a route of the test's own; answers requests to it."""
    servers: list[AdminServer] = []
    async with aiohttp.ClientSession() as session:

        async def start(token: str = "") -> Ask:
            settings = AdminSettings(listen="127.0.0.1:0", token=token, max_body_bytes=1_024)
            server = AdminServer(settings, [*health_routes(), web.post("/echo", _echo)])
            servers.append(server)
            await server.start()
            assert server.address is not None
            host, port = server.address

            async def ask(method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, object]:
                url = f"http://{host}:{port}{path}"
                async with session.request(method, url, data=body, headers=headers) as reply:
                    return reply.status, await reply.json()

            return ask

        yield start
        for server in servers:
            await server.stop()


Serve = Callable[..., Awaitable[Ask]]


async def test_health_needs_no_token(serve: Serve) -> None:
    ask = await serve(token="made-up")
    assert await ask("GET", "/healthz") == (200, {"status": "ok"})


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer other"}, {"Authorization": "Basic made-up"}])
async def test_everything_else_needs_the_token(serve: Serve, given: dict[str, str]) -> None:
    ask = await serve(token="made-up")
    status, body = await ask("POST", "/echo", **given)
    assert status == 401
    assert "admin.token" in str(body)


async def test_the_token_opens(serve: Serve) -> None:
    ask = await serve(token="made-up")
    assert await ask("POST", "/echo", b"12", Authorization="Bearer made-up") == (200, {"read": 2})


async def test_without_a_token_only_loopback_names_are_answered(serve: Serve) -> None:
    """A page whose name points here by DNS still asks by its name."""
    ask = await serve()
    assert (await ask("POST", "/echo"))[0] == 200
    assert (await ask("POST", "/echo", Host="localhost:4580"))[0] == 200
    assert (await ask("POST", "/echo", Host="rebound.example"))[0] == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/echo", b"bad", 400),
        ("GET", "/none", b"", 404),
        ("GET", "/echo", b"", 405),
        ("POST", "/echo", b"x" * 2_000, 413),
    ],
)
async def test_every_error_is_json(serve: Serve, method: str, path: str, body: bytes, status: int) -> None:
    ask = await serve()
    answered, error = await ask(method, path, body)
    assert answered == status
    assert isinstance(error, dict)
    assert error["error"]


async def test_a_fault_of_ours_ends_one_request_only(serve: Serve) -> None:
    ask = await serve()
    assert (await ask("POST", "/echo", b"fault"))[0] == 500
    assert (await ask("POST", "/echo"))[0] == 200


async def test_stop_closes_and_may_be_called_twice() -> None:
    server = AdminServer(AdminSettings(listen="127.0.0.1:0"), health_routes())
    await server.start()
    assert server.address is not None
    host, port = server.address
    await server.stop()
    await server.stop()
    with pytest.raises(OSError, match=r"refused|failed"):
        await asyncio.open_connection(host, port)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("[::]", False),
        ("10.0.0.1", False),
        ("gateway.example", False),
        ("", False),
    ],
)
def test_what_is_loopback(host: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert is_loopback(host) is expected
