"""The FastAGI listeners: who may come in, how many, how long, and how it all ends."""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Iterable, Mapping, Sequence

from gateway.agi.protocol import AgiProtocol
from gateway.agi.settings import AgiSettings
from gateway.agi.verbs.base import Verb
from gateway.assignment.deadlines import Deadlines
from gateway.model.address import split_address
from gateway.telemetry.logs import Throttle
from gateway.telemetry.metrics import SessionMetrics

log = logging.getLogger(__name__)

_BACKLOG = 4096  # the default of 100 loses SYNs, and a second of each call, when 500 calls start together
_REFUSE_FACTOR = 2  # past twice the cap even a polite answer is too much
_MAX_KNOWN_PEERS = 10_000
_ACCEPT_TURNS = 3  # an accepted connection is known one turn of the loop later
_DRAIN_GRACE_S = 0.1  # an environment follows its connection within milliseconds


class Peer:
    """One address that connects to us."""

    __slots__ = ("address", "is_allowed", "open")

    def __init__(self, address: str, *, is_allowed: bool) -> None:
        self.address = address
        self.is_allowed = is_allowed
        self.open = 0


class AgiServer:
    """Accepts Asterisk's connections on all configured addresses."""

    def __init__(
        self,
        settings: AgiSettings,
        verbs: Mapping[str, Verb],
        metrics: SessionMetrics,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.settings = settings
        self.verbs = verbs
        self.metrics = metrics
        self._loop = loop
        self._networks = [ipaddress.ip_network(network, strict=False) for network in settings.allow]
        self._peers: dict[str, Peer] = {}
        self._refusals = Throttle(log, most=1)
        self.environments: Deadlines[AgiProtocol] = Deadlines(
            loop, settings.environment_timeout_s, AgiProtocol.expire
        )
        self.sessions: Deadlines[AgiProtocol] = Deadlines(
            loop, settings.session_timeout_s, AgiProtocol.expire
        )
        """Every admitted connection is watched by the first until its request is complete, then by this."""
        self._servers: list[asyncio.Server] = []
        self._open = 0
        """Connections of this server; the metrics may count those of a predecessor and a successor too."""
        self._all_left = asyncio.Event()

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens: (host, port), in the order of the settings."""
        return [one.getsockname()[:2] for server in self._servers for one in server.sockets]

    async def start(self, sockets: Sequence[socket.socket] = ()) -> None:
        """Listen at the addresses of the settings, or with these sockets instead, which listen already.

        Raises `OSError` naming the address that cannot be had; then none stays open.
        """
        try:
            if sockets:
                await self.accept_from(sockets)
                return
            for address in self.settings.listen:
                self._servers.append(await self._listen(address))
        except OSError:
            await self.stop()
            raise

    async def accept_from(self, sockets: Iterable[socket.socket]) -> list[asyncio.Server]:
        """Take connections from these listening sockets too, which are ours from now on.

        Their kernel queues live on after us as long as another process has them open too.
        """
        servers = [
            await self._loop.create_server(lambda: AgiProtocol(self), sock=sock, backlog=_BACKLOG)
            for sock in sockets
        ]
        self._servers += servers
        return servers

    def lend(self) -> list[socket.socket]:
        """Its listening sockets once more, for a successor to `start` with while this one stops."""
        return [one.dup() for server in self._servers for one in server.sockets]

    def cease(self, servers: Iterable[asyncio.Server]) -> None:
        """Take no more connections from these, which `accept_from` returned."""
        for server in servers:
            server.close()
            self._servers.remove(server)

    async def stop(self, *, patient: bool = False) -> None:
        """Take no more connections, let those under way finish, at most `drain_timeout_s`; then leave.

        One that has sent nothing yet is closed soon, for somebody may hold it open for nothing; `patient`
        gives it all its time.
        """
        self.cease(list(self._servers))
        for _ in range(_ACCEPT_TURNS):
            await asyncio.sleep(0)
        if self._open:
            await self._drain(patient=patient)
        self.environments.close()
        self.sessions.close()

    async def _drain(self, *, patient: bool) -> None:
        self._all_left.clear()
        try:
            async with asyncio.timeout(self.settings.drain_timeout_s):
                await asyncio.sleep(_DRAIN_GRACE_S)
                for connection in () if patient else self.environments.waiting():
                    connection.drain()
                if self._open:
                    await self._all_left.wait()
        except TimeoutError:
            log.warning("%d sessions did not end in time and are cut", self._open)
            for connection in self.environments.waiting() + self.sessions.waiting():
                connection.expire()

    # Called by the connections

    def admit(self, connection: AgiProtocol, address: str) -> tuple[Peer, bool | None]:
        """Whether the peer's call is looked at; `False`: answered "overloaded"; `None`: closed at once."""
        metrics, settings = self.metrics, self.settings
        peer = self._peers.get(address) or self._first_seen(address)
        peer.open += 1
        self._open += 1
        metrics.opened += 1
        metrics.open += 1
        if not peer.is_allowed:
            metrics.refused_peers += 1
            self._refusals.warning("closed a connection from %s: not in agi.allow", address)
            return peer, None
        if self._open > settings.max_connections * _REFUSE_FACTOR:
            metrics.overloaded += 1
            return peer, None
        self.environments.watch(connection)
        if self._open > settings.max_connections or peer.open > settings.max_connections_per_peer:
            metrics.overloaded += 1
            self._refusals.warning("%d open sessions, %d of %s: too many", self._open, peer.open, address)
            return peer, False
        return peer, True

    def leave(self, connection: AgiProtocol, peer: Peer) -> None:
        """A connection of this peer is over."""
        self.environments.release(connection)
        self.sessions.release(connection)
        peer.open -= 1
        self._open -= 1
        self.metrics.open -= 1
        if not self._open:
            self._all_left.set()

    def _first_seen(self, address: str) -> Peer:
        if len(self._peers) >= _MAX_KNOWN_PEERS:
            self._peers = {known: peer for known, peer in self._peers.items() if peer.open}
        peer = self._peers[address] = Peer(address, is_allowed=self._is_in_networks(address))
        return peer

    def _is_in_networks(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:  # gone before its address could be read
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)

    async def _listen(self, address: str) -> asyncio.Server:
        host, port = split_address(address)
        try:
            return await self._loop.create_server(
                lambda: AgiProtocol(self), host, port, backlog=_BACKLOG, reuse_address=True
            )
        except (OSError, socket.gaierror) as error:
            raise OSError(f"cannot listen on agi.listen {address}: {error.strerror or error}") from error
