"""Generates FastAGI calls as fast as one core can, checks every answer, and prints what it saw as JSON.

Ways to call: closed loop (`--open N` calls at any time, for CPU per call); open loop (`--rate R`, Poisson
arrivals, each latency counted from the moment the call was due, so a stalled server cannot hide its stall);
burst (`--burst N` opened in one instant, which every latency counts from).

The environment is one write, as other AGI clients and benchmarks have it, which leaves more of the core for
load; with `--environment lines` it is a write for each line, as Asterisk does. `--pause` stops a burst once
all is sent, and `--hold` keeps the last line back until then: it prints `open` and goes on after a line on
stdin. With `--ami-port` it is the manager interface of the PBX too, and tells the 40 events of each ended
call.

It prints `ready`, waits for a line on stdin, runs, and prints one JSON object; with `--ami-port` it stays
until the next line.
"""

import argparse
import dataclasses
import json
import math
import random
import select
import sys
import time
from dataclasses import dataclass, field

from caller import Caller
from calls import FIXED_ANI, Call, questions
from pbx import Pbx, PbxError
from proc import Usage

SHARES = (*(number / 50 for number in range(50)), 0.99, 0.995, 0.998, 0.999, 0.9995, 1.0)
"""Which quantiles of the latencies are told, for a plot."""
ONE, LINES = "one", "lines"
_HELD_BYTES = 1
"""The line end that completes the environment."""
_OPENING = 500
"""Connections under way at once when a paused burst is opened, so that the server's queue holds them."""
_LOGIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Load:
    """How to call. Exactly one of `open`, `rate` and `burst` is positive."""

    port: int
    seconds: float
    open: int = 0
    """Calls open at any time (closed loop)."""
    rate: float = 0.0
    """Calls a second (open loop)."""
    burst: int = 0
    """Calls opened in one instant."""
    warm_s: float = 0.0
    """Seconds at the start whose latencies do not count."""
    timeout_s: float = 10.0
    """A call without an end for so long is a failure."""
    within_s: float = 0.0
    """Calls answered so soon after their connect are counted as in time."""
    phones: int = 0
    """How many different phones are called in turn; 0 never calls one twice."""
    offset: int = 0
    """Where the phones start, so that runs against one server do not meet each other's."""
    fixed: bool = False
    """Expect `FIXED_ANI` from everybody."""
    environment: str = ONE
    """`ONE` write, or `LINES`: a write for each line, as Asterisk does."""
    default_ani: str = ""
    """A number the server may give where its upstream failed; how often it did is counted."""
    pause: bool = False
    hold: bool = False
    ami_port: int = 0
    filtered: bool = False
    """Tell of each call its end alone, as with the shipped manager.conf."""


@dataclass(slots=True)
class Seen:
    """What the generator saw. Latencies in ms, from when a call was due until its last command came."""

    calls: int = 0
    fallbacks: int = 0
    """Calls that got `Load.default_ani`."""
    in_time: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    calls_per_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    p999_ms: float = 0.0
    max_ms: float = 0.0
    quantiles_ms: list[float] = field(default_factory=list)
    """At `SHARES`."""
    late_p99_ms: float = 0.0
    """How late calls were started: above a millisecond, the generator itself was short of CPU."""
    late_max_ms: float = 0.0
    cpu_us_per_call: float = 0.0
    waited_share: float = 0.0
    """Share of the time the generator was runnable and had no CPU."""


