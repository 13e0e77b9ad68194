import re
from collections.abc import Callable
from typing import Any

import pytest

from gateway.ami.decoder import AmiDecoder, FrameKind
from gateway.ami.events import Hangup, NoCall, read_hangup
from gateway.telemetry.metrics import AmiMetrics

STATE = b"1|+15552345678|+12025550123||ASSIGNED|outboundiq|1700000000|1700000000.7-1"


@pytest.fixture
def told(part: Callable[[str], Any]) -> bytes:
    events: bytes = part("pbx").call_events().told(b"1700000000.7", STATE)
    return events


def test_a_call_is_told_in_forty_events_of_the_size_of_real_ones(told: bytes) -> None:
    events = told.split(b"\r\n\r\n")[:-1]
    assert len(events) == 40
    assert all(event.startswith(b"Event: ") for event in events)
    assert 550 < len(told) / 40 < 750
    assert len({event.split(b"\r\n")[0] for event in events}) > 5


def test_the_gateway_reads_one_call_end_out_of_them(told: bytes) -> None:
    decoder = AmiDecoder(AmiMetrics())
    decoder.receive(b"Asterisk Call Manager/11.0.0\r\n" + told)
    frames = decoder.frames(100)
    assert [frame.kind for frame in frames] == [FrameKind.HANGUP] * 2
    other, ours = (read_hangup(frame.body, pbx="", heard_at=0.0) for frame in frames)
    assert other is NoCall.NOT_ASSIGNED
    assert isinstance(ours, Hangup)
    assert (ours.end.uniqueid, ours.end.state.dial_id) == ("1700000000.7", "1700000000.7-1")
    assert not ours.lacks_variables


def test_only_variables_of_the_shipped_configuration_are_in_them(told: bytes) -> None:
    names = set(re.findall(rb"\r\nChanVariable: ([^=]+)=", told))
    assert names == {b"GATEWAY", b"DIALSTATUS", b"ANSWEREDTIME"}
