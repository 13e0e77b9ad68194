"""What the kernel says about processes and the machine: CPU used, time waited for a CPU, time stolen.

A process counts with its children, as a server may have workers.
Source: proc(5); `schedstat` holds nanoseconds run and nanoseconds runnable without a CPU.
"""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU time and run-queue wait of a process, its children and all their threads, in seconds."""

    cpu_s: float
    waited_s: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """The usage so far. Raises `FileNotFoundError` when the process is gone."""
        cpu_s = waited_s = 0.0
        for one in tree(pid):
            run_ns = wait_ns = 0
            for thread in Path(f"/proc/{one}/task").iterdir():
                ran, waited = (thread / "schedstat").read_text().split()[:2]
                run_ns += int(ran)
                wait_ns += int(waited)
            cpu_s += run_ns / 1e9 or _ticks_s(one)
            waited_s += wait_ns / 1e9
        return cls(cpu_s, waited_s)

    @classmethod
    def of_self(cls) -> Self:
        """The usage of this process so far."""
        return cls.of(os.getpid())

    def __sub__(self, before: "Usage") -> "Usage":
        return Usage(self.cpu_s - before.cpu_s, self.waited_s - before.waited_s)


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    below: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended just now
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            below.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += below.get(one, [])
    return found


def _ticks_s(pid: int) -> float:
    """CPU time from /proc/PID/stat, for kernels without schedstat; steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def cpu_by_process(pid: int) -> dict[int, float]:
    """Seconds of CPU each process of a tree has used so far."""
    return {one: _ticks_s(one) for one in tree(pid)}


def busy_s() -> float:
    """Seconds all CPUs have spent in programs since the machine booted, without its interrupts."""
    user, nice, system = map(int, Path("/proc/stat").read_text().split()[1:4])
    return (user + nice + system) * _TICK_S


def descriptors(pid: int) -> int:
    """Open files and sockets of a process and all below it."""
    return sum(len(list(Path(f"/proc/{one}/fd").iterdir())) for one in tree(pid))


def stolen_s() -> float:
    """Seconds of CPU the hypervisor has kept from this machine since it booted, all CPUs together."""
    return int(Path("/proc/stat").read_text().splitlines()[0].split()[8]) * _TICK_S


def memory_mb(pid: int) -> float:
    """Proportional set size of a process and all below it, in MB of 1,000,000 bytes."""
    rollups = [Path(f"/proc/{one}/smaps_rollup").read_text() for one in tree(pid)]
    return sum(int(rollup.split("Pss:")[1].split()[0]) for rollup in rollups) * 1024 / 1e6


def pin(pid: int, cpu: int) -> None:
    """Keep a process on one CPU, where the machine has more than one."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) > 1:
        os.sched_setaffinity(pid, {cpus[cpu % len(cpus)]})
