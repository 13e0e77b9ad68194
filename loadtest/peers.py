"""What others would build: the same call on panoramisk, on asyncio streams, and with one shared HTTP session.

Each keeps the numbers it has seen in a cachetools.TTLCache, as the gateway does. The naive way, a new HTTP
session for each call, is naive.py.
"""

import argparse
import asyncio
import ssl
from collections.abc import Awaitable, Callable

import aiohttp
import orjson
import uvloop
from cachetools import TTLCache
from panoramisk import fast_agi

_BACKLOG = 4096
_KNOWN = 200_000
_TTL_S = 3600.0

Find = Callable[[str], Awaitable[str]]
Trust = ssl.SSLContext | bool
"""What aiohttp takes as `ssl`; True trusts the system's authorities."""


def commands(ani: str) -> tuple[str, str]:
    """The two commands of one call."""
    return f'SET VARIABLE CALLERID(num) "{ani}"', 'SET VARIABLE GATEWAY_STATUS "ASSIGNED"'


def trusting(ca_file: str) -> Trust:
    """Trust in the system's authorities and, where one is named, in another."""
    return ssl.create_default_context(cafile=ca_file) if ca_file else True


class Upstream:
    """One tuned aiohttp session for all calls, and a cache before it."""

    def __init__(self, url: str, connections: int, ca_file: str) -> None:
        self._known: TTLCache[str, str] = TTLCache(_KNOWN, _TTL_S)
        self._url = f"{url}/assignment"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=55, ssl=trusting(ca_file)),
            headers={"Authorization": "Bearer bench", "Content-Type": "application/json"},
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def find(self, phone: str) -> str:
        """The number for a phone."""
        known = self._known.get(phone)
        if known is not None:
            return known
        body = orjson.dumps({"prospect_phone": phone, "real_time": True})
        async with self._session.post(self._url, data=body) as response:
            ani: str = orjson.loads(await response.read())["ani"]
        self._known[phone] = ani
        return ani

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()


async def streams(find: Find, port: int) -> asyncio.Server:
    """Asyncio streams: one command, one answer, then the next."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        environment = {}
        while line := (await reader.readline()).decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            environment[name] = value
        for command in commands(await find(environment["agi_arg_1"][-10:])):
            writer.write(f"{command}\n".encode())
            await reader.readline()
        writer.close()

    return await asyncio.start_server(converse, "127.0.0.1", port, backlog=_BACKLOG)


async def panoramisk(find: Find, port: int) -> asyncio.Server:
    """Panoramisk's FastAGI application."""

    async def assign(request: fast_agi.Request) -> None:
        for command in commands(await find(request.headers["agi_arg_1"][-10:])):
            await request.send_command(command)

    application = fast_agi.Application(loop=asyncio.get_running_loop())
    application.add_route("assign", assign)
    return await asyncio.start_server(application.handler, "127.0.0.1", port, backlog=_BACKLOG)


SERVERS = {"streams": streams, "panoramisk": panoramisk}


async def serve(options: argparse.Namespace) -> None:
    """Listen until killed."""
    upstream = Upstream(options.upstream, options.connections, options.ca_file)
    try:
        server = await SERVERS[options.kind](upstream.find, options.port)
        await server.serve_forever()
    finally:
        await upstream.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--ca-file", default="", help="authority to trust, for an upstream that speaks TLS")
    parser.add_argument("--kind", choices=SERVERS, default="streams")
    parser.add_argument("--connections", type=int, default=512)
    uvloop.run(serve(parser.parse_args()))
