import asyncio
import socket
import urllib.error
import urllib.request

import pytest
from aiohttp import web

from gateway.admin.app import AdminServer, as_json
from gateway.admin.settings import AdminSettings
from gateway.service.doors import Door


def server(word: str) -> AdminServer:
    async def tell(_request: web.Request) -> web.Response:
        return as_json(word)

    return AdminServer(AdminSettings(), [web.get("/word", tell)])


async def word(door: Door) -> str:
    host, port = door.addresses[0]

    def ask() -> str:
        url = f"http://{host}:{port}/word"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())

    return await asyncio.to_thread(ask)


async def test_a_server_takes_the_place_of_another_at_the_same_address() -> None:
    door = Door("admin.listen")
    await door.prepare("127.0.0.1:0", server("one"))
    await door.commit()
    address = door.addresses
    await door.prepare("127.0.0.1:0", server("two"))
    await door.commit()
    assert door.addresses == address
    assert await word(door) == '"two"'
    await door.close()


async def test_one_that_is_abandoned_leaves_the_earlier_one_where_it_is() -> None:
    door = Door("admin.listen")
    await door.prepare("127.0.0.1:0", server("one"))
    await door.commit()
    for address in ("127.0.0.1:0", "localhost:0"):
        await door.prepare(address, server("two"))
        await door.abandon()
        assert await word(door) == '"one"'
    await door.close()


async def test_an_address_in_use_is_named_and_changes_nothing() -> None:
    door = Door("admin.listen")
    await door.prepare("127.0.0.1:0", server("one"))
    await door.commit()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"cannot listen on admin\.listen 127\.0\.0\.1:{port}"):
            await door.prepare(f"127.0.0.1:{port}", server("two"))
    assert await word(door) == '"one"'
    await door.close()


async def test_closed_is_closed() -> None:
    door = Door("admin.listen")
    await door.prepare("127.0.0.1:0", server("one"))
    await door.commit()
    ((host, port),) = door.addresses
    await door.close()
    assert door.addresses == []
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, port), 1)
