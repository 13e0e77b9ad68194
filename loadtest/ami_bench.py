"""Measures what an AMI event costs: our decoder beside panoramisk's, on the same bytes.

Run `python loadtest/ami_bench.py`. The stream is two calls as a real Asterisk 22.10 told them to a listener
without a filter and with all rights (read=all), 400 events, repeated; it is fed in reads of 64 KiB. Both
sides hand each Hangup event to a callback; ours reads it into a call end, panoramisk's into its own message.
Only CPU time counts. Exit code 1 when a side missed an event, or ours is not `GOAL` times cheaper.
"""

import argparse
import asyncio
import gzip
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from panoramisk import Manager
from panoramisk.ami_protocol import AMIProtocol

from gateway.ami.decoder import AmiDecoder, FrameKind
from gateway.ami.events import Hangup, read_hangup
from gateway.telemetry.metrics import AmiMetrics

RECORDING = Path(__file__).parent / "data" / "ami_unfiltered.txt.gz"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
READ_BYTES = 64 * 1024
GOAL = 8.0
"""Times cheaper, on the unfiltered stream."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes to decode, and what is in them."""

    name: str
    reads: list[bytes]
    events: int
    hangups: int
    calls: int


@dataclass(frozen=True, slots=True)
class AmiResult:
    """CPU microseconds for each event of one stream, median and spread over the rounds."""

    stream: str
    ours_us: float
    panoramisk_us: float
    ours_spread: tuple[float, float]
    panoramisk_spread: tuple[float, float]
    ratios: tuple[float, ...]
    """How many times cheaper ours was, round by round."""

    @property
    def ratio(self) -> float:
        """How many times cheaper ours is."""
        return statistics.median(self.ratios)


def streams(repeats: int) -> list[Stream]:
    """The unfiltered recording, and the same with only what the filter lets pass."""
    everything = gzip.decompress(RECORDING.read_bytes())
    wanted = [
        block + b"\r\n\r\n"
        for block in everything.split(b"\r\n\r\n")
        if block.startswith(b"Event: Hangup\r\n") and b"ChanVariable: GATEWAY=1" in block
    ]
    filtered = b"".join(wanted) * (everything.count(b"\r\n\r\n") // len(wanted))
    return [_stream("unfiltered", everything * repeats), _stream("filtered", filtered * repeats)]


def _stream(name: str, text: bytes) -> Stream:
    reads = [text[place : place + READ_BYTES] for place in range(0, len(text), READ_BYTES)]
    return Stream(
        name,
        reads,
        events=text.count(b"\r\n\r\n"),
        hangups=text.count(b"Event: Hangup\r\n"),
        calls=sum(
            block.startswith(b"Event: Hangup\r\n") and b"ChanVariable: GATEWAY=1" in block
            for block in text.split(b"\r\n\r\n")
        ),
    )


def decode_ours(stream: Stream) -> tuple[int, int]:
    """Hangup events and call ends, the way the link takes them."""
    decoder = AmiDecoder(AmiMetrics())
    decoder.receive(BANNER)
    hangups = calls = 0
    for read in stream.reads:
        decoder.receive(read)
        while frames := decoder.frames(32):
            for frame in frames:
                if frame.kind is FrameKind.HANGUP:
                    hangups += 1
                    calls += isinstance(read_hangup(frame.body, pbx="", heard_at=0.0), Hangup)
    return hangups, calls


def decode_panoramisk(stream: Stream) -> tuple[int, int]:
    """Hangup events by a registered callback, which looks for the variable as a user of panoramisk would."""
    hangups = calls = 0

    def on_hangup(_manager: object, event: dict[str, list[str]]) -> None:
        nonlocal hangups, calls
        hangups += 1
        calls += any(variable.startswith("GATEWAY=1") for variable in event["ChanVariable"])

    manager = Manager(loop=asyncio.get_running_loop())
    manager.register_event("Hangup", on_hangup)
    protocol = AMIProtocol()
    protocol.connection_made(None)
    protocol.factory, protocol.encoding = manager, "utf8"
    protocol.data_received(BANNER)
    for read in stream.reads:
        protocol.data_received(read)
    return hangups, calls


def cpu_us(decode: Callable[[Stream], tuple[int, int]], stream: Stream) -> float:
    """CPU microseconds for each event. Raises `SystemExit` when events were missed."""
    before = time.process_time()
    found = decode(stream)
    used = time.process_time() - before
    if found != (stream.hangups, stream.calls):
        raise SystemExit(f"{decode.__name__} found {found}, not {(stream.hangups, stream.calls)}")
    return used * 1e6 / stream.events


def compare(stream: Stream, rounds: int) -> AmiResult:
    """Both sides in turn, so that other work on the machine meets both alike."""
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(cpu_us(decode_ours, stream))
        theirs.append(cpu_us(decode_panoramisk, stream))
    return AmiResult(
        stream.name,
        statistics.median(ours),
        statistics.median(theirs),
        (min(ours), max(ours)),
        (min(theirs), max(theirs)),
        tuple(one / other for one, other in zip(theirs, ours, strict=True)),
    )


def measure(*, quick: bool) -> list[AmiResult]:
    """All streams; a few seconds when `quick`."""

    async def within_a_loop() -> list[AmiResult]:  # panoramisk's manager wants one
        repeats, rounds = (10, 3) if quick else (40, 7)
        return [compare(stream, rounds) for stream in streams(repeats)]

    return asyncio.run(within_a_loop())


def print_ami(results: list[AmiResult]) -> None:
    """The table: a line for each stream."""
    print("\nAMI decoding, CPU µs for each event (median, lowest to highest)")
    print(f"  {'stream':<14}{'gateway':>22}{'panoramisk':>22}{'times cheaper':>15}")
    for result in results:
        ours = _with_spread(result.ours_us, result.ours_spread)
        theirs = _with_spread(result.panoramisk_us, result.panoramisk_spread)
        print(f"  {result.stream:<14}{ours:>22}{theirs:>22}{result.ratio:>15.1f}")


def _with_spread(median: float, spread: tuple[float, float]) -> str:
    return f"{median:.2f} {spread[0]:.2f}..{spread[1]:.2f}"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    results = measure(quick=parser.parse_args().quick)
    print_ami(results)
    return 0 if results[0].ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
