"""Call detail records: the third source, for calls that ended while nobody listened.

    rows (CSV or table) → `call_ends` → CallEnd → recorder

A row is a mapping of column name to value, with Asterisk's names: those of cdr_csv and of FreePBX's `cdr`
table are the same but for `calldate`, which cdr_csv calls `start`. One call makes several rows (a row for the
Dial and one for what followed, one for each trunk); they come close together and are merged to one end.

Which rows are ours: those that carry the packed state, in `userfield` or a column of your own. Without it a
row says neither campaign nor lead, and an outbound call looks like any other; then `Derive` says which.

Source: Asterisk's cdr.conf, cdr_csv.c; Cdr rows of 22.10 as observed.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from gateway.model.cause import parse_cause
from gateway.model.dial import CallEnd, EndSource
from gateway.model.phone import parse_phone
from gateway.model.variables import CallState, unpack

_WINDOW_CALLS = 2_000
"""Calls kept for merging, about 6 MB; Asterisk writes the rows of one call together."""
_USERFIELD_CHARS = 255  # AST_MAX_USER_FIELD, and varchar(255) of FreePBX
_DIALSTATUS = {
    "ANSWERED": "ANSWER",
    "NO ANSWER": "NOANSWER",
    "NOANSWER": "NOANSWER",
    "BUSY": "BUSY",
    "FAILED": "FAILED",
    "CONGESTION": "CONGESTION",
}
_NOT_VARIABLES = frozenset({"dialstatus", "hangupcause", "calldate", "start", "answer", "end"})


class BadRowError(ValueError):
    """A row that cannot be read. The text names the column and never shows a phone number."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row and where it stands: `Master.csv:17`, or the table's name and the uniqueid."""

    where: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Derive:
    """Take rows without a packed state for outbound calls: to `dst`, showing `outbound_cnum` or `src`."""

    contexts: frozenset[str] = frozenset()
    """`dcontext` of outbound calls; empty means any."""
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class CdrOptions:
    """How to read the rows."""

    since: float = -math.inf
    """Calls that started earlier are left out; seconds since the epoch."""
    until: float = math.inf
    """Calls that started at this time or later are left out."""
    timezone: tzinfo = UTC
    """Of times without an offset: the PBX's own, unless cdr.conf says `usegmtime=yes`."""
    state_column: str = "userfield"
    """Column that holds `${GATEWAY}`."""
    derive: Derive | None = None


@dataclass(slots=True)
class CdrCount:
    """What became of the rows."""

    rows: int = 0
    bad: int = 0
    out_of_range: int = 0
    not_ours: int = 0
    calls: int = 0


def call_ends(
    rows: Iterable[Row],
    options: CdrOptions,
    on_bad: Callable[[str, BadRowError], None],
    count: CdrCount | None = None,
) -> Iterator[CallEnd]:
    """One end a call, in the order the calls began, in memory that does not grow with the rows.

    `on_bad` hears where a row stands and what is wrong with it; the row is left out. `count` is kept up to
    date. Rows of one call further apart than 2,000 other calls make two ends, of which the recorder's rank
    finds the better.
    """
    count = count or CdrCount()
    open_calls: OrderedDict[tuple[str, str], CallEnd] = OrderedDict()
    for row in rows:
        count.rows += 1
        try:
            end = _call_end(
                {name.lower(): _text(value) for name, value in row.values.items()}, options, count
            )
        except BadRowError as error:
            count.bad += 1
            on_bad(row.where, error)
            continue
        if end is None:
            continue
        key = (end.uniqueid, end.state.dial_id)
        known = open_calls.get(key)
        open_calls[key] = end if known is None else _merged(known, end)
        count.calls += known is None
        if len(open_calls) > _WINDOW_CALLS:
            yield open_calls.popitem(last=False)[1]
    yield from open_calls.values()


