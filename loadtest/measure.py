"""One measurement: a load on a server, and what it cost. A function for each kind of section."""

import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from load_process import LoadError, load_process
from meter import Meter, Sharing
from pbx import EVENTS_PER_CALL
from proc import descriptors, memory_mb
from processes import free_port
from sample import Sample, Section
from servers import SETTLE_S, Server, running
from stub_process import Stub

NOT_A_HIT = "not a hit"
_MIB = 1024 * 1024 / 1e6
_PER_SESSIONS = 10_000
_WAITING_S = 1.0
"""After the last request was sent, until the server has taken it in."""
_ACCEPTED_S = 15.0
_DELIVERED_S = 60.0
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs, and the upstream it asks."""

    server: Server
    pid: int
    port: int
    stub: Stub


def measure_calls(section: Section, place: Running, *, seconds: float, offset: int) -> Sample:
    """Calls, closed loop, open loop or burst."""
    with load_process("generator.py", _options(section, place, seconds=seconds, offset=offset)) as load:
        load.expect("ready")
        before, meter = place.stub.counters(), Meter(place.pid)
        sharing = Sharing(place.pid) if place.server.cpus > 1 else None
        load.go_on()
        seen = load.result()
        meter.stop(sharing)
    return _sample(section, place, seen, before, meter)


def measure_sessions(section: Section, place: Running, *, seconds: float, offset: int) -> Sample:
    """The memory of open sessions; then they are all served, to see that they were real."""
    idle_mb, idle_descriptors = memory_mb(place.pid), descriptors(place.pid)
    options = _options(section, place, seconds=seconds, offset=offset)
    with load_process("generator.py", options) as load:
        load.expect("ready")
        before, meter = place.stub.counters(), Meter(place.pid)
        load.go_on()
        load.expect("open")
        missing = _not_open(place.pid, idle_descriptors + int(section.load["burst"]))
        time.sleep(_WAITING_S)
        held_mb = memory_mb(place.pid)
        load.go_on()
        seen = load.result()
        meter.stop()
    sample = _sample(section, place, seen, before, meter)
    if missing:
        sample.failures["session not open when its memory was read"] = missing
    sample.session_mib = (held_mb - idle_mb) / _MIB * _PER_SESSIONS / section.load["burst"]
    return sample


def measure_whole(section: Section, server: Server, stub: Stub, folder: Path, *, offset: int) -> Sample:
    """Calls and their events, until every record is delivered; CPU and rate include the delivery."""
    port, ami_port = free_port(), free_port()
    options = dict(section.load) | {"port": port, "seconds": section.seconds, "offset": offset}
    with (
        load_process("generator.py", {**options, "ami-port": ami_port}, listens_on=ami_port) as load,
        running(server, stub.url, folder, port=port, ami_port=ami_port) as (pid, _port),
    ):
        load.expect("ready")
        place = Running(server, pid, port, stub)
        before, meter = stub.counters(), Meter(pid)
        load.go_on()
        seen = load.result()
        after = delivered(stub, before["dials"] + seen["calls"])
        meter.stop()
        sample = _sample(section, place, seen, before, meter)
        load.go_on()
    sample.delivered_per_s = seen["calls"] / max(meter.seconds - SETTLE_S, seen["seconds"])
    missing = before["dials"] + seen["calls"] - after["dials"]
    faults = {"dial never delivered": missing} | {
        f"{what} dial": after[f"{what}_dials"] - before[f"{what}_dials"] for what in ("repeated", "wrong")
    }
    sample.failures |= {why: int(count) for why, count in faults.items() if count}
    return sample


def measure_events(section: Section, server: Server, stub: Stub, folder: Path) -> Sample:
    """AMI events over a socket, at a rate."""
    ami_port = free_port()
    options = dict(section.load) | {"port": ami_port, "seconds": section.seconds}
    with (
        load_process("pbx.py", options, listens_on=ami_port) as load,
        running(server, stub.url, folder, ami_port=ami_port) as (pid, port),
    ):
        load.expect("ready")
        meter = Meter(pid)
        load.go_on()
        seen = load.result()
        heard = _heard(port, seen["calls"])
        meter.stop()
        load.go_on()
        events = seen["calls"] * EVENTS_PER_CALL
        sample = Sample(
            server=server.name,
            calls=events,
            cpu_us=meter.used.cpu_s * 1e6 / events,
            cpu_share=meter.used.cpu_s / meter.seconds,
            calls_per_s=events / meter.seconds,
            memory_mb=memory_mb(pid),
        )
    if heard != seen["calls"]:
        sample.failures["call end missed"] = abs(seen["calls"] - heard)
    meter.note(sample, generator_waited=0.0)
    return sample


def _options(section: Section, place: Running, *, seconds: float, offset: int) -> dict[str, float | str]:
    options = dict(section.load) | {"port": place.port, "seconds": seconds}
    if "phones" not in section.load:
        options["offset"] = offset
    if place.server.fixed:
        options["fixed"] = True
    return options


def _sample(
    section: Section,
    place: Running,
    seen: dict[str, Any],
    before: dict[str, float],
    meter: Meter,
) -> Sample:
    after = place.stub.counters()
    leads = after["leads"] - before["leads"]
    calls = max(seen["calls"], 1)
    sample = Sample(
        server=place.server.name,
        calls=seen["calls"],
        cpu_us=meter.used.cpu_s * 1e6 / calls,
        cpu_share=meter.used.cpu_s / meter.seconds,
        calls_per_s=seen["calls_per_s"],
        p50_ms=seen["p50_ms"],
        p99_ms=seen["p99_ms"],
        p999_ms=seen["p999_ms"],
        max_ms=seen["max_ms"],
        quantiles_ms=seen["quantiles_ms"],
        failures=seen["failures"],
        in_time=seen["in_time"],
        may_miss=section.may_miss,
        connections=int(after["connections"] - before["connections"]),
        requests_per_call=(after["requests"] - before["requests"]) / calls,
        upstream_ms=(after["lead_s"] - before["lead_s"]) * 1e3 / leads if leads else 0.0,
        memory_mb=memory_mb(place.pid),
        generator_cpu_us=seen["cpu_us_per_call"],
    )
    sample.failures |= _doubts(section, place, seen, leads)
    meter.note(sample, generator_waited=seen["waited_share"])
    return sample


def _doubts(section: Section, place: Running, seen: dict[str, Any], leads: float) -> dict[str, int]:
    """What would make the figure of another thing than the section says."""
    found = {}
    if "phones" in section.load and leads and not place.server.fixed:
        found[NOT_A_HIT] = int(leads)
    never_ended = sum(count for why, count in seen["failures"].items() if "ANI" not in why)
    lost = int(section.load.get("burst", 0)) - seen["calls"] - never_ended
    if "burst" in section.load and lost:
        found["call not accounted for"] = lost
    return found


def _not_open(pid: int, wanted: int) -> int:
    """How many sessions the server has not accepted, once it has all or no more come in time."""
    stop = time.monotonic() + _ACCEPTED_S
    while (missing := wanted - descriptors(pid)) > 0 and time.monotonic() < stop:
        time.sleep(_LOOK_S)
    return max(0, missing)


def delivered(stub: Stub, wanted: float) -> dict[str, float]:
    """The upstream's counters once it has so many dial records, or no more come in time."""
    stop = time.monotonic() + _DELIVERED_S
    while (counters := stub.counters())["dials"] < wanted and time.monotonic() < stop:
        time.sleep(_LOOK_S)
    return counters


def _heard(port: int, wanted: int) -> int:
    """How many call ends a reader heard, once they are all or no more come in time."""
    stop = time.monotonic() + _DELIVERED_S
    while True:
        with socket.create_connection(("127.0.0.1", port), timeout=_DELIVERED_S) as sock:
            line = sock.makefile().readline()
        if not line:
            raise LoadError("the reader of AMI events does not tell what it heard")
        calls: int = json.loads(line)["calls"]
        if calls >= wanted or time.monotonic() > stop:
            return calls
        time.sleep(_LOOK_S)
