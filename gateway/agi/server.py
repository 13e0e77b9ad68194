"""The FastAGI listeners: who may come in, how many, how long, and how it all ends."""

import asyncio
import ipaddress
import logging
import socket
from collections import Counter
from collections.abc import Mapping

from gateway.agi.protocol import AgiProtocol
from gateway.agi.settings import AgiSettings
from gateway.agi.verbs.base import Verb
from gateway.assignment.deadlines import Deadlines
from gateway.telemetry.logs import Throttle
from gateway.telemetry.metrics import SessionMetrics

log = logging.getLogger(__name__)

_BACKLOG = 4096  # the default of 100 loses SYNs, and a second of each call, when 500 calls start together
_REFUSE_FACTOR = 2  # past twice the cap even a polite answer is too much
_MAX_KNOWN_PEERS = 10_000
_DRAIN_GRACE_S = 0.1  # an environment follows its connection within milliseconds


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
        self._networks = [ipaddress.ip_network(network, strict=False) for network in settings.allow]
        self._known_peers: dict[str, bool] = {}
        self._per_peer: Counter[str] = Counter()
        self._refusals = Throttle(log, most=1)
        self._environments: Deadlines[AgiProtocol] = Deadlines(
            loop, settings.environment_timeout_s, AgiProtocol.expire
        )
        self._sessions: Deadlines[AgiProtocol] = Deadlines(
            loop, settings.session_timeout_s, AgiProtocol.expire
        )
        self._loop = loop
        self._servers: list[asyncio.Server] = []
        self._connections: set[AgiProtocol] = set()
        self._all_left = asyncio.Event()

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens: (host, port), in the order of the settings."""
        return [one.getsockname()[:2] for server in self._servers for one in server.sockets]

    async def start(self) -> None:
        """Listen. Raises `OSError` naming the address that cannot be had; then none stays open."""
        try:
            for address in self.settings.listen:
                self._servers.append(await self._listen(address))
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Take no more connections, let those under way finish, at most `drain_timeout_s`; then leave."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        if self._connections:
            await self._drain()
        self._environments.close()
        self._sessions.close()

    async def _drain(self) -> None:
        self._all_left.clear()
        try:
            async with asyncio.timeout(self.settings.drain_timeout_s):
                await asyncio.sleep(_DRAIN_GRACE_S)
                for connection in tuple(self._connections):
                    connection.drain()
                await self._all_left.wait()
        except TimeoutError:
            log.warning("%d sessions did not end in time and are cut", len(self._connections))
            for connection in tuple(self._connections):
                connection.expire()

    # Called by the connections

    def admit(self, connection: AgiProtocol, peer: str) -> bool | None:
        """Whether the peer's call is looked at; `False`: answered "overloaded"; `None`: closed at once."""
        metrics, settings = self.metrics, self.settings
        metrics.opened += 1
        metrics.open += 1
        self._connections.add(connection)
        self._per_peer[peer] += 1
        if not self._is_allowed(peer):
            metrics.refused_peers += 1
            self._refusals.warning("closed a connection from %s: not in agi.allow", peer)
            return None
        if metrics.open > settings.max_connections * _REFUSE_FACTOR:
            metrics.overloaded += 1
            return None
        self._environments.watch(connection)
        if (
            metrics.open > settings.max_connections
            or self._per_peer[peer] > settings.max_connections_per_peer
        ):
            metrics.overloaded += 1
            self._refusals.warning(
                "%d open sessions, %d of %s: too many", metrics.open, self._per_peer[peer], peer
            )
            return False
        return True

    def request_began(self, connection: AgiProtocol) -> None:
        """The environment is complete: from now on the session's own time runs."""
        self.metrics.requests += 1
        self._environments.forget(connection)
        self._sessions.watch(connection)

    def leave(self, connection: AgiProtocol, peer: str) -> None:
        """The connection is over."""
        self._environments.forget(connection)
        self._sessions.forget(connection)
        self._connections.discard(connection)
        self.metrics.open -= 1
        self._per_peer[peer] -= 1
        if self._per_peer[peer] <= 0:
            del self._per_peer[peer]
        if not self._connections:
            self._all_left.set()

    def _is_allowed(self, peer: str) -> bool:
        allowed = self._known_peers.get(peer)
        if allowed is None:
            allowed = self._is_in_networks(peer)
            if len(self._known_peers) >= _MAX_KNOWN_PEERS:
                self._known_peers.clear()
            self._known_peers[peer] = allowed
        return allowed

    def _is_in_networks(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer.partition("%")[0])
        except ValueError:  # gone before its address could be read
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)

    async def _listen(self, address: str) -> asyncio.Server:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        try:
            return await self._loop.create_server(
                lambda: AgiProtocol(self), host, int(port), backlog=_BACKLOG, reuse_address=True
            )
        except (OSError, socket.gaierror) as error:
            raise OSError(f"cannot listen on agi.listen {address}: {error.strerror or error}") from error
