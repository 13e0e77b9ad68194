import asyncio

import pytest

from gateway.simulator.network import MemoryNetworkLoop, MemoryTransport


class Peer(asyncio.Protocol):
    def __init__(self) -> None:
        self.heard = b""
        self.is_open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, MemoryTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.is_open = False


def on_the_network(scenario: str) -> tuple[Peer, Peer]:
    """Both peers after the scenario, in simulated time."""
    loop = MemoryNetworkLoop()
    near, far = Peer(), Peer()

    async def run() -> None:
        loop.listeners["pbx", 1] = lambda: far
        await loop.create_connection(lambda: near, "pbx", 1)
        near.transport.write(b"one ")
        if scenario == "paused":
            far.transport.pause_reading()
        near.transport.write(b"two")
        await asyncio.sleep(1)
        if scenario == "paused":
            assert (far.heard, far.transport.unread_bytes) == (b"", 7)
            far.transport.resume_reading()
        if scenario == "closed":
            near.transport.close()
            near.transport.write(b" lost")
        await asyncio.sleep(1)

    loop.run_until_complete(run())
    loop.close()
    return near, far


@pytest.mark.parametrize("scenario", ["plain", "paused", "closed"])
def test_bytes_arrive_once_and_in_order(scenario: str) -> None:
    near, far = on_the_network(scenario)
    assert far.heard == b"one two"
    assert near.is_open is far.is_open is (scenario != "closed")


def test_nobody_listening_is_a_refusal_and_the_attempt_is_known() -> None:
    loop = MemoryNetworkLoop()
    with pytest.raises(ConnectionRefusedError):
        loop.run_until_complete(loop.create_connection(Peer, "pbx", 1))
    assert len(loop.attempts) == 1
    loop.close()
