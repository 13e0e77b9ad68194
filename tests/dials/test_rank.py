from dataclasses import replace
from functools import reduce
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.dials.rank import better
from gateway.dials.recorder import Recorder
from gateway.dials.settings import RecorderSettings
from gateway.model.dial import CallEnd, Dial, EndSource
from gateway.model.variables import CallState

RECORDER = Recorder(RecorderSettings())
STATE = CallState(
    ani="+12345678901",
    phone="+15559876543",
    status="ASSIGNED",
    at="1700000000",
    dial_id="1700000000.7-1",
)

ENDS = st.builds(
    CallEnd,
    state=st.builds(
        STATE._replace, agent=st.sampled_from(["", "Jane"]), status=st.sampled_from(["", "ASSIGNED"])
    ),
    source=st.sampled_from(EndSource),
    uniqueid=st.just("1700000000.7"),
    ended_at=st.sampled_from([1_700_000_060.0, 1_700_000_061.0]),
    dialstatus=st.sampled_from(["", "ANSWER", "BUSY", "NOANSWER", "CHANUNAVAIL"]),
    is_up=st.sampled_from([True, False, None]),
    cause=st.sampled_from([None, 1, 16, 17]),
    answered_s=st.sampled_from([None, 0.0, 1.0, 42.0]),
    variables=st.fixed_dictionaries(
        {},
        optional={
            "DISPO": st.sampled_from(["SALE", "NI"]),
            "AMDSTATUS": st.sampled_from(["MACHINE", "HUMAN"]),
        },
    ),
)


def recorded(end: CallEnd) -> Dial:
    made = RECORDER.record(end)
    assert isinstance(made, Dial)
    return made


def kept_by_rank_alone(dials: list[Dial]) -> Dial:
    """As the spool keeps them: a row stays until one with a greater rank comes."""
    return reduce(lambda kept, dial: dial if dial.rank > kept.rank else kept, dials)


@given(st.lists(ENDS, min_size=1, max_size=8), st.randoms())
def test_of_several_tellings_the_same_one_wins_in_any_order_and_repeated(
    ends: list[CallEnd], random: object
) -> None:
    dials = [dial for end in ends if isinstance(dial := RECORDER.record(end), Dial)]
    if not dials:
        return
    shuffled = [*dials, *dials]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    best = reduce(better, dials)
    assert reduce(better, shuffled) == best
    assert kept_by_rank_alone(shuffled) == kept_by_rank_alone(dials) == best


@given(ENDS, ENDS)
def test_equal_ranks_are_equal_records(one: CallEnd, other: CallEnd) -> None:
    first, second = RECORDER.record(one), RECORDER.record(other)
    if isinstance(first, Dial) and isinstance(second, Dial):
        assert (first.rank == second.rank) == (first == second)


def test_better_tellings_rank_higher_one_above_the_other() -> None:
    gap = CallEnd(STATE, EndSource.GAP, "1700000000.7", 1_700_000_060.0)
    cdr = replace(gap, source=EndSource.CDR, dialstatus="BUSY")
    cdr_answered = replace(cdr, dialstatus="ANSWER")
    ami = replace(cdr, source=EndSource.AMI)
    report = replace(cdr, source=EndSource.REPORT)
    ami_with_machine = replace(ami, variables={"AMDSTATUS": "MACHINE"})
    cdr_with_agent = replace(cdr, variables={"DISPO": "SALE"})
    ami_with_agent = replace(ami, variables={"DISPO": "SALE"})
    ladder = [gap, cdr, cdr_answered, ami, report, ami_with_machine, cdr_with_agent, ami_with_agent]
    ranks = [recorded(end).rank for end in ladder]
    assert all(lower < higher for lower, higher in pairwise(ranks))


@given(ENDS)
def test_a_rank_fits_a_column_of_64_bits(end: CallEnd) -> None:
    made = RECORDER.record(end)
    assert not isinstance(made, Dial) or 0 <= made.rank < 2**42
