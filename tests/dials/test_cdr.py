import tracemalloc
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from gateway.dials.cdr import BadRowError, CdrCount, CdrOptions, Derive, Row, call_ends
from gateway.dials.recorder import NoRecord, Recorder
from gateway.dials.settings import DispositionSettings, RecorderSettings
from gateway.model.dial import CallEnd, Dial, EndSource
from gateway.model.variables import CallState, pack

STATE = CallState(
    ani="+12345678901",
    phone="+15559876543",
    campaign="9001",
    status="ASSIGNED",
    source="outboundiq",
    at="1775831535",
    dial_id="1775831535.7-1",
)
ROW: Mapping[str, object] = {
    "calldate": datetime(2026, 4, 10, 14, 32, 15),  # noqa: DTZ001 - as a database driver gives it
    "src": "7001",
    "dst": "15559876543",
    "dcontext": "from-internal",
    "channel": "PJSIP/7001-00000001",
    "dstchannel": "PJSIP/trunk-00000002",
    "lastapp": "Dial",
    "duration": 60,
    "billsec": 42,
    "disposition": "ANSWERED",
    "uniqueid": "1775831535.7",
    "userfield": pack(STATE),
    "did": "",
    "cnum": "7001",
    "outbound_cnum": "2345678901",
}
OPTIONS = CdrOptions()
DERIVED = CdrOptions(derive=Derive(contexts=frozenset({"from-internal"}), campaign="9001"))
AT_UTC = 1_775_831_535.0


def ends(*rows: Mapping[str, object], options: CdrOptions = OPTIONS) -> list[CallEnd]:
    def refuse(where: str, error: BadRowError) -> None:
        raise AssertionError(where) from error

    return list(call_ends((Row("cdr", row) for row in rows), options, refuse))


def row(**changes: object) -> dict[str, object]:
    return {**ROW, **changes}


def bare(**changes: object) -> dict[str, object]:
    return row(userfield="", **changes)


def records(*rows: Mapping[str, object], options: CdrOptions = OPTIONS) -> list[tuple[str, str, str]]:
    made = [Recorder(RecorderSettings()).record(end) for end in ends(*rows, options=options)]
    return [(one.dial_id, one.ani, one.disposition_name) for one in made if isinstance(one, Dial)]


def refused(*rows: Mapping[str, object]) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    told = (Row(f"cdr:{number}", row) for number, row in enumerate(rows, 1))
    list(call_ends(told, OPTIONS, lambda where, error: said.append((where, str(error)))))
    return said


def test_a_row_of_the_table_is_the_end_of_a_call() -> None:
    (end,) = ends(ROW)
    assert end == CallEnd(
        STATE,
        EndSource.CDR,
        uniqueid="1775831535.7",
        ended_at=AT_UTC + 60,
        dialstatus="ANSWER",
        answered_s=42.0,
        variables=end.variables,
    )
    assert end.variables["outbound_cnum"] == "2345678901"


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        ("ANSWERED", "Answered"),
        ("NO ANSWER", "No Answer"),
        ("BUSY", "Busy"),
        ("FAILED", "Failed"),
        ("CONGESTION", "Congestion"),
    ],
)
def test_every_disposition_of_a_cdr_has_its_name(disposition: str, expected: str) -> None:
    assert records(row(disposition=disposition)) == [(STATE.dial_id, STATE.ani, expected)]


def test_columns_of_your_own_tell_what_a_cdr_cannot() -> None:
    told = row(disposition="FAILED", dialstatus="CHANUNAVAIL", hangupcause="1", dispo="")
    assert [name for _, _, name in records(told)] == ["Bad Number"]
    assert [name for _, _, name in records({**told, "DISPO": "Sale"})] == ["Sale"]


def test_a_column_other_than_userfield_may_hold_the_state() -> None:
    options = CdrOptions(state_column="Gateway")
    assert [end.state for end in ends(bare(gateway=pack(STATE)), options=options)] == [STATE]


