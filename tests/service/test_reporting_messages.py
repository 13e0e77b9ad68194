from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.decision import Reason, Source, Status
from gateway.model.dial import CallEnd, EndSource
from gateway.model.variables import CallState
from gateway.service.reporting_messages import (
    MAX_FRAME_BYTES,
    Assigned,
    Ended,
    FeedError,
    Frames,
    FromWorker,
    Hello,
    Prewarmed,
    Settled,
    Told,
    ToWorker,
    Watched,
    Welcome,
    frame,
)
from gateway.telemetry.figures import CallFigures, Decided, Spread, UpstreamFigures, UpstreamState
from gateway.telemetry.recent import LastCall

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
STATES = st.builds(CallState, *[TEXT] * len(CallState._fields))
ENDS = st.builds(
    CallEnd,
    STATES,
    st.sampled_from(EndSource),
    uniqueid=TEXT,
    ended_at=st.floats(0, 1e10),
    is_up=st.none() | st.booleans(),
    cause=st.none() | st.integers(0, 127),
    answered_s=st.none() | st.floats(0, 1e6),
    variables=st.dictionaries(TEXT, TEXT, max_size=3),
)
NUMBERS = st.integers(0, 2**40)
SPREADS = st.builds(Spread, st.lists(NUMBERS, max_size=3).map(tuple), st.floats(0, 1e6), st.just((0.1, 1.0)))
COUNTS = st.dictionaries(TEXT, NUMBERS, max_size=3)
FIGURES = st.builds(
    CallFigures,
    decided=st.lists(
        st.builds(
            Decided, st.sampled_from(Status), st.sampled_from(Source), st.sampled_from(Reason), SPREADS
        ),
        max_size=2,
    ).map(tuple),
    sessions=COUNTS,
    open=NUMBERS,
    upstreams=st.lists(
        st.builds(
            UpstreamFigures,
            TEXT,
            st.dictionaries(st.sampled_from(UpstreamState), NUMBERS),
            TEXT,
            failures=st.dictionaries(st.sampled_from(Reason), NUMBERS),
            latency=SPREADS,
        ),
        max_size=2,
    ).map(tuple),
    unknown_keys=COUNTS,
    able=st.lists(st.sampled_from(Source), max_size=2).map(tuple),
    takes_calls=st.booleans(),
    last_calls=st.lists(
        st.builds(LastCall, st.floats(0, 1e10), *[TEXT] * 5, st.floats(0, 9), TEXT), max_size=2
    ).map(tuple),
)
FROM_WORKER = st.one_of(
    st.builds(Hello, NUMBERS, st.floats(0, 1e10)),
    st.builds(Ended, NUMBERS, ENDS),
    st.builds(Assigned, st.lists(st.tuples(TEXT, STATES, TEXT), max_size=3)),
    st.builds(Told, FIGURES),
)
TO_WORKER = st.one_of(
    st.just(Welcome()),
    st.just(Watched()),
    st.builds(Settled, st.lists(NUMBERS), st.lists(NUMBERS)),
    st.builds(Prewarmed, st.lists(st.tuples(TEXT, TEXT, TEXT, st.floats(0, 1e6)), max_size=3)),
)


def read(kind: Any, stream: bytes, cuts: Sequence[int]) -> list[Any]:
    frames = Frames(kind)
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [message for start, end in pairwise(places) for message in frames.feed(stream[start:end])]


@given(st.lists(FROM_WORKER, max_size=5), st.lists(NUMBERS, max_size=20))
def test_what_a_worker_says_arrives_however_it_is_cut(messages: list[Any], cuts: list[int]) -> None:
    assert read(FromWorker, b"".join(map(frame, messages)), cuts) == messages


@given(st.lists(TO_WORKER, max_size=5), st.lists(NUMBERS, max_size=20))
def test_what_a_worker_is_told_arrives_however_it_is_cut(messages: list[Any], cuts: list[int]) -> None:
    assert read(ToWorker, b"".join(map(frame, messages)), cuts) == messages


@given(st.binary(max_size=60))
def test_nonsense_is_refused_or_waited_for_and_nothing_else(nonsense: bytes) -> None:
    try:
        messages = Frames(FromWorker).feed(nonsense)
    except FeedError:
        return
    assert all(isinstance(message, msgspec.Struct) for message in messages)


def test_half_characters_do_not_keep_a_report_from_arriving() -> None:
    end = CallEnd(CallState(agent="A\udcff"), EndSource.REPORT, uniqueid="1.1", ended_at=1.0)
    (message,) = Frames(FromWorker).feed(frame(Ended(7, end)))
    assert message.serial == 7
    assert message.end.state.agent == "A?"


def test_frame_too_large_to_be_ours_ends_the_connection() -> None:
    with pytest.raises(FeedError):
        Frames(FromWorker).feed((MAX_FRAME_BYTES + 1).to_bytes(4, "big"))
