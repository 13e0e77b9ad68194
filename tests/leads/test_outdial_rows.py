import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.leads.csv_file import CsvFile
from gateway.leads.outdial_rows import (
    COLUMNS,
    BadLeadError,
    LeadFileError,
    LeadRow,
    cells_of,
    fingerprint,
    parse_destination,
    read_rows,
    target_of,
    written,
)
from gateway.model.outdial import Address, AddressType, OutdialTarget, TargetStatus

TEL, SIP, EMAIL = AddressType.TEL, AddressType.SIP, AddressType.EMAIL


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("+15559876543", Address(TEL, "+15559876543")),
        ("(555) 987-6543", Address(TEL, "+15559876543")),
        ("tel:+442079460018", Address(TEL, "+442079460018")),
        ("sip:ann@example.com", Address(SIP, "sip:ann@example.com")),
        ("SIPS:ann@example.com", Address(SIP, "SIPS:ann@example.com")),
        ("ann@example.com", Address(EMAIL, "ann@example.com")),
        ("mailto:ann@example.com", Address(EMAIL, "ann@example.com")),
        ("911", None),
        ("0000000000", None),
        ("sip:", None),
        ("sip:a b@c", None),
        ("ann@", None),
        ("", None),
        ("ann", None),
    ],
)
def test_a_destination_is_written_as_people_write_it(text: str, address: Address | None) -> None:
    assert parse_destination(text) == address


def test_a_sip_address_without_its_scheme_gets_one() -> None:
    assert written(Address(SIP, "ann@example.com")) == "sip:ann@example.com"
    assert written(None) == ""


ADDRESSES = st.none() | st.sampled_from(
    [Address(TEL, "+15559876543"), Address(SIP, "sip:a@b.example"), Address(EMAIL, "a@b.example")]
)
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)


@given(destinations=st.tuples(*[ADDRESSES] * 5).filter(any), texts=st.tuples(TEXTS, TEXTS, TEXTS))
def test_a_target_written_to_a_file_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    destinations: tuple[Address | None, ...],
    texts: tuple[str, str, str],
) -> None:
    path = tmp_path_factory.mktemp("rows") / "leads.csv"
    target = OutdialTarget(destinations, *texts, id="t1", status=TargetStatus.DONE, tries=(3, 0, 0, 0, 0))
    with CsvFile(path, 0) as file:
        file.add([COLUMNS, cells_of(target)])
    (row,) = read_rows(path)
    again = target_of(row, "leads.csv")
    assert again.destinations == destinations
    for before, after in zip(texts, (again.name, again.detail, again.data), strict=True):
        assert after == before.strip() or not before.strip()


def test_columns_are_in_their_order_and_phone_is_the_first_number(tmp_path: Path) -> None:
    sip, tel = Address(SIP, "sip:a@b.example"), Address(TEL, "+15559876543")
    target = OutdialTarget((sip, None, tel, None, None), "Ann", id="t1", tries=(1, 0, 2, 0, 0))
    with CsvFile(tmp_path / "leads.csv", 0) as file:
        file.add([COLUMNS, cells_of(target)])
    (row,) = csv.DictReader((tmp_path / "leads.csv").read_text().splitlines())
    assert list(row)[:9] == [
        "target_id", "name", "phone",
        "destination_0", "destination_1", "destination_2", "destination_3", "destination_4", "status",
    ]  # fmt: skip
    assert (row["phone"], row["destination_0"], row["tries_2"]) == ("+15559876543", "sip:a@b.example", "2")


def test_a_phone_counts_where_there_is_no_destination() -> None:
    phone = target_of(LeadRow(7, {"phone": "5559876543", "destination_0": ""}), "leads.csv")
    assert phone.destinations == (Address(TEL, "+15559876543"), None, None, None, None)
    other = target_of(LeadRow(7, {"phone": "5559876543", "destination_3": "a@b.example"}), "leads.csv")
    assert other.destinations == (None, None, None, Address(EMAIL, "a@b.example"), None)