def test_a_state_cut_by_the_userfield_loses_its_last_field_only() -> None:
    packed = pack(STATE._replace(agent="Jane", campaign_name="c" * 200, skill="s" * 100))
    (end,) = ends(row(userfield=packed[:255]))
    assert (end.state.dial_id, end.state.agent, end.state.skill) == (STATE.dial_id, "Jane", "")


def test_two_rows_of_a_failed_call_are_one_dial() -> None:
    dialled = row(disposition="BUSY", billsec=0)
    hung_up = row(disposition="FAILED", lastapp="Hangup", dstchannel="", billsec=0)
    assert records(dialled, hung_up) == records(hung_up, dialled) == [(STATE.dial_id, STATE.ani, "Busy")]


def test_a_second_trunk_that_answered_is_the_outcome() -> None:
    first = row(disposition="FAILED", billsec=0, duration=1)
    second = row(duration=61)
    assert records(first, second) == records(second, first) == [(STATE.dial_id, STATE.ani, "Answered")]


def test_of_two_trunks_that_failed_the_later_is_the_outcome() -> None:
    first = row(disposition="FAILED", billsec=0, duration=1)
    second = row(disposition="BUSY", billsec=0, duration=9)
    assert records(first, second) == records(second, first) == [(STATE.dial_id, STATE.ani, "Busy")]


def test_segments_of_a_transferred_call_add_up() -> None:
    (end,) = ends(row(), row(billsec=18, duration=120))
    assert (end.answered_s, end.ended_at) == (60.0, AT_UTC + 120)


def test_two_assignments_of_one_channel_are_two_dials() -> None:
    second = STATE._replace(dial_id="1775831535.7-2", phone="+15559876900")
    assert [one[0] for one in records(row(), row(userfield=pack(second)))] == [
        "1775831535.7-1",
        "1775831535.7-2",
    ]


def test_rows_too_far_apart_still_meet_in_the_better_record() -> None:
    failed = row(disposition="FAILED", billsec=0, duration=1)
    others = (
        row(uniqueid=f"9.{number}", userfield=pack(STATE._replace(dial_id=str(number))))
        for number in range(3000)
    )
    made = [Recorder(RecorderSettings()).record(end) for end in ends(failed, *others, row())]
    same = [dial for dial in made if isinstance(dial, Dial) and dial.dial_id == STATE.dial_id]
    assert max(same, key=lambda dial: dial.rank).disposition_name == "Answered"


def test_assigned_and_never_dialled_makes_no_record() -> None:
    (end,) = ends(row(disposition="NO ANSWER", lastapp="AGI", dstchannel="", billsec=0))
    assert Recorder(RecorderSettings()).record(end) is NoRecord.NEVER_DIALLED


def test_originated_to_a_trunk_goes_by_its_disposition() -> None:
    packed = pack(CallState(ani=STATE.ani, phone=STATE.phone))
    originated = row(userfield=packed, lastapp="AppDial2", dstchannel="", disposition="BUSY", billsec=0)
    assert records(originated) == [("1775831535.7-1", STATE.ani, "Busy")]


def test_without_a_state_a_row_is_not_ours_unless_it_is_to_be_derived() -> None:
    assert records(bare()) == []
    assert records(bare(), options=DERIVED) == [("1775831535.7-1", "+12345678901", "Answered")]
    (end,) = ends(bare(), options=DERIVED)
    assert end.state == CallState(ani="2345678901", phone="+15559876543", campaign="9001", at="1775831535")


def test_a_derived_dial_has_the_id_of_the_other_sources() -> None:
    (end,) = ends(bare(), options=DERIVED)
    made = Recorder(RecorderSettings(), pbx_id="pbx1").record(end)
    assert isinstance(made, Dial)
    assert made.dial_id == "pbx1-1775831535.7-1"


