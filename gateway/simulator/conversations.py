"""What becomes of simulated calls once they have their number: they ring, are answered or not, and hang up.

The channel stands at the simulated manager meanwhile, and its end is a Hangup event of that manager.
"""

import asyncio
import random
from dataclasses import dataclass, replace

from gateway.model.variables import ANSWEREDTIME, DIALSTATUS, GATEWAY
from gateway.simulator.ami import AmiSimulator
from gateway.simulator.ami_events import AmiChannel
from gateway.simulator.asterisk import CallResult
from gateway.simulator.call import CallRequest

_RING, _UP = 4, 6
_ANSWER = "ANSWER"


@dataclass(frozen=True, slots=True)
class Ending:
    """One way a call goes, and how often: `share` of 1. It lasts `shortest_s` to `longest_s`."""

    dialstatus: str
    share: float
    state: int
    cause: int
    tech_cause: str
    shortest_s: float
    longest_s: float


ENDINGS = (
    Ending(_ANSWER, 0.38, _UP, 16, "", 0.8, 3.0),
    Ending("NOANSWER", 0.40, _RING, 19, "", 2.0, 2.5),
    Ending("BUSY", 0.10, _RING, 17, "486", 0.1, 0.4),
    Ending("CANCEL", 0.07, _RING, 0, "", 0.3, 2.0),
    Ending("CONGESTION", 0.05, _RING, 34, "503", 0.1, 0.3),
)
"""A mix as cold calls have it, a tenth as long; states and causes as Asterisk 22.10 tells them."""


class Conversations:
    """The calls that are up at `pbx`. Equal seeds end equal calls equally.

    Belongs to the running loop; call `hang_up_all` before the end.
    """

    def __init__(self, pbx: AmiSimulator, *, seed: int = 1) -> None:
        self._pbx = pbx
        self._chance = random.Random(seed)  # noqa: S311 - a mix of calls needs no secrecy
        self._up: dict[str, _Conversation] = {}
        self.assigned_ended = 0
        """Calls with a number of the gateway's that have ended: each must become one record."""

    def begin(self, request: CallRequest, result: CallResult) -> None:
        """A call that has had its AGI step goes on. `request` must name its uniqueid."""
        (ending,) = self._chance.choices(ENDINGS, [one.share for one in ENDINGS])
        lasts_s = self._chance.uniform(ending.shortest_s, ending.longest_s)
        loop = asyncio.get_running_loop()
        channel = AmiChannel(request.uniqueid, request.channel, dict(result.variables), state=_RING)
        self._pbx.place(channel)
        timer = loop.call_later(lasts_s, self._end, request.uniqueid)
        self._up[request.uniqueid] = _Conversation(channel, ending, loop.time(), timer)

    def hang_up_all(self) -> None:
        """End every call now, each in the way it would have gone."""
        for uniqueid in list(self._up):
            self._end(uniqueid)

    def _end(self, uniqueid: str) -> None:
        conversation = self._up.pop(uniqueid)
        conversation.timer.cancel()
        lasted_s = asyncio.get_running_loop().time() - conversation.began_at
        self._pbx.place(conversation.ended(lasted_s))
        self._pbx.hang_up(uniqueid)
        self.assigned_ended += bool(conversation.channel.variables.get(GATEWAY))


@dataclass(frozen=True, slots=True)
class _Conversation:
    channel: AmiChannel
    ending: Ending
    began_at: float
    timer: asyncio.TimerHandle

    def ended(self, lasted_s: float) -> AmiChannel:
        """The channel as it ends."""
        variables = {**self.channel.variables, DIALSTATUS: self.ending.dialstatus}
        if self.ending.dialstatus == _ANSWER:
            variables[ANSWEREDTIME] = str(int(lasted_s))
        return replace(
            self.channel,
            variables=variables,
            state=self.ending.state,
            cause=self.ending.cause,
            tech_cause=self.ending.tech_cause,
        )
