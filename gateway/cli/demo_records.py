"""The reporting half of the demo in figures: from the calls that ended to the records that arrived."""

from dataclasses import dataclass
from typing import Self

from gateway.model.delivery import Stored
from gateway.service.wiring import Gateway
from gateway.simulator.upstream import UpstreamSimulator


@dataclass(frozen=True, slots=True)
class Records:
    """What became of the calls that ended."""

    call_ends: int = 0
    """Calls with a number of ours that Asterisk has told the end of."""
    made: int = 0
    """Records on disk so far, wherever they are now."""
    delivered: int = 0
    dead: int = 0
    duplicates: int = 0
    """Records that reached the upstream again."""
    link: str = ""
    """How the AMI link stands, in words."""

    @classmethod
    def of(cls, gateway: Gateway, upstream: UpstreamSimulator, *, call_ends: int) -> Self:
        """The figures of this moment, of a gateway with one target and a spool that was empty at first."""
        dials = gateway.metrics.dials
        target = dials.target("outboundiq")
        links = gateway.reporting.links if gateway.reporting else []
        return cls(
            call_ends=call_ends,
            made=dials.stored[Stored.NEW],
            delivered=target.delivered_total,
            dead=target.dead_total,
            duplicates=upstream.dials.repeats,
            link=", ".join(link.reason or link.state.value for link in links),
        )

    @property
    def waiting(self) -> int:
        """Records that the upstream does not have yet."""
        return self.made - self.delivered - self.dead

    @property
    def are_complete(self) -> bool:
        """Whether every call that ended is a record, and every record has arrived or is a dead letter."""
        return self.made == self.call_ends and self.waiting == 0

    @property
    def are_right(self) -> bool:
        """Whether each call that ended has arrived as one record."""
        return self.call_ends == self.made == self.delivered and not self.duplicates
