from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ami.decoder import MAX_MESSAGE_BYTES, AmiDecoder, Frame, FrameKind, NotAsteriskError
from gateway.telemetry.metrics import AmiMetrics

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
HANGUP = b"Event: Hangup\r\nUniqueid: 1.2\r\nChanVariable: GATEWAY=caf\xc3\xa9"
REQUEST = b"Event: HangupRequest\r\nUniqueid: 1.2"
VARSET = b"Event: VarSet\r\nVariable: X\r\nValue: Event: Hangup"
PONG = b"Response: Success\r\nPing: Pong"
STATUS = b"Event: Status\r\nUniqueid: 1.3"
COMPLETE = b"Event: StatusComplete\r\nItems: 1"
STREAM = BANNER + b"".join(
    message + b"\r\n\r\n" for message in (PONG, VARSET, HANGUP, REQUEST, STATUS, COMPLETE, b"odd", HANGUP)
)
WANTED = [
    Frame(FrameKind.RESPONSE, PONG),
    Frame(FrameKind.HANGUP, HANGUP),
    Frame(FrameKind.STATUS, STATUS),
    Frame(FrameKind.STATUS_COMPLETE, COMPLETE),
    Frame(FrameKind.HANGUP, HANGUP),
]
CAPTURES = sorted(Path("tests/fixtures/ami").glob("*.hangup.txt"))


BUFFER = bytearray(HANGUP + b"\r\n\r\n") * 20
"""Read into again and again: what came before still stands behind what has come."""


def feed(decoder: AmiDecoder, piece: bytes, *, is_buffered: bool) -> None:
    if is_buffered:
        BUFFER[: len(piece)] = piece
        decoder.receive(BUFFER, len(piece))
    else:
        decoder.receive(piece)


def decode(
    pieces: list[bytes], *, limit: int = 1000, is_buffered: bool = False
) -> tuple[list[Frame], AmiMetrics]:
    metrics = AmiMetrics()
    decoder = AmiDecoder(metrics)
    frames: list[Frame] = []
    for piece in pieces:
        feed(decoder, piece, is_buffered=is_buffered)
        while some := decoder.frames(limit):
            frames += some
    return frames, metrics


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    return [stream[a:b] for a, b in pairwise([0, *sorted(places), len(stream)])]


def test_wanted_messages_come_out_and_the_others_are_counted() -> None:
    frames, metrics = decode([STREAM])
    assert frames == WANTED
    assert metrics.strange == 1
    assert metrics.passed_over_bytes == sum(len(message) + 4 for message in (VARSET, REQUEST, b"odd"))


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.integers(0, len(STREAM)), max_size=20), st.booleans())
def test_any_cut_gives_the_same_hangups_when_nothing_else_is_wanted(
    places: list[int],
    is_buffered: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    metrics = AmiMetrics()
    decoder = AmiDecoder(metrics)
    decoder.only_hangups = True
    for piece in cut(STREAM, places):
        feed(decoder, piece, is_buffered=is_buffered)
    assert decoder.frames(100) == [Frame(FrameKind.HANGUP, HANGUP)] * 2
    assert decoder.waiting_bytes == 4
    wanted = sum(len(message) + 4 for message in (HANGUP, HANGUP))
    assert metrics.passed_over_bytes == len(STREAM) - len(BANNER) - wanted


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.integers(0, len(STREAM)), max_size=20), st.booleans())
def test_any_cut_gives_the_same_messages(
    places: list[int],
    is_buffered: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    assert decode(cut(STREAM, places), is_buffered=is_buffered)[0] == WANTED


def test_byte_by_byte_gives_the_same_messages() -> None:
    frames, metrics = decode([bytes([byte]) for byte in STREAM])
    assert frames == WANTED
    assert metrics.strange == 1


@settings(deadline=None)  # the machine may be busy
@given(st.integers(1, 5))
def test_a_slice_gives_no_more_than_asked(limit: int) -> None:
    decoder = AmiDecoder(AmiMetrics())
    decoder.receive(STREAM)
    assert decoder.frames(limit) == WANTED[:limit]
    assert decoder.frames(100) == WANTED[limit:]


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.binary(max_size=40)))
def test_any_bytes_after_the_banner_do_no_harm(pieces: list[bytes]) -> None:
    frames, _ = decode([BANNER, *pieces, b"\r\n\r\n", HANGUP, b"\r\n\r\n"])
    assert frames[-1] == Frame(FrameKind.HANGUP, HANGUP)


PARTS = {
    "hangup": HANGUP,
    "varset": VARSET,
    "pong": PONG,
    "too long": b"x" * (MAX_MESSAGE_BYTES + 1),
    "just not too long": b"x" * MAX_MESSAGE_BYTES,
    "empty": b"",
    "line end": b"\r\n",
    "end": b"\r\n\r\n",
}


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.sampled_from(sorted(PARTS)), max_size=8), st.integers(500, 50_000))
def test_a_message_too_long_is_left_out_however_it_is_cut(names: list[str], step: int) -> None:
    stream = BANNER + b"\r\n\r\n".join([*(PARTS[name] for name in names), HANGUP, b""])
    whole, _ = decode([stream])
    pieces, _ = decode([stream[place : place + step] for place in range(0, len(stream), step)])
    assert whole == pieces
    assert whole[-1] == Frame(FrameKind.HANGUP, HANGUP)


def test_an_endless_message_takes_bounded_memory_and_harms_no_other() -> None:
    metrics = AmiMetrics()
    decoder = AmiDecoder(metrics)
    decoder.receive(BANNER + b"Event: Hangup\r\nX: ")
    for _ in range(100):
        decoder.receive(b"y" * 10_000)
        assert decoder.frames(10) == []
        assert decoder.waiting_bytes < MAX_MESSAGE_BYTES + 20_000
    decoder.receive(b"\r\n\r\n" + HANGUP + b"\r\n\r\n")
    assert decoder.frames(10) == [Frame(FrameKind.HANGUP, HANGUP)]
    assert metrics.oversized == 1


def test_the_banner_tells_the_version() -> None:
    decoder = AmiDecoder(AmiMetrics())
    decoder.receive(BANNER[:25])
    assert decoder.version is None
    decoder.receive(BANNER[25:])
    assert decoder.version == "11.0.0"


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-OpenSSH\r\n", b"HTTP", b"\x15\x03\x01", b"Asterisk Call Manager/" + b"1" * 300]
)
def test_another_service_on_the_port_is_noticed(greeting: bytes) -> None:
    with pytest.raises(NotAsteriskError, match="begins with its version"):
        AmiDecoder(AmiMetrics()).receive(greeting)


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_every_hangup_of_a_recording_comes_out(path: Path) -> None:
    recording = path.read_bytes()
    frames, metrics = decode(cut(BANNER + recording, list(range(0, len(recording), 7))))
    assert len(frames) == recording.count(b"Event: Hangup\r\n") > 0
    assert (metrics.passed_over_bytes > 0) == (b"Event: HangupRequest\r\n" in recording)
    assert (metrics.strange, metrics.oversized) == (0, 0)


def test_there_are_recordings() -> None:
    assert len(CAPTURES) == 52
