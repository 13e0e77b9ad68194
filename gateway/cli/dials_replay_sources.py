"""Where `dials replay` reads: CDR files, records written earlier, a CDR table."""

import gzip
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import IO, TYPE_CHECKING

from gateway.dials.cdr import BadRowError, CdrCount, CdrOptions, Row, call_ends
from gateway.dials.cdr_csv import read_csv
from gateway.model.dial import CallEnd, Dial
from gateway.model.phone import parse_phone
from gateway.stores.base import StoreError
from gateway.stores.spool_rows import decoded

if TYPE_CHECKING:
    from gateway.stores.cdr_mysql import CdrTable

OnBad = Callable[[str, BadRowError], None]
_MAX_LINE_CHARS = 65_536
"""Longer lines are read in pieces, which are no rows: a file without line ends takes no more memory."""
_CLOCK_CHANGE = timedelta(hours=2)
"""How far the table's time may be off where clocks are put back; the exact time decides afterwards."""


class SourceError(Exception):
    """A source broke off; what was read before is good."""


@dataclass(frozen=True, slots=True)
class Source:
    """One source. `read` gives ends of calls, or records where they were made already."""

    name: str
    read: Callable[[CdrOptions, OnBad, CdrCount], Iterator[CallEnd | Dial]]


def file_source(path: str, columns: Sequence[str]) -> Source:
    """A file, gzipped or not, `-` for standard input; its first character tells CDRs from records."""
    name = "stdin" if path == "-" else path

    def read(options: CdrOptions, on_bad: OnBad, count: CdrCount) -> Iterator[CallEnd | Dial]:
        try:
            with _opened(path) as file:
                lines = iter(lambda: file.readline(_MAX_LINE_CHARS), "")
                first = next(lines, "")
                lines = chain([first], lines)
                if first.startswith("{"):
                    yield from _records(lines, name, options, on_bad, count)
                else:
                    rows = _csv(lines, name, columns, on_bad, count)
                    yield from call_ends(rows, options, on_bad, count)
        except (OSError, EOFError, zlib.error) as error:
            raise SourceError(f"{name} cannot be read to its end: {error}") from error

    return Source(name, read)


def mysql_source(table: "CdrTable") -> Source:
    """A CDR table of MySQL or MariaDB."""

    def read(options: CdrOptions, on_bad: OnBad, count: CdrCount) -> Iterator[CallEnd | Dial]:
        try:
            yield from call_ends(_rows(table, options), options, on_bad, count)
        except StoreError as error:
            raise SourceError(str(error)) from error

    return Source(table.table, read)


def _rows(table: "CdrTable", options: CdrOptions) -> Iterator[Row]:
    from gateway.stores.cdr_mysql import read_cdr

    since, until = _local(options.since, options), _local(options.until, options)
    rows = read_cdr(
        table,
        since=since and since - _CLOCK_CHANGE,
        until=until and until + _CLOCK_CHANGE,
    )
    for row in rows:
        yield Row(f"{table.table} uniqueid={row.get('uniqueid', '')}", row)


def _local(at: float, options: CdrOptions) -> datetime | None:
    """A time as the table has it: of the PBX's zone, without offset."""
    return datetime.fromtimestamp(at, options.timezone).replace(tzinfo=None) if isfinite(at) else None


def _opened(path: str) -> AbstractContextManager[IO[str]]:
    if path == "-":
        return nullcontext(sys.stdin)
    # Names of callers come in any encoding; a character that cannot be read must not cost a row.
    if path.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="")
    return Path(path).open(encoding="utf-8", errors="replace", newline="")


def _csv(
    lines: Iterable[str], name: str, columns: Sequence[str], on_bad: OnBad, count: CdrCount
) -> Iterator[Row]:
    """The rows; lines that are none count as rows that cannot be read."""

    def on_bad_line(where: str, error: BadRowError) -> None:
        count.rows += 1
        count.bad += 1
        on_bad(where, error)

    return read_csv(lines, name, on_bad_line, columns=columns)


def _records(
    lines: Iterable[str], name: str, options: CdrOptions, on_bad: OnBad, count: CdrCount
) -> Iterator[Dial]:
    """Records as `dials export` and the target `file` write them."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        count.rows += 1
        try:
            dial = _record(line)
        except BadRowError as error:
            count.bad += 1
            on_bad(f"{name}:{number}", error)
            continue
        if options.since <= dial.at < options.until:
            count.calls += 1
            yield dial
        else:
            count.out_of_range += 1


def _record(line: str) -> Dial:
    try:
        dial = decoded(line)
    except ValueError as error:
        raise BadRowError("is no dial record") from error
    texts = (getattr(dial, field.name) for field in fields(Dial) if field.type is str)
    numbers = (dial.at, dial.rank, dial.talk_s or 0.0)
    if not all(isinstance(text, str) for text in texts) or not all(map(_is_number, numbers)):
        raise BadRowError("is no dial record: a field is of the wrong kind")
    if not dial.dial_id or parse_phone(dial.prospect_phone) is None:
        raise BadRowError("has no dial_id or no prospect_phone; export with --unmask to replay")
    return dial


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