class Generator:
    """Runs one `Load`."""

    def __init__(self, load: Load) -> None:
        self.seen = Seen()
        self._load = load
        asked = questions(phones=load.phones, offset=load.offset, fixed=load.fixed)
        self._caller = Caller(
            load.port,
            asked,
            lines=load.environment == LINES,
            timeout_s=load.timeout_s,
            default_ani=load.default_ani,
            within_s=load.within_s,
        )
        self._pbx: Pbx | None = None
        if load.ami_port:
            self._pbx = Pbx(load.ami_port, self._caller.epoll, self._caller.others, is_filtered=load.filtered)
            self._caller.on_end = self._hang_up

    def wait_for_login(self) -> None:
        """Return when the server listens to the manager interface. Raises `PbxError` when it does not."""
        stop = time.monotonic() + _LOGIN_S
        while self._pbx is not None and not self._pbx.is_heard:
            if time.monotonic() > stop:
                raise PbxError("the server did not log in to the manager interface")
            self._caller.poll(0.1)

    def run(self) -> Seen:
        """Call for `seconds`, let the open calls end, and sum up."""
        before = Usage.of_self()
        start = time.monotonic()
        if self._load.rate:
            self._run_open_loop(start)
        elif self._load.burst:
            self._run_burst(start)
        else:
            self._run_closed_loop(start)
        self._drain()
        self._sum_up(start, before)
        return self.seen

    def serve_until_told(self) -> None:
        """Go on being the PBX until a line comes on stdin."""
        while not select.select([sys.stdin], [], [], 0)[0]:
            self._caller.poll(0.01)

    def _hang_up(self, call: Call) -> None:
        if self._pbx is not None:
            self._pbx.end(call.question.uniqueid, call.state())

    def _run_closed_loop(self, start: float) -> None:
        stop = start + self._load.seconds
        while (now := time.monotonic()) < stop:
            # A caller whose events the PBX cannot get rid of is not free for the next call.
            untold = self._pbx.waiting_calls if self._pbx else 0
            for _ in range(self._load.open - len(self._caller.calls) - untold):
                self._caller.start(now)
            self._caller.poll(0.1)

    def _run_open_loop(self, start: float) -> None:
        gaps = random.Random(self._load.offset + 1)
        counted_from = start + self._load.warm_s
        is_warm = False
        due = start + gaps.expovariate(self._load.rate)
        while due < counted_from + self._load.seconds:
            now = time.monotonic()
            while due <= now:
                self._caller.start(due)
                due += gaps.expovariate(self._load.rate)
            self._caller.poll(due - time.monotonic())
            if not is_warm and now > counted_from:
                is_warm = True
                del self._caller.latencies[:], self._caller.lateness[:]

    def _run_burst(self, start: float) -> None:
        held_bytes = _HELD_BYTES if self._load.hold else 0
        for number in range(self._load.burst):
            self._caller.start(start, held_bytes=held_bytes)
            while self._load.pause and number % _OPENING == 0 and not self._caller.all_sent():
                self._caller.poll(0.1)
        if not self._load.pause:
            return
        while not self._caller.all_sent():
            self._caller.poll(0.1)
        print("open", flush=True)
        sys.stdin.readline()
        if held_bytes:
            self._caller.finish_held(held_bytes)

    def _drain(self) -> None:
        stop = time.monotonic() + self._load.timeout_s
        while self._caller.calls and time.monotonic() < stop:
            self._caller.poll(0.1)
        self._caller.give_up("never ended")
        while self._pbx is not None and self._pbx.waiting_calls and time.monotonic() < stop:
            self._caller.poll(0.1)

    def _sum_up(self, start: float, before: Usage) -> None:
        seen, caller, used = self.seen, self._caller, Usage.of_self() - before
        seen.calls, seen.failures = caller.ended, caller.failures
        seen.fallbacks, seen.in_time = caller.fallbacks, caller.in_time
        seen.seconds = time.monotonic() - start
        seen.calls_per_s = seen.calls / seen.seconds
        ordered = sorted(caller.latencies)
        seen.p50_ms, seen.p99_ms, seen.p999_ms = (
            quantile(ordered, share) * 1e3 for share in (0.5, 0.99, 0.999)
        )
        seen.max_ms = quantile(ordered, 1.0) * 1e3
        seen.quantiles_ms = [quantile(ordered, share) * 1e3 for share in SHARES] if ordered else []
        late = sorted(caller.lateness)
        seen.late_p99_ms, seen.late_max_ms = quantile(late, 0.99) * 1e3, quantile(late, 1.0) * 1e3
        seen.cpu_us_per_call = used.cpu_s * 1e6 / max(seen.calls, 1)
        seen.waited_share = used.waited_s / seen.seconds


def quantile(ordered: list[float], share: float) -> float:
    """The value below which `share` of the sorted values lie; NaN when there are none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else math.nan


def main() -> int:
    """Run the load given on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--open", type=int, default=0, help="closed loop: calls open at any time")
    parser.add_argument("--rate", type=float, default=0.0, help="open loop: calls a second")
    parser.add_argument("--burst", type=int, default=0, help="calls opened in one instant")
    parser.add_argument("--warm-s", type=float, default=0.0, help="open loop: seconds before it counts")
    parser.add_argument("--timeout-s", type=float, default=10.0, help="longest wait for the end of a call")
    parser.add_argument("--within-s", type=float, default=0.0, help="counted as in time, from the connect")
    parser.add_argument("--phones", type=int, default=0, help="different phones; 0: never the same twice")
    parser.add_argument("--offset", type=int, default=0, help="number of the first phone")
    parser.add_argument("--fixed", action="store_true", help=f"expect {FIXED_ANI} for every phone")
    parser.add_argument(
        "--environment", choices=(ONE, LINES), default=ONE, help="in one write, or as Asterisk"
    )
    parser.add_argument(
        "--default-ani", default="", help="number that may be given where the upstream failed"
    )
    parser.add_argument("--pause", action="store_true", help="burst: stop when all are open")
    parser.add_argument("--hold", action="store_true", help="burst: stop before the environments' last line")
    parser.add_argument("--ami-port", type=int, default=0, help="be the manager interface on this port too")
    parser.add_argument("--filtered", action="store_true", help="tell of each call its Hangup event alone")
    load = Load(**vars(parser.parse_args()))
    if [load.open > 0, load.rate > 0, load.burst > 0].count(True) != 1:
        parser.error("give one of --open, --rate and --burst")
    generator = Generator(load)
    try:
        generator.wait_for_login()
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps(dataclasses.asdict(generator.run())), flush=True)
    except PbxError as error:
        print(error, file=sys.stderr)
        return 1
    if load.ami_port:
        generator.serve_until_told()
    return 0


if __name__ == "__main__":
    sys.exit(main())