@pytest.mark.parametrize(
    "other",
    [
        {"did": "2345678901"},
        {"dcontext": "from-trunk"},
        {"dst": "7002"},
        {"dst": "s"},
        {"lastapp": "Playback", "dstchannel": ""},
    ],
    ids=["inbound", "another context", "internal", "no number", "not dialled"],
)
def test_only_outbound_calls_are_derived(other: dict[str, object]) -> None:
    assert ends(bare(**other), options=DERIVED) == []


@pytest.mark.parametrize(
    ("missing", "ani"), [(("outbound_cnum",), "7001"), (("outbound_cnum", "cnum"), "7001")]
)
def test_a_table_without_the_outbound_number_shows_what_there_is(missing: tuple[str, ...], ani: str) -> None:
    (end,) = ends(bare(**dict.fromkeys(missing)), options=DERIVED)
    assert end.state.ani == ani


def test_times_are_of_the_pbx_s_zone() -> None:
    new_york = CdrOptions(timezone=ZoneInfo("America/New_York"))
    assert ends(ROW, options=new_york)[0].ended_at == AT_UTC + 60 + 4 * 3600
    aware = row(calldate="2026-04-10 14:32:15+00:00")
    assert ends(aware, options=new_york)[0].ended_at == AT_UTC + 60


@pytest.mark.parametrize(("since", "until", "wanted"), [(0, 1, 1), (-1, 0, 0), (1, 2, 0)])
def test_the_range_takes_its_begin_and_leaves_its_end(since: int, until: int, wanted: int) -> None:
    options = CdrOptions(since=AT_UTC + since, until=AT_UTC + until)
    assert len(ends(ROW, options=options)) == wanted


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"calldate": None}, "there is no start or calldate"),
        ({"calldate": "yesterday"}, "calldate is not a time like 2026-04-10 14:32:15"),
        ({"disposition": "15559876543"}, "disposition is none of Asterisk's words"),
        ({"billsec": "long"}, "billsec is not a number of seconds"),
        ({"duration": -1}, "duration is not a number of seconds"),
        (
            {"uniqueid": "", "userfield": pack(STATE._replace(dial_id=""))},
            "uniqueid is empty: cdr_csv writes it",
        ),
    ],
)
def test_a_bad_row_is_named_and_the_others_go_on(wrong: dict[str, object], says: str) -> None:
    ((where, said),) = refused(ROW, row(**wrong), ROW)
    assert where == "cdr:2"
    assert said.startswith(says)


def test_every_row_is_counted() -> None:
    count = CdrCount()
    rows = [ROW, ROW, bare(), row(calldate="x"), row(calldate="1999-01-01 00:00:00")]
    options = CdrOptions(since=AT_UTC - 10)
    list(call_ends((Row("cdr", one) for one in rows), options, lambda _where, _error: None, count))
    assert count == CdrCount(rows=5, bad=1, out_of_range=1, not_ours=1, calls=1)


def test_memory_does_not_grow_with_the_rows() -> None:
    def many() -> Iterator[Row]:
        for number in range(12_000):
            state = STATE._replace(dial_id=f"{number}-1")
            yield Row("cdr", row(uniqueid=str(number), userfield=pack(state)))

    made = call_ends(many(), OPTIONS, lambda _where, _error: None)
    tracemalloc.start()
    try:
        assert sum(1 for _ in islice(made, 1_000)) == 1_000
        early, _ = tracemalloc.get_traced_memory()
        assert sum(1 for _ in islice(made, 8_000)) == 8_000
        late, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert late < early * 1.2


def test_an_agent_s_disposition_may_be_a_column() -> None:
    settings = RecorderSettings(DispositionSettings(agent_variables=("accountcode",)))
    (end,) = ends(row(accountcode="Sale"))
    made = Recorder(settings).record(end)
    assert isinstance(made, Dial)
    assert made.disposition_name == "Sale"
