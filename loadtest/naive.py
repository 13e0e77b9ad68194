"""The usual first version: streams, one command at a time, and a new HTTP session for every call."""

import argparse
import asyncio
import re

import aiohttp
import uvloop
from peers import Trust, trusting

_PHONE = re.compile(rb"agi_arg_1: 1?([0-9]{10})\n")


async def converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: str, tls: Trust
) -> None:
    """One call."""
    environment = await reader.readuntil(b"\n\n")
    match = _PHONE.search(environment)
    phone = match[1].decode() if match else ""
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Bearer bench"}) as session,
        session.post(f"{upstream}/assignment", json={"prospect_phone": phone}, ssl=tls) as response,
    ):
        ani = (await response.json())["ani"]
    for command in (f'SET VARIABLE CALLERID(num) "{ani}"\n', 'SET VARIABLE GATEWAY_STATUS "ASSIGNED"\n'):
        writer.write(command.encode())
        await reader.readline()
    writer.close()


async def serve(port: int, upstream: str, tls: Trust) -> None:
    """Listen until killed."""
    server = await asyncio.start_server(
        lambda reader, writer: converse(reader, writer, upstream, tls), "127.0.0.1", port, backlog=4096
    )
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--ca-file", default="", help="authority to trust, for an upstream that speaks TLS")
    arguments = parser.parse_args()
    # Made once: reading the authorities for each call would take longer than the call.
    uvloop.run(serve(arguments.port, arguments.upstream, trusting(arguments.ca_file)))
