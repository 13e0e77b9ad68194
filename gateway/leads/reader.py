"""Leads in: a CSV file, row by row, from any row's beginning.

RFC 4180 with `,`, `;` or a tab between cells, which the header tells; line ends LF or CRLF, a BOM or none.
Memory does not grow with the file. Bytes that are no UTF-8 are kept as they are and written again unchanged.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gateway.leads.columns import ColumnError, ColumnNames, Columns, find_columns
from gateway.model.lead import Lead, parse_zip
from gateway.model.phone import parse_phone

DELIMITERS = (",", ";", "\t")
BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_MAX_LINE_BYTES = 1_048_576
NO_PHONE = "no phone number: write 10 digits or + and the country code"
"""Said of a cell: a national number of another country and 4.04556E+09 are none either."""
_AS_DECIMAL = re.compile(r"(\+?[0-9]+)\.0", re.ASCII)
_CUT_ZIP = re.compile(r"[0-9]{3,4}", re.ASCII)


class LeadsError(Exception):
    """The file cannot be read on; the text names it, `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Place(NamedTuple):
    """The beginning of a row: bytes before it, and lines before it."""

    offset: int
    line: int


class Row(NamedTuple):
    """One row of the file. Without a `lead` it cannot be asked for, and `fault` says why."""

    line: int
    """The line it begins on, from 1."""
    cells: list[str]
    """The cells to write again, as many as `Sheet.kept_header`."""
    lead: Lead | None
    fault: str
    is_utf8: bool
    after: Place
    """Where the next row begins."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the header tells of a file."""

    delimiter: str
    has_bom: bool
    line_end: str
    header: tuple[str, ...]
    columns: Columns
    first: Place
    """Where the first row begins."""

    @property
    def kept_header(self) -> list[str]:
        """Names of the columns that are written again."""
        return [self.header[place] for place in self.columns.kept]


def read_sheet(path: Path, names: ColumnNames) -> Sheet:
    """Read the header. Raises `LeadsError`, `OSError`."""
    with path.open("rb") as file:
        start = file.read(len(BOM))
        if start.startswith(_UTF_16):
            raise LeadsError(f'"{path}" is UTF-16', "save it as CSV UTF-8")
        has_bom = start == BOM
        sheets, wrong = [], ""
        for delimiter in DELIMITERS:
            try:
                sheets.append(_sheet(file, delimiter, names, has_bom=has_bom))
            except ColumnError as error:
                wrong = wrong or str(error)
    if not sheets:
        raise LeadsError(f'"{path}": {wrong}', "name the column: --phone-column NAME")
    return max(sheets, key=lambda sheet: len(sheet.header))


def read_rows(path: Path, sheet: Sheet, start: Place, *, campaign: str = "") -> Iterator[Row]:
    """Each row from `start` on; blank lines are none. `campaign` is that of leads that name none.

    Raises `LeadsError` when a line is too long to be CSV, and `OSError`.
    """
    with path.open("rb") as file:
        lines = _Lines(file, start, str(path))
        reader = _reader(lines, sheet.delimiter)
        while True:
            before = lines.place
            fault = ""
            try:
                cells = next(reader, None)
            except csv.Error as error:
                # A quote that is never closed swallows what follows: give the line up, not the rows after it.
                lines.go_to(before)
                cells, fault = [next(lines).rstrip("\r\n")], f"line {before.line + 1} is not CSV: {error}"
                reader = _reader(lines, sheet.delimiter)
            if cells is None:
                return
            if cells:
                yield _row(cells, fault, sheet, before=before, after=lines.place, campaign=campaign)


class _Lines:
    """The lines of a file as text, and where the next one begins."""

    def __init__(self, file: BinaryIO, start: Place, name: str) -> None:
        self._file = file
        self._name = name
        self.go_to(start)

    def go_to(self, place: Place) -> None:
        self.place = place
        self._file.seek(place.offset)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(_MAX_LINE_BYTES)
        if not line:
            raise StopIteration
        if len(line) == _MAX_LINE_BYTES:
            message = f'"{self._name}" line {self.place.line + 1} is longer than {_MAX_LINE_BYTES} bytes'
            raise LeadsError(message, "is it a CSV file? Lines must end with LF or CRLF")
        self.place = Place(self.place.offset + len(line), self.place.line + 1)
        return line.decode("utf-8", "surrogateescape")


def _reader(lines: _Lines, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=delimiter, strict=True)


def _sheet(file: BinaryIO, delimiter: str, names: ColumnNames, *, has_bom: bool) -> Sheet:
    """The header as read with `delimiter`. Raises `ColumnError`, `LeadsError`."""
    lines = _Lines(file, Place(len(BOM) if has_bom else 0, 0), file.name)
    try:
        header = tuple(next(_reader(lines, delimiter), ()))
    except csv.Error as error:
        raise ColumnError(f"the header is not CSV: {error}") from error
    file.seek(max(lines.place.offset - 2, 0))
    line_end = "\r\n" if file.read(2) == b"\r\n" else "\n"
    return Sheet(delimiter, has_bom, line_end, header, find_columns(header, names), lines.place)


def _row(cells: list[str], fault: str, sheet: Sheet, *, before: Place, after: Place, campaign: str) -> Row:
    columns, width = sheet.columns, len(sheet.header)
    if not fault and any(cells[width:]):
        fault = f"line {before.line + 1} has {len(cells)} cells where the header has {width}"
    cells += [""] * (width - len(cells))
    lead, is_utf8 = None, all(_is_utf8(cell) for cell in cells)
    if not fault:
        phone = parse_phone(mended_number(cells[columns.phone]))
        own = "" if columns.campaign is None else cells[columns.campaign].strip()
        if phone is None or not phone.is_plausible():
            fault = f"phone: {NO_PHONE}"
        elif not _is_utf8(own):
            fault = "campaign: not UTF-8"
        else:
            lead = Lead(phone, _zip(cells, columns), own or campaign, real_time=False)
    kept = cells[:width] if len(columns.kept) == width else [cells[place] for place in columns.kept]
    return Row(before.line + 1, kept, lead, fault, is_utf8, after)


def _is_utf8(cell: str) -> bool:
    """Whether no byte of it had to be escaped."""
    if cell.isascii():
        return True
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


def mended_number(cell: str) -> str:
    """A number as spreadsheets spoil it, mended: `'4045550123`, `4045550123.0`."""
    cell = cell.strip().removeprefix("'")
    decimal = _AS_DECIMAL.fullmatch(cell)
    return decimal[1] if decimal else cell


def _zip(cells: list[str], columns: Columns) -> str:
    """The zip, with the zeros at its beginning that spreadsheets cut off."""
    if columns.zip is None:
        return ""
    text = mended_number(cells[columns.zip])
    return parse_zip(text.zfill(5) if _CUT_ZIP.fullmatch(text) else text)
