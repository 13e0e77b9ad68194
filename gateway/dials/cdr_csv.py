"""CDR files: lines of `Master.csv` (cdr_csv), of cdr_custom, or an export with a header line, to rows.

    cdr_csv      accountcode,src,dst,dcontext,clid,channel,dstchannel,lastapp,lastdata,start,answer,end,
                 duration,billsec,disposition,amaflags[,uniqueid][,userfield][,peeraccount,linkedid,sequence]
    cdr_custom   clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,start,answer,end,
                 duration,billsec,disposition,amaflags,accountcode,uniqueid,userfield[,sequence]
    header       the columns' names in the first line

Each line is read on its own, so that a torn one spoils no other. Source: cdr_csv.c, cdr_custom.conf.sample.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from gateway.dials.cdr import BadRowError, Row

_CDR_CSV = (
    *("accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata"),
    *("start", "answer", "end", "duration", "billsec", "disposition", "amaflags"),
)
_CDR_CUSTOM = (
    *("clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata"),
    *("start", "answer", "end", "duration", "billsec", "disposition", "amaflags"),
    *("accountcode", "uniqueid", "userfield", "sequence"),
)
_UNIQUEID = re.compile(r"(?:.*-)?[0-9]{9,}\.[0-9]+", re.ASCII)
_DISPOSITIONS = frozenset({"ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION"})
_HEADER_NAMES = frozenset({"disposition", "dst", "uniqueid"})


def read_csv(
    lines: Iterable[str],
    name: str,
    on_bad: Callable[[str, BadRowError], None],
    *,
    columns: Sequence[str] = (),
) -> Iterator[Row]:
    """The rows of a file called `name`, one line at a time; `on_bad` hears of each that cannot be read.

    `columns` names those of a file in an order of its own; empty means as its first line or cdr_csv says.
    """
    columns = [column.strip().lower() for column in columns]
    for number, line in enumerate(lines, 1):
        where = f"{name}:{number}"
        try:
            cells = _cells(line)
            if number == 1 and not columns and _is_header(cells):
                columns = [cell.strip().lower() for cell in cells]
            elif cells:
                yield Row(where, dict(zip(columns or _layout(cells), _fitting(cells, columns), strict=False)))
        except BadRowError as error:
            on_bad(where, error)


def _cells(line: str) -> list[str]:
    line = line.removeprefix("\ufeff").rstrip("\r\n")
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise BadRowError(f"is not CSV: {error}") from None


def _is_header(cells: Sequence[str]) -> bool:
    return len(_HEADER_NAMES & {cell.strip().lower() for cell in cells}) > 1


def _fitting(cells: list[str], columns: Sequence[str]) -> list[str]:
    if columns and len(cells) != len(columns):
        raise BadRowError(f"has {len(cells)} columns where there are {len(columns)}")
    return cells


def _layout(cells: Sequence[str]) -> Sequence[str]:
    """The columns of a line in a file without header: where the disposition stands tells the two apart."""
    if len(cells) >= len(_CDR_CSV) and _is_disposition(cells[_CDR_CSV.index("disposition")]):
        return _CDR_CSV + _optional(cells[len(_CDR_CSV) :])
    if len(cells) >= len(_CDR_CUSTOM) - 1 and _is_disposition(cells[_CDR_CUSTOM.index("disposition")]):
        return _CDR_CUSTOM
    raise BadRowError(f"has {len(cells)} columns and no disposition where cdr_csv or cdr_custom write it")


def _optional(cells: Sequence[str]) -> tuple[str, ...]:
    """cdr_csv's last columns: which are there depends on loguniqueid, loguserfield and newcdrcolumns."""
    names: tuple[str, ...] = ()
    if cells and _UNIQUEID.fullmatch(cells[0]):
        names = ("uniqueid",)
    new = ("peeraccount", "linkedid", "sequence")
    has_userfield = len(cells) - len(names) in {1, len(new) + 1}
    return names + (("userfield",) if has_userfield else ()) + new


def _is_disposition(cell: str) -> bool:
    return cell.upper() in _DISPOSITIONS
