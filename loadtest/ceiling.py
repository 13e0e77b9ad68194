"""How near this locust process came to its own limit: beyond it, locust is what is measured.

A gevent user that holds a FastAGI conversation makes some thousand sessions a second on one core, however
fast the server is. `locust_ceiling.py` measures how many, by the CPU time of a session: unlike the rate that
is reached, it hardly changes when other work shares the machine.
"""

from dataclasses import dataclass

NEAR = 0.7
"""From this share of the ceiling or of a core on, a run is marked: queues in locust grow well before 1."""
_SHORTEST_S = 0.2
"""Rates over less than this would be chance: the last note may follow the one before at once."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a watch saw of one process."""

    placed: int
    """Calls begun."""
    cpu_us: float
    """CPU time of one call, the first second left out: starting the users is no part of it. 0: no calls."""
    peak_rate: float
    """Calls of the busiest second."""
    peak_busy: float
    """Share of the busiest second in which it ran or waited for a CPU."""
    waited: float
    """Share of the whole time in which it waited for a CPU: other work had it."""


class Watch:
    """Feed it totals about once a second, the first of them at the start."""

    def __init__(self) -> None:
        self._notes: list[_Note] = []  # the first, the second, the last
        self._peak_rate = 0.0
        self._peak_busy = 0.0

    def note(self, now: float, placed: int, *, cpu_s: float, waited_s: float) -> None:
        """So many calls placed, so much CPU used and waited for by `now`, in seconds on any one clock."""
        new = _Note(now, placed, cpu_s, waited_s)
        if self._notes:
            last = self._notes[-1]
            took_s = max(now - last.at, _SHORTEST_S)
            self._peak_rate = max(self._peak_rate, (placed - last.placed) / took_s)
            busy_s = cpu_s - last.cpu_s + waited_s - last.waited_s
            self._peak_busy = max(self._peak_busy, busy_s / took_s)
        self._notes = [*self._notes[:2], new]

    def seen(self) -> Seen:
        """Everything up to now; needs one note."""
        first, settled, last = self._notes[0], self._notes[:2][-1], self._notes[-1]
        counted = last.placed - settled.placed
        return Seen(
            placed=last.placed - first.placed,
            cpu_us=(last.cpu_s - settled.cpu_s) * 1e6 / counted if counted else 0.0,
            peak_rate=self._peak_rate,
            peak_busy=min(1.0, self._peak_busy),
            waited=(last.waited_s - first.waited_s) / max(last.at - first.at, _SHORTEST_S),
        )


@dataclass(frozen=True, slots=True)
class _Note:
    at: float
    placed: int
    cpu_s: float
    waited_s: float


def before(ceiling: float | None) -> list[str]:
    """What to say at the start. `ceiling` is sessions/s a core; `None` when it was not measured."""
    limit = (
        f"locust makes about {ceiling:,.0f} sessions/s a core on this machine"
        if ceiling
        else "locust's ceiling is unknown here (locust_ceiling.py); expect some thousand sessions/s a core"
    )
    return [
        f"{limit}: more is locust's limit, not the gateway's.",
        "Its response times hold its own queues: they are not the gateway's.",
    ]


def after(seen: Seen, ceiling: float | None) -> list[str]:
    """What to say at the end, with a warning where one is due."""
    of_ceiling = f" ({seen.peak_rate / ceiling:.0%} of its ceiling)" if ceiling else ""
    busiest = f"{seen.peak_rate:,.0f} sessions/s{of_ceiling}, {seen.peak_busy:.0%} of a core taken or wanted"
    lines = [
        f"locust's busiest second: {busiest}.",
        f"A session took {seen.cpu_us:.0f} µs of its CPU; it waited for a CPU {seen.waited:.0%} of the time.",
    ]
    if is_near(seen, ceiling):
        lines += [
            f"WARNING: locust came near its own limit ({NEAR:.0%} or more): its rate and its times say",
            "nothing about the gateway. Use fewer calls/s, more processes, or an idle machine.",
        ]
    return lines


def is_near(seen: Seen, ceiling: float | None) -> bool:
    """Whether the run says more about locust than about the gateway."""
    return seen.peak_busy >= NEAR or (ceiling is not None and seen.peak_rate >= NEAR * ceiling)