def _call_end(row: Mapping[str, str], options: CdrOptions, count: CdrCount) -> CallEnd | None:
    """The end a row tells of, or `None` when it is not asked for or not ours."""
    started_at = _time(row, ("start", "calldate"), options.timezone)
    if not options.since <= started_at < options.until:
        count.out_of_range += 1
        return None
    state = _packed_state(row, options) or _derived_state(row, options, started_at)
    if state is None:
        count.not_ours += 1
        return None
    uniqueid = row.get("uniqueid", "")
    if not uniqueid and not state.dial_id:
        raise BadRowError("uniqueid is empty: cdr_csv writes it with loguniqueid=yes in cdr.conf")
    dialstatus = row.get("dialstatus", "").upper() or _dialstatus(row)
    did_dial = _did_dial(row) or not state.status
    return CallEnd(
        state,
        EndSource.CDR,
        uniqueid=uniqueid,
        ended_at=started_at + _seconds(row, "duration"),
        dialstatus=dialstatus if did_dial else "",
        cause=parse_cause(row.get("hangupcause", "")),
        answered_s=_seconds(row, "billsec") if dialstatus == "ANSWER" else None,
        variables={name: value for name, value in row.items() if value and name not in _NOT_VARIABLES},
    )


def _packed_state(row: Mapping[str, str], options: CdrOptions) -> CallState | None:
    packed = row.get(options.state_column.lower(), "")
    if len(packed) == _USERFIELD_CHARS:
        packed = packed.rpartition("|")[0]  # the last field was cut
    return unpack(packed) if packed else None


def _derived_state(row: Mapping[str, str], options: CdrOptions, started_at: float) -> CallState | None:
    """The state of an outbound call nobody packed; the recorder makes its dial id out of the uniqueid."""
    derive = options.derive
    if derive is None or row.get("did") or not _did_dial(row):
        return None
    if derive.contexts and row.get("dcontext", "") not in derive.contexts:
        return None
    phone = parse_phone(row["dst"]) if row.get("dst") else None
    if phone is None:
        return None
    ani = row.get("outbound_cnum") or row.get("cnum") or row.get("src", "")
    return CallState(ani=ani, phone=phone.e164, campaign=derive.campaign, at=str(int(started_at)))


def _did_dial(row: Mapping[str, str]) -> bool:
    """Whether Dial() ran: the rows before and after it bear a disposition too."""
    return bool(row.get("dstchannel")) or row.get("lastapp", "").lower() == "dial"


def _dialstatus(row: Mapping[str, str]) -> str:
    try:
        return _DIALSTATUS[row.get("disposition", "").upper()]
    except KeyError:
        raise BadRowError(
            "disposition is none of Asterisk's words; are the columns the right ones?"
        ) from None


def _merged(first: CallEnd, second: CallEnd) -> CallEnd:
    """Two rows of one call: the one that was answered, else the later one that dialled."""
    if first.dialstatus == "ANSWER" and second.dialstatus == "ANSWER":
        talked_s = (first.answered_s or 0) + (second.answered_s or 0)
        return replace(first, answered_s=talked_s, ended_at=max(first.ended_at, second.ended_at))
    if first.dialstatus == "ANSWER" or not second.dialstatus:
        return first
    if second.dialstatus == "ANSWER" or not first.dialstatus:
        return second
    return max(first, second, key=lambda end: end.ended_at)


def _time(row: Mapping[str, str], columns: tuple[str, ...], zone: tzinfo) -> float:
    """Seconds since the epoch. A time without offset is of `zone`; of an hour that comes twice, the first."""
    name = next((column for column in columns if row.get(column)), "")
    if not name:
        raise BadRowError(f"there is no {' or '.join(columns)}")
    try:
        at = datetime.fromisoformat(row[name])
        return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise BadRowError(f"{name} is not a time like 2026-04-10 14:32:15") from None


def _seconds(row: Mapping[str, str], column: str) -> float:
    try:
        seconds = float(row.get(column) or 0)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise BadRowError(f"{column} is not a number of seconds")
    return seconds


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()
