"""The AMI links of all PBXes, and how they change while calls go on.

A link whose settings changed gets a successor first: both listen until it is up, so that no event falls
between them. What both hear is one record, by its `dial_id`.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from gateway.ami.link import AmiLink
from gateway.ami.settings import AmiSettings
from gateway.model.dial import CallEnd
from gateway.model.variables import CallState
from gateway.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

_OVERLAP_S = 5.0
"""Longest wait for a successor to be up; one that cannot connect must not keep the earlier link for ever."""


class AmiLinks:
    """Make it with the first settings, then `start`, `change` as often as needed, `stop`."""

    def __init__(
        self, settings: Mapping[str, AmiSettings], on_end: Callable[[CallEnd], None], metrics: Metrics
    ) -> None:
        self._on_end = on_end
        self._metrics = metrics
        self._settings = dict(settings)
        self._links = {name: self._link(name, one) for name, one in settings.items()}
        self._leaving: list[AmiLink] = []

    @property
    def all(self) -> list[AmiLink]:
        """Those in force, in the order of the settings."""
        return list(self._links.values())

    @property
    def faults(self) -> dict[str, str]:
        """Why a link is not up, in words, by `ami.NAME`; empty when all are."""
        return {f"ami.{link.name}": link.reason for link in self.all if link.reason}

    def start(self) -> None:
        """Begin to listen. Raises `ValueError` or `OSError` for settings that cannot work."""
        for link in self.all:
            link.start()

    def note_assigned(self, peer: str, state: CallState, uniqueid: str) -> None:
        """A call of the PBX at `peer` has its answer."""
        for link in self._links.values():
            if link.peer_host == peer:
                link.note_open(state, uniqueid)

    async def prepare(self, settings: Mapping[str, AmiSettings]) -> "Change":
        """Start the links that `settings` bring, beside those in force.

        Raises `ValueError` or `OSError` for settings that cannot work; then nothing has changed.
        """
        links, started = dict[str, AmiLink](), list[AmiLink]()
        try:
            for name, one in settings.items():
                earlier = self._links.get(name)
                if earlier is not None and self._settings[name] == one:
                    links[name] = earlier
                    continue
                links[name] = link = self._link(name, one)
                started.append(link)
                if earlier is not None and self._settings[name].address == one.address:
                    link.succeed(earlier)
                link.start()
        except BaseException:
            await _stop(started)
            raise
        return Change(dict(settings), links, started)

    async def commit(self, change: "Change") -> None:
        """Go by `change`: the links it leaves out or replaces end, once their successors are up."""
        leaving = [link for name, link in self._links.items() if change.links.get(name) is not link]
        self._settings, self._links = change.settings, change.links
        self._leaving += leaving
        if leaving and change.started:
            await _are_up(change.started)
        await _stop(leaving)
        self._leaving = [link for link in self._leaving if link not in leaving]

    async def stop(self) -> None:
        """Hear no more. Safe to call twice, and in the middle of a change."""
        await _stop([*self.all, *self._leaving])

    def _link(self, name: str, settings: AmiSettings) -> AmiLink:
        return AmiLink(name, settings, self._on_end, self._metrics.ami_link(name))


class Change:
    """Links that are prepared: commit to it, or `abandon` it."""

    def __init__(
        self, settings: dict[str, AmiSettings], links: dict[str, AmiLink], started: Sequence[AmiLink]
    ) -> None:
        self.settings = settings
        self.links = links
        self.started = started

    async def abandon(self) -> None:
        """End what was started."""
        await _stop(self.started)


async def _are_up(links: Sequence[AmiLink]) -> None:
    try:
        async with asyncio.timeout(_OVERLAP_S):
            for link in links:
                await link.came_up.wait()
    except TimeoutError:
        names = ", ".join(link.name for link in links if not link.came_up.is_set())
        log.warning("AMI links not up within %.0f s of their change: %s", _OVERLAP_S, names)


async def _stop(links: Sequence[AmiLink]) -> None:
    for link in links:
        await link.stop()
