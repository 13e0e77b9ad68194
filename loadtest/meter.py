"""What a measurement cost, and how much other work on the machine was in its way."""

import os
import time

from proc import Usage, busy_s, cpu_by_process, stolen_s
from sample import Sample

MAX_WAITED = 0.1
MAX_STOLEN = 0.02


class Meter:
    """Runs from its making to `stop`, and reads the server's and the machine's clocks."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._stolen_s = stolen_s()
        self._at = time.monotonic()
        self._before = Usage.of(pid)
        self.used = Usage(0.0, 0.0)
        self.seconds = 0.0
        self._others: float | None = None
        self._busier = 0.0

    def stop(self, sharing: "Sharing | None" = None) -> None:
        """Read the clocks again; `sharing` where server and generator share their CPUs."""
        if sharing is not None:
            self._others, self._busier = sharing.others(), sharing.busier()
        self.used = Usage.of(self._pid) - self._before
        self.seconds = time.monotonic() - self._at
        self._stolen_s = stolen_s() - self._stolen_s

    def note(self, sample: Sample, *, generator_waited: float) -> None:
        """Write down how much the rest of the machine was in the way.

        Server and generator that share their CPUs are meant to wait: there, what others used counts.
        """
        sample.server_waited = self.used.waited_s / self.seconds
        sample.generator_waited = generator_waited
        sample.stolen = self._stolen_s / self.seconds
        in_the_way = max(sample.server_waited, generator_waited)
        if self._others is not None:
            in_the_way = sample.others = self._others
            sample.busier = self._busier
        sample.spoilt = in_the_way > MAX_WAITED or sample.stolen > MAX_STOLEN


class Sharing:
    """The CPUs of the machine from its making on: how they were shared, where nothing is pinned."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._at = time.monotonic()
        self._busy_s = busy_s()
        self._ours_s = _ours_s()
        self._workers_s = cpu_by_process(server)

    def others(self) -> float:
        """How many CPUs were used by processes that are not the benchmark's."""
        passed_s = time.monotonic() - self._at
        return max(0.0, busy_s() - self._busy_s - (_ours_s() - self._ours_s)) / passed_s

    def busier(self) -> float:
        """The share of the busier one in what the server's two busiest processes have used."""
        now = cpu_by_process(self._server)
        used = sorted(now[pid] - self._workers_s.get(pid, 0.0) for pid in now)[-2:]
        return used[-1] / sum(used) if sum(used) else 0.0


def _ours_s() -> float:
    """CPU time of this process and all it has started that still run."""
    return sum(cpu_by_process(os.getpid()).values())
