"""The floor: a bare uvloop protocol that answers every call without parsing it.

It waits for the empty line, answers a fixed number, and reads to the end. No server in Python can do less and
still hold the conversation. `--turns` sends one command at a time, not both in one write with a half-close.
"""

import argparse
import asyncio

import uvloop

NUMBER = b'SET VARIABLE CALLERID(num) "5550001111"\n'
STATUS = b'SET VARIABLE GATEWAY_STATUS "ASSIGNED"\n'


class OneTrip(asyncio.Protocol):
    """Both commands in one write, half-close, then to the end: the way the gateway answers."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A call."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP gives this one
        self.answered = False

    def data_received(self, data: bytes) -> None:
        """Environment, or answers; the environment ends with an empty line."""
        if not self.answered and data.endswith(b"\n\n"):
            self.answered = True
            self.transport.write(NUMBER + STATUS)
            self.transport.write_eof()
        elif not self.answered and data == b"\n":
            self.data_received(b"\n\n")


class Turns(asyncio.Protocol):
    """One command, its answer, the next command, its answer, close."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A call."""
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # TCP gives this one
        self.answers = -1

    def data_received(self, data: bytes) -> None:
        """Environment or an answer; each calls for the next step."""
        if self.answers < 0:
            if data.endswith(b"\n\n") or data == b"\n":
                self.answers = 0
                self.transport.write(NUMBER)
            return
        self.answers += 1
        if self.answers == 1:
            self.transport.write(STATUS)
        else:
            self.transport.close()


async def serve(port: int, protocol: type[asyncio.Protocol]) -> None:
    """Listen until killed."""
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--turns", action="store_true")
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.port, Turns if arguments.turns else OneTrip))
