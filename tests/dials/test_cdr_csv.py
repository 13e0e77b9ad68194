from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.dials.cdr import BadRowError, CdrOptions, Row, call_ends
from gateway.dials.cdr_csv import read_csv
from gateway.dials.recorder import NoRecord, Recorder
from gateway.dials.settings import RecorderSettings
from gateway.model.dial import Dial
from gateway.model.variables import CallState, pack

FIXTURES = Path(__file__).parents[1] / "fixtures" / "cdr"
RECORDER = Recorder(RecorderSettings())
STATE = pack(CallState(ani="+12345678901", phone="+15559876543", status="ASSIGNED", dial_id="1775831535.7-1"))
CDR_CSV = (
    '"","7001","15559876543","outbound","""Agent 7"" <7001>","PJSIP/7001-1","PJSIP/trunk-2","Dial",'
    '"PJSIP/15559876543@trunk,30","2026-04-10 14:32:15","2026-04-10 14:32:33","2026-04-10 14:33:15",60,42,'
    '"ANSWERED","DOCUMENTATION"'
)
CDR_CUSTOM = (
    '"""Agent 7"" <7001>","7001","15559876543","outbound","PJSIP/7001-1","PJSIP/trunk-2","Dial",'
    '"PJSIP/15559876543@trunk,30","2026-04-10 14:32:15","2026-04-10 14:32:33","2026-04-10 14:33:15",'
    f'"60","42","ANSWERED","3","","1775831535.7","{STATE}","4"'
)
EXPORT = (
    "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,duration,billsec,disposition,uniqueid,userfield",
    f"2026-04-10 14:32:15,x,7001,15559876543,o,a,b,Dial,60,42,ANSWERED,1775831535.7,{STATE}",
)


def read(*lines: str, columns: tuple[str, ...] = ()) -> tuple[list[Row], list[tuple[str, str]]]:
    bad: list[tuple[str, str]] = []
    rows = list(read_csv(lines, "Master.csv", lambda where, e: bad.append((where, str(e))), columns=columns))
    return rows, bad


def values(*lines: str, columns: tuple[str, ...] = ()) -> dict[str, object]:
    ((row,), bad) = read(*lines, columns=columns)
    assert bad == []
    return dict(row.values)


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("", {}),
        (',"1775831535.7"', {"uniqueid": "1775831535.7"}),
        (f',"1775831535.7","{STATE}"', {"uniqueid": "1775831535.7", "userfield": STATE}),
        (f',"{STATE}"', {"userfield": STATE}),
        (
            ',"pbx1-1775831535.7","","1775831535.6",4',
            {"uniqueid": "pbx1-1775831535.7", "peeraccount": "", "linkedid": "1775831535.6", "sequence": "4"},
        ),
        (
            f',"1775831535.7","{STATE}","","1775831535.6",4',
            {"uniqueid": "1775831535.7", "userfield": STATE, "linkedid": "1775831535.6"},
        ),
    ],
)
def test_cdr_csv_is_read_with_whatever_columns_it_has(tail: str, expected: dict[str, str]) -> None:
    read_values = values(CDR_CSV + tail + "\n")
    assert expected.items() <= read_values.items()
    assert ("userfield" in read_values) == ("userfield" in expected)
    assert (read_values["dst"], read_values["clid"]) == ("15559876543", '"Agent 7" <7001>')
    assert (read_values["start"], read_values["billsec"]) == ("2026-04-10 14:32:15", "42")


def test_cdr_custom_is_told_by_where_the_disposition_stands() -> None:
    read_values = values(CDR_CUSTOM)
    assert (read_values["dst"], read_values["uniqueid"], read_values["userfield"]) == (
        "15559876543",
        "1775831535.7",
        STATE,
    )


def test_a_header_line_names_the_columns() -> None:
    read_values = values("\ufeff" + EXPORT[0].upper() + "\r\n", EXPORT[1] + "\r\n")
    assert (read_values["calldate"], read_values["userfield"]) == ("2026-04-10 14:32:15", STATE)


def test_columns_can_be_named_for_a_file_of_its_own_order() -> None:
    assert values("1.2,BUSY", columns=("Uniqueid", " disposition ")) == {
        "uniqueid": "1.2",
        "disposition": "BUSY",
    }


def test_all_forms_make_the_same_end() -> None:
    def ends(*lines: str) -> list[tuple[str, str, float, float | None]]:
        rows, _ = read(*lines)
        made = call_ends(rows, CdrOptions(), lambda _where, _error: None)
        return [(end.state.dial_id, end.dialstatus, end.ended_at, end.answered_s) for end in made]

    expected = [("1775831535.7-1", "ANSWER", 1_775_831_595.0, 42.0)]
    assert ends(f'{CDR_CSV},"1775831535.7","{STATE}"') == expected
    assert ends(CDR_CUSTOM) == expected
    assert ends(*EXPORT) == expected


def test_a_torn_line_spoils_no_other() -> None:
    rows, bad = read(CDR_CSV, '"","7001","1555', CDR_CSV, "", "a,b", CDR_CSV)
    assert [row.where for row in rows] == ["Master.csv:1", "Master.csv:3", "Master.csv:6"]
    assert [where for where, _ in bad] == ["Master.csv:2", "Master.csv:5"]
    assert bad[0][1].startswith("is not CSV: ")
    assert bad[1][1] == "has 2 columns and no disposition where cdr_csv or cdr_custom write it"


def test_a_line_shorter_than_its_header_is_bad() -> None:
    _, bad = read(EXPORT[0], "2026-04-10 14:32:15,x")
    assert bad == [("Master.csv:2", "has 2 columns where there are 13")]


def test_a_line_is_read_before_the_next_is_asked_for() -> None:
    asked: list[int] = []

    def lines() -> Iterator[str]:
        for number in range(3):
            asked.append(number)
            yield CDR_CSV

    rows = read_csv(lines(), "Master.csv", lambda _where, _error: None)
    assert next(rows).where == "Master.csv:1"
    assert asked == [0]


def test_a_real_file_makes_one_record_a_dial() -> None:
    """Six calls of Asterisk 22: answered, busy, congestion, no answer, 404, assigned and never dialled."""
    with (FIXTURES / "Master.csv").open(newline="") as lines:
        made = [
            RECORDER.record(end)
            for end in call_ends(read_csv(lines, "Master.csv", refuse), CdrOptions(), refuse)
        ]
    assert [one.disposition_name if isinstance(one, Dial) else one for one in made] == [
        "Answered",
        "Busy",
        "Congestion",
        "No Answer",
        "No Answer",
        NoRecord.NEVER_DIALLED,
    ]
    phones = [one.prospect_phone for one in made if isinstance(one, Dial)]
    assert phones == [f"+1555987650{number}" for number in range(5)]


def refuse(where: str, error: BadRowError) -> None:
    raise AssertionError(where) from error
