"""Generates FastAGI calls as fast as one core can, checks every answer, and prints what it saw as JSON.

Plain sockets on epoll and not an event loop, because the generator must not be what is measured. Two ways
to call: closed loop (`--open N` calls at any time, for CPU per call) and open loop (`--rate R`, Poisson
arrivals, each latency counted from the moment the call was due, so a stalled server cannot hide its stall).

It behaves as Asterisk on the wire: environment, then one line is answered when the socket turns readable, and
all of them once the server has half-closed, then `HANGUP`. `--lines` writes line by line, as Asterisk does;
otherwise all that is due is one write, to leave more of the core for load.

It prints `ready`, waits for a line on stdin, runs, and prints one JSON object.
"""

import argparse
import dataclasses
import json
import math
import random
import re
import select
import socket
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from proc import Usage

from gateway.simulator.call import CallRequest, environment_lines
from gateway.simulator.upstream_answers import ani_for

FIXED_ANI = "5550001111"
"""What servers answer that do not read the question."""
_PLACEHOLDER = "15550000000"
_ASSIGNED = re.compile(rb'SET VARIABLE CALLERID\(num\) "?([0-9]+)"?\n')
_ANSWER = b"200 result=1\n"
_FIRST_UNIQUE = 2_000_000_000
_CALL_TIMEOUT_S = 10.0
_DRAIN_S = 5.0
_READ = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


@dataclass(frozen=True, slots=True)
class Load:
    """How to call. Exactly one of `open` and `rate` is positive."""

    port: int
    seconds: float
    open: int = 0
    """Calls open at any time (closed loop)."""
    rate: float = 0.0
    """Calls a second (open loop)."""
    phones: int = 0
    """How many different phones are called in turn; 0 never calls one twice."""
    offset: int = 0
    """Where the phones start, so that runs against one server do not meet each other's."""
    fixed: bool = False
    """Expect `FIXED_ANI` from everybody."""
    lines: bool = False
    """Write line by line."""


@dataclass(slots=True)
class Seen:
    """What the generator saw. Latencies in ms, from when a call was due until its last command came."""

    calls: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    calls_per_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    p999_ms: float = 0.0
    max_ms: float = 0.0
    late_p99_ms: float = 0.0
    """How late calls were started: above a millisecond, the generator itself was short of CPU."""
    cpu_us_per_call: float = 0.0
    waited_share: float = 0.0
    """Share of the time the generator was runnable and had no CPU."""


@dataclass(slots=True, eq=False)
class Call:
    """One call on its way."""

    sock: socket.socket
    due: float
    started: float
    expected: bytes
    environment: bytes
    received: bytes = b""
    answered: int = 0
    sent: bool = False


