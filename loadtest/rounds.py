"""The rounds of a section: servers take turns; what other work on the machine spoilt is measured again."""

import dataclasses
import itertools
import sys
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from pathlib import Path

import ami_bench
from certificates import make_certificates
from measure import NOT_A_HIT, Running, measure_calls, measure_events, measure_sessions, measure_whole
from sample import Kind, Sample, Section
from servers import SERVERS, Server, running
from stub_process import Stub, running_stub

_REPEATS = 2
"""How often a spoilt sample is tried again before it is kept and marked."""
_PHONES_PER_RUN = 1_000_000
_CROWD = {"open": 500}
_FILL_PIECE_S = 4.0
_FILL_S = 120.0


class Bench:
    """Runs sections in a scratch folder."""

    def __init__(self, folder: Path, *, patience_s: float) -> None:
        """`patience_s`: time for repeating spoilt samples, all together; later ones are kept as they are."""
        self._folder = folder
        self._runs = itertools.count()
        self._early: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """Faults of each server before the sample that is kept."""
        self._patience_s = patience_s

    def run(self, section: Section) -> list[Sample]:
        """All samples of a section, rounds interleaved so that drift meets every server alike."""
        if section.kind is Kind.BYTES:
            return ami_bench.samples(rounds=section.rounds, repeats=int(section.load["repeats"]))
        samples = []
        with ExitStack() as stack:
            certificates = make_certificates(self._folder) if section.is_tls else None
            stub = stack.enter_context(
                running_stub(self._folder, delay_ms=section.delay_ms, certificates=certificates)
            )
            servers = [SERVERS[name] for name in section.servers]
            places: dict[str, Running] = {}
            if not section.is_fresh:
                for server in servers:
                    places[server.name] = self._started(stack, server, stub)
                    self._warm_up(section, places[server.name])
            for number in range(section.rounds):
                shift = number % len(servers)
                samples += [
                    self._settled(section, server, stub, places.get(server.name), number)
                    for server in servers[shift:] + servers[:shift]
                ]
        return samples

    def _started(self, stack: ExitStack, server: Server, stub: Stub) -> Running:
        started = stack.enter_context(running(server, stub.url, self._folder, ca_file=stub.ca_file))
        return Running(server, *started, stub)

    def _warm_up(self, section: Section, place: Running) -> None:
        """Call until every known phone has been called once, so that hits are hits; 15 s at most."""
        for seconds in (1.0, 2.0, 4.0, 8.0):
            sample = self._measure(section, place, seconds)
            # A known phone that is called for the first time is asked for, so those are none here.
            sample.failures.pop(NOT_A_HIT, None)
            self._early[place.server.name] += Counter(sample.faults)
            if sample.calls >= int(section.load.get("phones", 0)):
                return

    def _fill(self, section: Section, place: Running) -> None:
        """Make the calls that fill the server's cache; their failures count."""
        calls = 0
        crowd = dataclasses.replace(section, load=_CROWD, fill=0)
        stop = time.monotonic() + _FILL_S
        while calls < section.fill and time.monotonic() < stop:
            sample = self._measure(crowd, place, _FILL_PIECE_S)
            self._early[place.server.name] += Counter(sample.faults)
            calls += sample.calls

    def _settled(
        self, section: Section, server: Server, stub: Stub, place: Running | None, number: int
    ) -> Sample:
        """One sample, taken again while other work on the machine spoils it; its faults stay."""
        for attempt in range(_REPEATS + 1):
            began = time.monotonic()
            sample = self._sample(section, server, stub, place)
            sample.round, sample.attempt = number, attempt
            self._patience_s -= (time.monotonic() - began) if attempt else 0.0
            sample.earlier_faults = dict(self._early.pop(server.name, {}))
            if not sample.spoilt or self._patience_s <= 0:
                break
            self._early[server.name] += Counter(sample.faults)
        progress(section, sample)
        return sample

    def _sample(self, section: Section, server: Server, stub: Stub, place: Running | None) -> Sample:
        match section.kind:
            case Kind.WHOLE:
                return measure_whole(section, server, stub, self._folder, offset=self._offset())
            case Kind.EVENTS:
                return measure_events(section, server, stub, self._folder)
            case _ if place is None:
                with ExitStack() as stack:
                    place = self._started(stack, server, stub)
                    self._fill(section, place)
                    return self._measure(section, place, section.seconds)
            case _:
                return self._measure(section, place, section.seconds)

    def _measure(self, section: Section, place: Running, seconds: float) -> Sample:
        measured = measure_sessions if section.kind is Kind.SESSIONS else measure_calls
        return measured(section, place, seconds=seconds, offset=self._offset())

    def _offset(self) -> int:
        return next(self._runs) * _PHONES_PER_RUN


def progress(section: Section, sample: Sample) -> None:
    """One line on stderr for each sample."""
    mark = "  (noisy: other work on this machine)" if sample.spoilt else ""
    line = f"{section.name} round {sample.round + 1}/{section.rounds} {sample.server}: "
    print(f"{line}{sample.cpu_us:.1f} µs, {sample.calls_per_s:,.0f}/s{mark}", file=sys.stderr)
