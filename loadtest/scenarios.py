"""What a load looks like over its time, and when the upstream fails: tables, and nothing that runs.

Times are shares of the run, levels are shares of `--calls-per-s`: a scenario fits any length and size.
"""

from bisect import bisect_right
from dataclasses import dataclass

from gateway.simulator.upstream_answers import Fault

_HOURS = (0.02, 0.02, 0.02, 0.02, 0.03, 0.05, 0.1, 0.3, 0.7, 0.95, 1.0, 0.9)
_MORE_HOURS = (0.6, 0.75, 0.9, 0.95, 1.0, 0.9, 0.7, 0.5, 0.3, 0.15, 0.05, 0.03)
"""A day of dialling: nobody is called at night, everybody before and after lunch."""
_SOAK_EPISODES = 10
_SOAK_FAULT_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Scenario:
    """`levels` and `faults` hold (from when on, what), the first from 0."""

    name: str
    what: str
    levels: tuple[tuple[float, float], ...]
    faults: tuple[tuple[float, Fault], ...] = ((0.0, Fault.NONE),)

    def level(self, at: float) -> float:
        """The share of the calls at a share of the time."""
        return self.levels[bisect_right(self.levels, at, key=_start) - 1][1]


def _start(step: tuple[float, object]) -> float:
    return step[0]


def _soak_faults() -> tuple[tuple[float, Fault], ...]:
    """Short outages, evenly spread, 1 % of the time together."""
    steps = [(0.0, Fault.NONE)]
    for number in range(_SOAK_EPISODES):
        begins = (number + 0.5) / _SOAK_EPISODES
        steps += [(begins, Fault.UNAVAILABLE), (begins + _SOAK_FAULT_SHARE / _SOAK_EPISODES, Fault.NONE)]
    return tuple(steps)


SCENARIOS = {
    one.name: one
    for one in (
        Scenario(
            "campaign-start",
            "every agent goes ready at once, then the dialler settles",
            ((0.0, 1.0), (0.3, 0.6), (0.6, 0.3)),
        ),
        Scenario(
            "steady-day",
            "24 hours of dialling in the time of the run",
            tuple((hour / 24, level) for hour, level in enumerate(_HOURS + _MORE_HOURS)),
        ),
        Scenario(
            "sick-upstream",
            "the upstream turns slow, fails, falls silent, breaks connections, and recovers",
            ((0.0, 1.0),),
            (
                (0.0, Fault.NONE),
                (0.15, Fault.SLOW),
                (0.3, Fault.UNAVAILABLE),
                (0.4, Fault.RATE_LIMITED_SECONDS),
                (0.5, Fault.SILENT),
                (0.6, Fault.RESET),
                (0.7, Fault.MALFORMED),
                (0.8, Fault.NONE),
            ),
        ),
        Scenario("soak", "the same load on and on, 1 % of it in an outage", ((0.0, 1.0),), _soak_faults()),
    )
}
FREE = "free"
"""No scenario: users, spawn rate and time are locust's own options or what the web page says."""