def test_texts_that_are_missing_are_made_up_of_the_line() -> None:
    target = target_of(LeadRow(7, {"phone": "5559876543", "name": ""}), "leads.csv")
    assert (target.name, target.detail, target.data) == ("lead 7", "leads.csv line 7", "line 7")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (LeadRow(2, {"phone": "555-1"}), "phone is no SIP address .*, and no phone number"),
        (LeadRow(2, {"phone": "5559876543", "destination_1": "x"}), "destination_1 is no SIP address"),
        (LeadRow(2, {"phone": ""}), "has neither a phone nor a destination"),
        (LeadRow(2, {"name": "Ann"}), "has neither a phone nor a destination"),
        (LeadRow(2, {"phone": "5559876543"}, is_ragged=True), "has more cells"),
    ],
)
def test_a_bad_row_says_why_and_not_what(row: LeadRow, reason: str) -> None:
    with pytest.raises(BadLeadError, match=reason) as raised:
        target_of(row, "leads.csv")
    assert "555" not in str(raised.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["Phone", "Phone Number", "prospect_phone", "tel"])
def test_a_file_that_assign_reads_is_read_here_too(tmp_path: Path, delimiter: str, name: str) -> None:
    header, cells = delimiter.join((name, "Name")), delimiter.join(("5559876543.0", f'"A{delimiter}b"'))
    (tmp_path / "leads.csv").write_bytes(f"\ufeff{header}\r\n{cells}\r\n".encode())
    (row,) = read_rows(tmp_path / "leads.csv")
    assert row.cells["name"] == f"A{delimiter}b"
    assert target_of(row, "leads.csv").destinations[0] == Address(TEL, "+15559876543")


def test_of_two_columns_for_the_phone_the_usual_one_counts(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text("tel,phone\n1,5559876543\n")
    (row,) = read_rows(tmp_path / "leads.csv")
    assert row.cells == {"tel": "1", "phone": "5559876543"}


def test_rows_know_their_lines_and_short_ones_are_filled(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(
        b'\xef\xbb\xbfPhone , NAME,detail\r\n+15559876543,"Ann\r\nB",x\r\n\r\n5559876542\r\n1,2,3,4\r\n'
    )
    rows = list(read_rows(path))
    assert [row.line for row in rows] == [3, 5, 6]
    assert rows[0].cells == {"phone": "+15559876543", "name": "Ann\r\nB", "detail": "x"}
    assert rows[1].cells == {"phone": "5559876542", "name": "", "detail": ""}
    assert [row.is_ragged for row in rows] == [False, False, True]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "names neither phone nor destination_0"),
        (b"name,zip\nAnn,90210\n", "names neither phone nor destination_0"),
        (b"phone,name\n5559876543,Ann\n5559876543,\xff\n", "is not UTF-8"),
        (b"phone,name\n5559876543," + b"x" * 200_000 + b"\n", "is no CSV after line"),
    ],
)
def test_a_file_that_cannot_be_used_says_so(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "leads.csv").write_bytes(content)
    with pytest.raises(LeadFileError, match=message):
        list(read_rows(tmp_path / "leads.csv"))


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(LeadFileError, match="cannot be read: No such file"):
        list(read_rows(tmp_path / "leads.csv"))
    with pytest.raises(LeadFileError, match="cannot be read: No such file"):
        fingerprint(tmp_path / "leads.csv")


def test_a_file_is_cut_to_what_was_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with CsvFile(path, 0) as file:
        file.add([("a", "b"), ("1", "2")])
        whole = file.size
        file.add([("3", "4")])
    with CsvFile(path, whole) as file:
        file.add([("5", "6")])
    assert path.read_text() == "a,b\n1,2\n5,6\n"
    with pytest.raises(OSError, match="shorter than it was"):
        CsvFile(path, 1_000)
