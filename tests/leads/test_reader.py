import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.leads.columns import ColumnNames
from gateway.leads.reader import LeadsError, Row, Sheet, read_rows, read_sheet
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber

PHONE = PhoneNumber("+14045550123")


def sheet_of(folder: Path, content: bytes, names: ColumnNames | None = None) -> tuple[Path, Sheet]:
    path = folder / "leads.csv"
    path.write_bytes(content)
    return path, read_sheet(path, names or ColumnNames())


def rows_of(folder: Path, content: bytes, *, campaign: str = "") -> list[Row]:
    path, sheet = sheet_of(folder, content)
    return list(read_rows(path, sheet, sheet.first, campaign=campaign))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiter_bom_and_line_ends_are_found_out(
    tmp_path: Path, delimiter: str, bom: bytes, end: str
) -> None:
    text = end.join(["name|phone|zip|campaign", "Ann|(404) 555-0123|30303-1234|c1", ""])
    content = bom + text.replace("|", delimiter).encode()
    path, sheet = sheet_of(tmp_path, content)
    assert (sheet.delimiter, sheet.has_bom, sheet.line_end) == (delimiter, bool(bom), end)
    (row,) = read_rows(path, sheet, sheet.first)
    assert row.lead == Lead(PHONE, "30303", "c1", real_time=False)
    assert row.after.offset == len(content)


def test_a_line_end_in_quotes_belongs_to_its_row(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, b'phone,note\n4045550123,"one\ntwo"\n\n4045550124,\n')
    assert [row.cells[1] for row in rows] == ["one\ntwo", ""]
    assert [row.line for row in rows] == [2, 5]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("'4045550123", PHONE),
        ("4045550123.0", PHONE),
        (" +1 404 555 0123 ", PHONE),
        ("555-0123", None),
        ("020 7946 0958", None),
        ("01697 73555", None),
        ("4.04556E+09", None),
        ("", None),
    ],
)
def test_a_phone_is_read_as_spreadsheets_spoil_it(
    tmp_path: Path, cell: str, expected: PhoneNumber | None
) -> None:
    (row,) = rows_of(tmp_path, f"phone,name\n{cell},x\n".encode())
    assert (row.lead.phone if row.lead else None) == expected
    assert bool(row.fault) is (expected is None)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("02116", "02116"), ("2116", "02116"), ("601.0", "00601"), ("SW1A 1AA", ""), ("12", "")],
)
def test_a_zip_has_the_zeros_back_that_a_spreadsheet_cut_off(
    tmp_path: Path, cell: str, expected: str
) -> None:
    (row,) = rows_of(tmp_path, f"phone,zip\n4045550123,{cell}\n".encode())
    assert row.lead is not None
    assert row.lead.zip == expected


def test_leads_that_name_no_campaign_have_the_one_given(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, b"phone,campaign\n4045550123,a\n4045550123,\n", campaign="all")
    assert [row.lead.campaign for row in rows if row.lead] == ["a", "all"]


def test_bytes_that_are_no_utf8_are_kept_and_told(tmp_path: Path) -> None:
    good, bad = rows_of(tmp_path, b"phone,name\n4045550123,Jos\xc3\xa9\n4045550123,Jos\xe9\n")
    assert (good.is_utf8, bad.is_utf8) == (True, False)
    assert bad.lead is not None
    assert bad.cells[1].encode("utf-8", "surrogateescape") == b"Jos\xe9"


def test_a_campaign_that_is_no_utf8_is_a_fault(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, b"phone,campaign\n4045550123,\xe9\n")
    assert (row.lead, row.fault) == (None, "campaign: not UTF-8")


def test_a_quote_that_is_never_closed_costs_one_line(tmp_path: Path) -> None:
    content = b'phone,name\n4045550123,"Ann\n' + b"4045550124,x\n" * 20_000
    rows = rows_of(tmp_path, content)
    assert len(rows) == 20_001
    assert rows[0].fault.startswith("line 2 is not CSV: ")
    assert all(row.lead for row in rows[1:])


def test_cells_too_many_are_a_fault_unless_empty(tmp_path: Path) -> None:
    fine, wrong, short = rows_of(tmp_path, b"phone,zip\n4045550123,1,,\n4045550123,1,2\n4045550123\n")
    assert (fine.fault, fine.cells) == ("", ["4045550123", "1"])
    assert wrong.fault == "line 3 has 3 cells where the header has 2"
    assert short.cells == ["4045550123", ""]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column is called phone"),
        (b"name,mobile\n", "its columns are: name, mobile"),
        ("phone\n".encode("utf-16"), "is UTF-16"),
        (b'"phone', "the header is not CSV"),
    ],
)
def test_a_file_that_is_no_lead_file_is_refused_with_the_reason(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(LeadsError, match=message) as caught:
        sheet_of(tmp_path, content)
    assert caught.value.hint


def test_a_line_without_end_stops_the_reading(tmp_path: Path) -> None:
    with pytest.raises(LeadsError, match="line 2 is longer than 1048576 bytes"):
        rows_of(tmp_path, b"phone\n" + b"4" * 1_100_000)


cells = st.text(alphabet=st.sampled_from('ab1",;\r\n\té '), max_size=8)


@given(st.lists(st.tuples(cells, cells), max_size=8), st.sampled_from([",", ";"]))
def test_any_table_is_read_as_it_was_written_from_any_row(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str]], delimiter: str
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerow(("phone", "x", "y"))
    csv.writer(text, delimiter=delimiter).writerows(("1", *row) for row in table)
    path, sheet = sheet_of(tmp_path_factory.mktemp("any"), text.getvalue().encode())
    rows = list(read_rows(path, sheet, sheet.first))
    assert [tuple(row.cells[1:]) for row in rows] == table
    for place, row in enumerate(rows):
        rest = [later.cells for later in read_rows(path, sheet, row.after)]
        assert rest == [later.cells for later in rows[place + 1 :]]


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    path, sheet = sheet_of(folder, b"phone,zip,campaign\n" + content)
    for row in read_rows(path, sheet, sheet.first):
        assert len(row.cells) == 3
        assert (row.lead is None) == bool(row.fault)