class Generator:
    """Runs one `Load`."""

    def __init__(self, load: Load) -> None:
        self.seen = Seen()
        self._load = load
        self._epoll = select.epoll()
        self._calls: dict[int, Call] = {}
        self._latencies = array("d")
        self._late = array("d")
        self._questions = _questions(load)
        lines = list(
            environment_lines(CallRequest(_PLACEHOLDER, "90210", "9001"), host="127.0.0.1", port=4573)
        )
        self._template = b"".join(lines)

    def run(self) -> Seen:
        """Call for `seconds`, let the open calls end, and sum up."""
        before = Usage.of_self()
        start = time.monotonic()
        if self._load.rate:
            self._run_open_loop(start)
        else:
            self._run_closed_loop(start)
        self._drain()
        self._sum_up(start, before)
        return self.seen

    def _run_closed_loop(self, start: float) -> None:
        stop = start + self._load.seconds
        while (now := time.monotonic()) < stop:
            for _ in range(self._load.open - len(self._calls)):
                self._start(now)
            self._poll(0.1)

    def _run_open_loop(self, start: float) -> None:
        gaps = random.Random(self._load.offset + 1)
        due = start + gaps.expovariate(self._load.rate)
        while due < start + self._load.seconds:
            now = time.monotonic()
            while due <= now:
                self._start(due)
                due += gaps.expovariate(self._load.rate)
            self._poll(due - time.monotonic())

    def _drain(self) -> None:
        stop = time.monotonic() + _DRAIN_S
        while self._calls and time.monotonic() < stop:
            self._poll(0.1)
        for call in list(self._calls.values()):
            self._fail(call, "never ended")

    def _start(self, due: float) -> None:
        environment, expected = next(self._questions)(self._template)
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        now = time.monotonic()
        call = Call(sock, due, now, expected, environment)
        self._late.append(now - due)
        self._calls[sock.fileno()] = call
        sock.connect_ex(("127.0.0.1", self._load.port))
        try:
            self._epoll.register(sock, _READ if self._send_environment(call) else _READ | select.EPOLLOUT)
        except OSError as error:
            self._fail(call, type(error).__name__)

    def _send_environment(self, call: Call) -> bool:
        """Write the environment; false while the connection is not made yet."""
        parts = call.environment.splitlines(keepends=True) if self._load.lines else [call.environment]
        try:
            for part in parts:
                call.sock.send(part)
        except BlockingIOError:  # the connection is not made yet; epoll tells when
            return False
        call.sent = True
        return True

    def _poll(self, timeout_s: float) -> None:
        # select() on the epoll descriptor waits in microseconds; epoll itself only in milliseconds.
        select.select([self._epoll.fileno()], [], [], max(0.0, timeout_s))
        for fd, events in self._epoll.poll(0):
            call = self._calls[fd]
            try:
                self._advance(call, events)
            except OSError as error:
                self._fail(call, type(error).__name__)
        self._end_overdue()

    def _advance(self, call: Call, events: int) -> None:
        if not call.sent and not events & select.EPOLLERR and self._send_environment(call):
            self._epoll.modify(call.sock, _READ)
        if not events & ~select.EPOLLOUT:
            return
        data = call.sock.recv(16_384)
        call.received += data
        if events & select.EPOLLRDHUP or not data:
            self._finish(call)
        elif call.received.count(b"\n") > call.answered:
            call.answered += 1
            call.sock.send(_ANSWER)

    def _finish(self, call: Call) -> None:
        self._latencies.append(time.monotonic() - call.due)
        self._answer_the_rest(call)
        self._forget(call)
        match = _ASSIGNED.search(call.received)
        if match is None:
            self._count("no ANI")
        elif match[1] != call.expected:
            self._count("wrong ANI")
        self.seen.calls += 1

    def _answer_the_rest(self, call: Call) -> None:
        rest = [_ANSWER] * (call.received.count(b"\n") - call.answered) + [b"HANGUP\n"]
        try:
            for part in rest if self._load.lines else [b"".join(rest)]:
                call.sock.send(part)
        except ConnectionError:
            return  # a server that closed both sides at once; Asterisk does not mind either

    def _fail(self, call: Call, why: str) -> None:
        self._count(why)
        self._forget(call)

    def _count(self, why: str) -> None:
        self.seen.failures[why] = self.seen.failures.get(why, 0) + 1

    def _forget(self, call: Call) -> None:
        del self._calls[call.sock.fileno()]
        call.sock.close()

    def _end_overdue(self) -> None:
        """Calls are kept in the order of their start, so the first one is the oldest."""
        while self._calls:
            oldest = next(iter(self._calls.values()))
            if time.monotonic() - oldest.started < _CALL_TIMEOUT_S:
                return
            self._fail(oldest, "timeout")

    def _sum_up(self, start: float, before: Usage) -> None:
        seen, used = self.seen, Usage.of_self() - before
        seen.seconds = time.monotonic() - start
        seen.calls_per_s = seen.calls / seen.seconds
        ordered = sorted(self._latencies)
        seen.p50_ms, seen.p99_ms, seen.p999_ms = (
            quantile(ordered, share) * 1e3 for share in (0.5, 0.99, 0.999)
        )
        seen.max_ms = ordered[-1] * 1e3 if ordered else math.nan
        seen.late_p99_ms = quantile(sorted(self._late), 0.99) * 1e3
        seen.cpu_us_per_call = used.cpu_s * 1e6 / max(seen.calls, 1)
        seen.waited_share = used.waited_s / seen.seconds


_Question = Callable[[bytes], tuple[bytes, bytes]]


def _questions(load: Load) -> Iterator[_Question]:
    """For each call: how its environment is made from the template, and the ANI to expect."""

    def question(phone: str) -> _Question:
        expected = (FIXED_ANI if load.fixed else ani_for(phone)).encode()
        placeholder, wanted = _PLACEHOLDER.encode(), f"1{phone}".encode()
        return lambda template: (template.replace(placeholder, wanted), expected)

    if load.phones:
        known = [question(str(_FIRST_UNIQUE + load.offset + number)) for number in range(load.phones)]
        while True:
            yield from known
    number = _FIRST_UNIQUE + load.offset
    while True:
        yield question(str(number))
        number += 1


def quantile(ordered: list[float], share: float) -> float:
    """The value below which `share` of the sorted values lie; NaN when there are none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else math.nan


def main() -> None:
    """Run the load given on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--open", type=int, default=0, help="closed loop: calls open at any time")
    parser.add_argument("--rate", type=float, default=0.0, help="open loop: calls a second")
    parser.add_argument("--phones", type=int, default=0, help="different phones; 0: never the same twice")
    parser.add_argument("--offset", type=int, default=0, help="number of the first phone")
    parser.add_argument("--fixed", action="store_true", help=f"expect {FIXED_ANI} for every phone")
    parser.add_argument("--lines", action="store_true", help="write line by line, as Asterisk does")
    load = Load(**vars(parser.parse_args()))
    if (load.open > 0) is (load.rate > 0):
        parser.error("give either --open or --rate")
    generator = Generator(load)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(dataclasses.asdict(generator.run())))


if __name__ == "__main__":
    main()
