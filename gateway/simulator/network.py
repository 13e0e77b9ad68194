"""A network in memory, for peers in simulated time: an event loop whose connections need no sockets."""

import asyncio
from collections.abc import Callable
from typing import Any

from gateway.simulator.clock import SimulatedTimeLoop

Peer = asyncio.Protocol | asyncio.BufferedProtocol
Factory = Callable[[], Peer]


class MemoryTransport(asyncio.Transport):
    """One end of a connection. What is written arrives in the next turn of the loop, in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop, protocol: Peer, address: str) -> None:
        super().__init__({"peername": (address, 0)})
        self._loop = loop
        self._protocol = protocol
        self._other: MemoryTransport | None = None
        self._unread: list[bytes] = []
        self._reading = True
        self._closed = False

    def join(self, other: "MemoryTransport") -> None:
        """Make this end the other one's peer."""
        self._other = other

    @property
    def unread_bytes(self) -> int:
        """What waits for a reader that paused."""
        return sum(map(len, self._unread))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send."""
        if self._other is not None and not self._closed:
            self._loop.call_soon(self._other.arrive, bytes(data))

    def arrive(self, data: bytes) -> None:
        """Take what the other end sent."""
        if self._closed:
            return
        self._unread.append(data)
        self._deliver()

    def close(self) -> None:
        """End both ends; what is under way still arrives."""
        self._end()
        if self._other is not None:
            self._loop.call_soon(self._other._end)  # noqa: SLF001 - the same class

    def abort(self) -> None:
        """The same as `close`: in memory nothing is under way for long."""
        self.close()

    def is_closing(self) -> bool:
        """Whether the connection has ended."""
        return self._closed

    def pause_reading(self) -> None:
        """Leave what arrives."""
        self._reading = False

    def resume_reading(self) -> None:
        """Read what was left, and on."""
        self._reading = True
        self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        while self._unread and self._reading and not self._closed:
            self._give(self._unread.pop(0))

    def _give(self, data: bytes) -> None:
        if not isinstance(self._protocol, asyncio.BufferedProtocol):
            self._protocol.data_received(data)
            return
        while data:
            buffer = memoryview(self._protocol.get_buffer(len(data)))
            size = min(len(buffer), len(data))
            buffer[:size] = data[:size]
            self._protocol.buffer_updated(size)
            data = data[size:]

    def _end(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.call_soon(self._protocol.connection_lost, None)


class MemoryNetworkLoop(SimulatedTimeLoop):
    """Simulated time, and connections to whoever stands in `listeners` under (host, port)."""

    def __init__(self) -> None:
        super().__init__()
        self.listeners: dict[tuple[str, int], Factory] = {}
        self.attempts: list[float] = []
        """When connections were tried, in simulated time."""

    async def create_connection(self, protocol_factory: Any, *args: Any, **_options: Any) -> Any:
        """Connect to a listener; refused when there is none."""
        host, port = args
        self.attempts.append(self.time())
        listener = self.listeners.get((host, port))
        if listener is None:
            raise ConnectionRefusedError(111, f"Connect call failed {(host, port)}")
        near, far = protocol_factory(), listener()
        near_end, far_end = MemoryTransport(self, near, host), MemoryTransport(self, far, "127.0.0.1")
        near_end.join(far_end)
        far_end.join(near_end)
        near.connection_made(near_end)
        far.connection_made(far_end)
        return near_end, near
