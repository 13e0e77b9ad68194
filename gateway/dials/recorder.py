"""The recorder: the end of a call becomes one dial record, or the reason why none. Pure: nothing is kept.

    ami/events, agi/verbs/report, dials/cdr  → CallEnd →  Recorder.record  → Dial → spool

A field is filled from the call's arguments (the packed state), else a channel variable, else a constant.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from urllib.parse import parse_qsl

from gateway.dials.dispositions import Dispositions, Knowledge
from gateway.dials.rank import ranked
from gateway.dials.settings import RecorderSettings
from gateway.model.dial import CallEnd, Dial
from gateway.model.phone import parse_phone
from gateway.model.variables import CallState

_MAX_TEXT_CHARS = 255
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_MAX_EPOCH_DIGITS = 11

_STATE_FIELD = {
    "campaign_id": "campaign",
    "campaign_name": "campaign_name",
    "agent_name": "agent",
    "call_direction": "direction",
    "zip": "zip",
    "sys_created_date_original": "lead_created",
    "total_dial_attempts": "attempts",
    "skill_name": "skill",
    "lead_source": "lead_source",
}
"""Field of the Dials API to field of the packed state."""


class NoRecord(StrEnum):
    """Why the end of a call makes no record."""

    NOT_ASSIGNED = "not_assigned"
    """The gateway gave this call no state: not a call of ours."""
    NO_PHONE = "no_phone"
    """The state names no number that was dialled."""
    NO_ID = "no_id"
    """Neither a dial id nor a uniqueid: the record could not be told from others."""
    NEVER_DIALLED = "never_dialled"
    """A number was assigned, and then nobody dialled it."""
    UNWANTED = "unwanted"
    """The settings give this outcome an empty name."""


class Recorder:
    """Makes dial records by the settings."""

    def __init__(self, settings: RecorderSettings, *, pbx_id: str = "") -> None:
        """`pbx_id` is `agi.pbx_id`: a state without a dial id gets the id that `assign` would have made."""
        self._dispositions = Dispositions(settings.dispositions)
        self._pbx_id = pbx_id
        self._variables = {
            field: getattr(settings.variables, field).casefold()
            for field in _STATE_FIELD
            if getattr(settings.variables, field)
        }
        self._constants: dict[str, str] = {
            field: getattr(settings.constants, field) for field in _STATE_FIELD
        }

    def record(self, end: CallEnd) -> Dial | NoRecord:
        """The record of one call end. Never raises; the same end always gives an equal record."""
        state = end.state
        if state == CallState():
            return NoRecord.NOT_ASSIGNED
        phone = parse_phone(state.phone) if state.phone else None
        if phone is None:
            return NoRecord.NO_PHONE
        dial_id = _clean(state.dial_id) or self._dial_id(end)
        if not dial_id:
            return NoRecord.NO_ID
        variables = _variables(end)
        outcome = self._dispositions.outcome(end, variables)
        if not outcome.name:
            never = outcome.knowledge is Knowledge.UNDIALLED
            return NoRecord.NEVER_DIALLED if never else NoRecord.UNWANTED
        filled = self._filled(state, variables)
        dial = Dial(
            dial_id=dial_id,
            ani=_number(state.ani),
            prospect_phone=phone.e164,
            at=_epoch(state.at, end.ended_at),
            campaign_id=filled["campaign_id"],
            campaign_name=filled["campaign_name"],
            agent_name=filled["agent_name"],
            disposition_name=_clean(outcome.name),
            call_direction=filled["call_direction"],
            zip=filled["zip"],
            sys_created_date_original=filled["sys_created_date_original"],
            total_dial_attempts=filled["total_dial_attempts"],
            skill_name=filled["skill_name"],
            lead_source=filled["lead_source"],
            talk_s=_talk_s(end) if outcome.is_answered else None,
        )
        return ranked(dial, outcome, end.source)

    def _dial_id(self, end: CallEnd) -> str:
        """The id `assign` gives the first assignment of a channel."""
        if not end.uniqueid:
            return ""
        return f"{self._pbx_id}-{end.uniqueid}-1" if self._pbx_id else f"{end.uniqueid}-1"

    def _filled(self, state: CallState, variables: Mapping[str, str]) -> dict[str, str]:
        """What the fields of `_STATE_FIELD` hold."""
        filled = self._constants.copy()
        for field, name in _STATE_FIELD.items():
            told: str = getattr(state, name)
            if told or field in self._variables:
                filled[field] = self._fill(field, _clean(told), variables)
        return filled

    def _fill(self, field: str, told: str, variables: Mapping[str, str]) -> str:
        accept = _ACCEPT.get(field, str)
        if told and (accepted := accept(told)):
            return accepted
        variable = self._variables.get(field)
        if variable and (accepted := accept(variables.get(variable, ""))):
            return accepted
        return self._constants[field]


def _variables(end: CallEnd) -> dict[str, str]:
    """Channel variables and the keys `assign` did not know, by name in casefold; a variable goes first.

    Asterisk's names have a case and people's memory has none, and a hangup handler passes `dispo=…`.
    """
    further = parse_qsl(end.state.extra) if end.state.extra else ()
    named = (*further, *end.variables.items())
    return {name.casefold(): cleaned for name, value in named if (cleaned := _clean(value))}


def _clean(text: str) -> str:
    """`text` on one line, without control characters, at most 255 characters."""
    if not text.isprintable():
        text = _UNPRINTABLE.sub(" ", text)
    return text.strip()[:_MAX_TEXT_CHARS]


def _number(text: str) -> str:
    """A caller ID in E.164; as the PBX had it when it is none, as an extension of an UNCHANGED call."""
    text = _clean(text)
    phone = parse_phone(text) if text else None
    return phone.e164 if phone else text


def _epoch(text: str, otherwise: float) -> float:
    """Whole seconds since the epoch; `otherwise` when the text is none."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MAX_EPOCH_DIGITS
    return float(text) if is_number else otherwise


def _talk_s(end: CallEnd) -> float | None:
    answered_s = end.answered_s
    return answered_s if answered_s is not None and math.isfinite(answered_s) and answered_s >= 0 else None


def _day(text: str) -> str:
    """The day a date or a time begins with, `YYYY-MM-DD`; "" when there is none."""
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return ""


def _count(text: str) -> str:
    return text if text.isascii() and text.isdecimal() else ""


_ACCEPT: Mapping[str, Callable[[str], str]] = {
    "sys_created_date_original": _day,
    "total_dial_attempts": _count,
}
"""Fields whose form the Dials API gives; a value that has it not counts as none."""
