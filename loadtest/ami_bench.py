"""What an AMI event costs: our decoder beside panoramisk's, on the same bytes, in one process.

A section of the benchmark: `python loadtest/bench.py --only ami`. The stream is two calls as a real Asterisk
22.10 told them to a listener without a filter and with all rights (read=all), 400 events, repeated; it is fed
in reads of 64 KiB. Both sides hand each Hangup event to a callback; ours reads it into a call end,
panoramisk's into its own message. Only CPU time counts.
"""

import asyncio
import gzip
import time
from collections.abc import Callable
from dataclasses import dataclass

from panoramisk import Manager
from panoramisk.ami_protocol import AMIProtocol
from pbx import RECORDING
from sample import Sample

from gateway.ami.decoder import AmiDecoder, FrameKind
from gateway.ami.events import Hangup, read_hangup
from gateway.telemetry.metrics import AmiMetrics

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes to decode, and what is in them."""

    name: str
    reads: list[bytes]
    events: int
    hangups: int
    calls: int


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
    decoder.only_hangups = True  # as while no answer is awaited, which is nearly always
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


def cpu_us(decode: Callable[[Stream], tuple[int, int]], stream: Stream, server: str) -> Sample:
    """The sample of one pass over the stream."""
    before = time.process_time()
    found = decode(stream)
    used = time.process_time() - before
    sample = Sample(server=server, calls=stream.events, cpu_us=used * 1e6 / stream.events)
    if found != (stream.hangups, stream.calls):
        sample.failures["AMI event missed"] = abs(stream.hangups - found[0]) + abs(stream.calls - found[1])
    return sample


def samples(*, rounds: int, repeats: int) -> list[Sample]:
    """Both sides in turn on each stream, so that other work on the machine meets both alike."""

    async def within_a_loop() -> list[Sample]:  # panoramisk's manager wants one
        taken = []
        for stream in streams(repeats):
            for number in range(rounds):
                for kind, decode in SIDES.items():
                    sample = cpu_us(decode, stream, f"{kind}-{stream.name}")
                    sample.round = number
                    taken.append(sample)
        return taken

    return asyncio.run(within_a_loop())


SIDES = {"gateway": decode_ours, "panoramisk": decode_panoramisk}
