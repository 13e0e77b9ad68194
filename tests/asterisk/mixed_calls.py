"""Many calls at once with every outcome, and the comparison of each record with what is known of its call."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from tests.asterisk.ami import Message
from tests.asterisk.reports_rig import (
    DISPOSITIONS,
    FAR_END_HANGS_UP,
    RINGS,
    ReportsRig,
    fields_of,
    new_number,
)
from tests.asterisk.wait import wait_for

CANCELLED = "Cancelled"
_GIVES_UP_S = 0.8
_RING_S = 4
"""Longer than a busy machine needs for an answer, so that no good call ends as No Answer."""
_TALK_S = 1.0
_LATEST_S = 60


@dataclass(frozen=True, slots=True)
class MixedResult:
    """What came of the calls."""

    records: int
    """What the service holds of these calls, each `dial_id` once."""
    lines: int
    """What the file holds of them."""
    dispositions: Counter[str]
    wrong: dict[str, dict[str, tuple[Any, Any]]]
    """By number: each field that differs, as told and as it should be."""
    calling_s: float
    """From the first call to the last one's end."""
    reporting_s: float
    """From the last call's end to the last record."""


def place_mixed_calls(rig: ReportsRig, calls: int, *, calls_per_s: float) -> MixedResult:
    """Places the calls at an even pace; an eleventh of each outcome, and one whose caller gives up."""
    kinds = [*((outcome, name) for outcome, name in DISPOSITIONS.items()), (RINGS, CANCELLED)]
    expected = {new_number(outcome): name for outcome, name in islice(cycle(kinds), calls)}
    began, epoch = time.monotonic(), time.time()
    for position, (number, disposition) in enumerate(expected.items()):
        time.sleep(max(began + position / calls_per_s - time.monotonic(), 0))
        _place(rig, number, disposition)
    ends = wait_for(lambda: _ends(rig, expected), "the calls to end", within_s=_LATEST_S)
    ended = time.monotonic()
    records = wait_for(lambda: _records(rig, expected), "the records to come", within_s=_LATEST_S)
    reported = time.monotonic()
    rig.nothing_left()
    invites = rig.carrier.all_invites()
    wrong = {}
    for number, disposition in expected.items():
        (invite,) = invites[number].values()
        known = fields_of(number) | {
            "ani": invite.ani,
            "disposition_name": disposition,
            "dial_id": f"{ends[number].get('Uniqueid')}-1",
        }
        wrong[number] = _differences(records[number], known, since=epoch)
    return MixedResult(
        records=sum(len(rig.service.records(number)) for number in expected),
        lines=sum(1 for prospect in rig.gateway.prospects() if prospect in expected),
        dispositions=Counter(record["disposition_name"] for record in records.values()),
        wrong={number: differences for number, differences in wrong.items() if differences},
        calling_s=ended - began,
        reporting_s=reported - ended,
    )


def _place(rig: ReportsRig, number: str, disposition: str) -> None:
    far_end = number.endswith(str(FAR_END_HANGS_UP))
    rig.originate(
        number,
        variables={"RING_S": "30" if disposition == CANCELLED else str(_RING_S)},
        talk_s=30 if far_end else _TALK_S,
        timeout_s=_GIVES_UP_S if disposition == CANCELLED else 30,
    )


def _ends(rig: ReportsRig, numbers: Mapping[str, str]) -> dict[str, Message] | None:
    """The Hangup event of each call's dialplan half; `None` while there are calls up."""
    time.sleep(0.1)
    rig.ami.act("Ping", {})  # Asterisk may hold an event back until something else happens
    ends = {
        event.get("Channel").removeprefix("Local/").partition("@")[0]: event
        for event in rig.ami.events("Hangup")
        if event.get("Channel").endswith(";2")
    }
    return ends if numbers.keys() <= ends.keys() else None


def _records(rig: ReportsRig, numbers: Mapping[str, str]) -> dict[str, Mapping[str, Any]] | None:
    """The one record of each call; `None` while some have none."""
    time.sleep(0.05)
    dials = list(rig.service.simulator.dials.dials.values())
    records = {dial["prospect_phone"]: dial for dial in dials if dial["prospect_phone"] in numbers}
    return records if len(records) == len(numbers) else None


def _differences(
    record: Mapping[str, Any], known: Mapping[str, str], *, since: float
) -> dict[str, tuple[Any, Any]]:
    differing = {name: (record[name], value) for name, value in known.items() if record[name] != value}
    earliest = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(since - 1))
    latest = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    if not earliest <= record["datetime"] <= latest:
        differing["datetime"] = (record["datetime"], f"{earliest} to {latest}")
    unchecked = record.keys() - known.keys() - {"datetime"}
    return differing | {name: (record[name], "not in the record") for name in unchecked}
