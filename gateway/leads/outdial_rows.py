"""A target of an outdial as a row of a CSV file, both ways.

A destination is written as people write one: `+15551234567`, `sip:ann@example.com`, `ann@example.com`.
"""

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

from gateway.leads.columns import PHONE_NAMES, plain_name
from gateway.leads.reader import DELIMITERS, NO_PHONE, mended_number
from gateway.model.outdial import DESTINATIONS, Address, AddressType, OutdialTarget
from gateway.model.phone import parse_phone

DESTINATION_COLUMNS = tuple(f"destination_{place}" for place in range(DESTINATIONS))
COLUMNS = (
    "target_id",
    "name",
    "phone",
    *DESTINATION_COLUMNS,
    "status",
    *(f"tries_{place}" for place in range(DESTINATIONS)),
    "detail",
    "data",
)
"""What a pulled file has."""

_PHONE = "phone"
_SIP = re.compile(r"sips?:[^\s\x00-\x1f]+", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")


class LeadFileError(Exception):
    """The file cannot be used at all; the message says what to do."""


class BadLeadError(Exception):
    """One row cannot be used; the message says why, without its content."""


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A row as it stands in the file."""

    line: int
    """The last line of the file it takes up; the header is line 1."""
    cells: Mapping[str, str]
    """By the column's name, lower case, without spaces around; `phone` whatever it is called."""
    is_ragged: bool = False
    """Whether it has more cells than the header has names."""


def written(address: Address | None) -> str:
    """A destination as a cell; "" for none."""
    if address is None:
        return ""
    if address.type is AddressType.SIP and not _SIP.fullmatch(address.target):
        return f"sip:{address.target}"
    return address.target


def parse_destination(text: str) -> Address | None:
    """The destination a cell means, `None` when it is none."""
    if _SIP.fullmatch(text):
        return Address(AddressType.SIP, text)
    mail = text.removeprefix("mailto:")
    if _EMAIL.fullmatch(mail):
        return Address(AddressType.EMAIL, mail)
    phone = parse_phone(mended_number(text.removeprefix("tel:")))
    return Address(AddressType.TEL, phone.e164) if phone is not None and phone.is_plausible() else None


def cells_of(target: OutdialTarget) -> tuple[str, ...]:
    """A target as a row under `COLUMNS`; `phone` is the first destination that is one."""
    phones = (each.target for each in target.destinations if each and each.type is AddressType.TEL)
    return (
        target.id,
        target.name,
        next(phones, ""),
        *(written(each) for each in target.destinations),
        target.status.value,
        *(str(tries) for tries in target.tries),
        target.detail,
        target.data,
    )


def target_of(row: LeadRow, file_name: str) -> OutdialTarget:
    """The target a row means. Raises `BadLeadError`.

    `phone` counts where no destination is given. Texts that are missing are made up of the line's number:
    today's VoIPBin refuses empty ones.
    """
    if row.is_ragged:
        raise BadLeadError("has more cells than the first line has names")
    cells = row.cells
    destinations = tuple(_destination(cells, column) for column in DESTINATION_COLUMNS)
    if not any(destinations):
        destinations = (_destination(cells, _PHONE), *destinations[1:])
    if not any(destinations):
        raise BadLeadError("has neither a phone nor a destination")
    return OutdialTarget(
        destinations,
        name=cells.get("name") or f"lead {row.line}",
        detail=cells.get("detail") or f"{file_name} line {row.line}",
        data=cells.get("data") or f"line {row.line}",
    )


def _destination(cells: Mapping[str, str], column: str) -> Address | None:
    text = cells.get(column, "")
    address = parse_destination(text) if text else None
    if text and address is None:
        raise BadLeadError(f"{column} is no SIP address (sip:…), no e-mail address, and {NO_PHONE}")
    return address


def read_rows(path: Path) -> Iterator[LeadRow]:
    """The rows of a CSV file, one at a time; the first line names the columns. Raises `LeadFileError`."""
    line = 1
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            delimiter, names = _header(file)
            if not {_PHONE, *DESTINATION_COLUMNS} & set(names):
                raise LeadFileError(
                    f'"{path}" names neither phone nor destination_0 to destination_4 in its first line'
                )
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter)
            next(reader)
            for cells in reader:
                line = reader.line_num
                if any(cells):
                    # A row may be short: what is missing is empty.
                    pairs = zip_longest(names, cells[: len(names)], fillvalue="")
                    values = {name: cell.strip() for name, cell in pairs}
                    yield LeadRow(line, values, is_ragged=len(cells) > len(names))
    except UnicodeDecodeError as error:
        raise LeadFileError(f'"{path}" is not UTF-8 after line {line}; save it as UTF-8') from error
    except csv.Error as error:
        raise LeadFileError(f'"{path}" is no CSV after line {line}: {error}') from error
    except OSError as error:
        raise LeadFileError(f'"{path}" cannot be read: {error.strerror}') from error


def _header(file: TextIO) -> tuple[str, list[str]]:
    """What stands between cells, and the names of the columns. Raises `csv.Error`."""
    found = []
    for delimiter in DELIMITERS:
        file.seek(0)
        found.append((delimiter, _names(next(csv.reader(file, delimiter=delimiter), []))))
    return max(found, key=lambda each: len(each[1]))


def _names(header: Sequence[str]) -> list[str]:
    names = [name.strip().lower() for name in header]
    plain = [plain_name(name) for name in header]
    phone = next((plain.index(name) for name in PHONE_NAMES if name in plain), None)
    if phone is not None:
        names[phone] = _PHONE
    return names


def fingerprint(path: Path) -> tuple[str, int]:
    """What tells a file's content from any other's, and the number of its lines. Raises `LeadFileError`."""
    digest, lines = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
                lines += block.count(b"\n")
    except OSError as error:
        raise LeadFileError(f'"{path}" cannot be read: {error.strerror}') from error
    return digest.hexdigest(), lines
