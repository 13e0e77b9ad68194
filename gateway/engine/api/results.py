"""outboundANI's Dial Results: everything in the query, by GUID, with the company GUID in place of an API key.

Source: the end of the AI Dialer Integration document. What it leaves open, or has wrong, is decided here:

- The campaign's line lacks its "=": a parameter whose name goes on after the GUID is read as name and value.
- One GUID stands for the call's type and for its duration, and may come twice: a number is the duration in
  seconds, anything else the type.
- The status tells what the body tells: 200 with SUCCESS; 400, 401 or another 4xx with FAIL, which sending it
  again does not mend; 429 and 5xx with RETRY, which the document does not know, so that nobody takes trouble
  of ours for a refusal.
- Further parameters, such as the KPIs, are ignored.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from gateway.engine.api.bodies import Text, name, phone
from gateway.engine.api.dials import KEEP_TIMEOUT_S, DialTime, call_time
from gateway.engine.api.endpoint import Answered, Asked, Endpoint, Place, Surface, first_of_each
from gateway.engine.api.keys import Style
from gateway.engine.provider import EngineProvider
from gateway.model.dial import Dial
from gateway.providers import outboundani_guids as guids

_TOO_MANY_REQUESTS, _OUR_FAULT = 429, 500
_DURATION = re.compile(r"[0-9]{1,6}(?:\.[0-9]+)?", re.ASCII)
_MOST_TYPES = 8
_NAMES: Mapping[str, str] = {
    guids.CAMPAIGN: "campaign",
    guids.AGENT: "agentid",
    guids.ANI: "ani",
    guids.CALL_ID: "callid",
    guids.DISPO: "dispo",
    guids.PHONE: "phone",
    guids.CALL_TIME: "call_date_time",
    guids.CALL_TYPE_OR_DURATION: "call_type",
    guids.ZIP: "zip",
    guids.CREATED: "sys_created_dates",
    guids.ATTEMPTS: "total_dial_attempts",
    guids.SKILL: "skill_name",
    guids.LEAD_SOURCE: "lead_source",
}


class ResultQuery(msgspec.Struct, kw_only=True):
    """Query of Dial Results; the fields are called by their GUIDs outside."""

    campaign: Annotated[Text, msgspec.Meta(description="campaign")] = msgspec.field(name=guids.CAMPAIGN)
    agent: Annotated[Text, msgspec.Meta(description="agentid")] = msgspec.field(name=guids.AGENT)
    ani: Annotated[Text, msgspec.Meta(description="ani")] = msgspec.field(name=guids.ANI)
    call_id: Annotated[Text, msgspec.Meta(description="callid")] = msgspec.field(name=guids.CALL_ID)
    dispo: Annotated[Text, msgspec.Meta(description="dispo")] = msgspec.field(name=guids.DISPO)
    phone: Annotated[Text, msgspec.Meta(description="phone")] = msgspec.field(name=guids.PHONE)
    call_time: Annotated[DialTime, msgspec.Meta(description="call_date_time, UTC: YYYY-MM-DD HH:MM:SS")] = (
        msgspec.field(name=guids.CALL_TIME)
    )
    types_and_durations: Annotated[list[Text], msgspec.Meta(description="call_type or call_duration")] = (
        msgspec.field(name=guids.CALL_TYPE_OR_DURATION, default_factory=list)
    )
    zip: Annotated[Text, msgspec.Meta(description="zip")] = msgspec.field(name=guids.ZIP, default="")
    created: Annotated[Text, msgspec.Meta(description="sys_created_dates")] = msgspec.field(
        name=guids.CREATED, default=""
    )
    attempts: Annotated[Text, msgspec.Meta(description="total_dial_attempts")] = msgspec.field(
        name=guids.ATTEMPTS, default=""
    )
    skill: Annotated[Text, msgspec.Meta(description="skill_name")] = msgspec.field(
        name=guids.SKILL, default=""
    )
    lead_source: Annotated[Text, msgspec.Meta(description="lead_source")] = msgspec.field(
        name=guids.LEAD_SOURCE, default=""
    )


class Taken(msgspec.Struct):
    """Answer of Dial Results to a record that is kept."""

    result: Literal["SUCCESS"]


class NotTaken(msgspec.Struct):
    """Answer of Dial Results to a record that is not."""

    result: Literal["FAIL", "RETRY"]
    reason: str


def _not_taken(status: int, message: str) -> NotTaken:
    for guid, word in _NAMES.items():
        message = message.replace(guid, f"{word} ({guid})")
    try_later = status == _TOO_MANY_REQUESTS or status >= _OUR_FAULT
    return NotTaken("RETRY" if try_later else "FAIL", message)


DIAL_RESULTS = Surface(
    "outboundANI Dial Results", (Style.COMPANY,), NotTaken, _not_taken,
    "The end of the AI Dialer Integration: every value is a query parameter called by a GUID.",
)  # fmt: skip
_NOTES = (
    "`FAIL` means refused, whatever its 4xx: sending it again does not mend it. `RETRY` comes with 429 and "
    "5xx. The GUID documented for the call's type and for its duration may come twice: a number is the "
    "duration in seconds. A campaign's parameter may lack its `=`. GUIDs may be of either case; unknown "
    "parameters are ignored. The same call id again replaces the record. The path's GUID may be any."
)


class ResultsApi:
    """The endpoint over one engine."""

    def __init__(self, provider: EngineProvider) -> None:
        self._target = provider.dial_target()

    def endpoints(self) -> Sequence[Endpoint]:
        """The one. The vendor's address has a GUID of its own in its path; any will do."""
        return (
            Endpoint(
                "POST", "/api/{guid}.php", "Post a dial's result", DIAL_RESULTS, self.post, {200: (Taken,)},
                Place.QUERY, ResultQuery, gather=gathered, universal=False, notes=_NOTES,
            ),
        )  # fmt: skip

    async def post(self, asked: Asked[ResultQuery]) -> Answered:
        """Answered when the record is on disk."""
        await self._target.post_dial(_dial(asked.given), timeout_s=KEEP_TIMEOUT_S)
        return Answered(Taken("SUCCESS"))


def gathered(query: Iterable[tuple[str, str]]) -> Mapping[str, Any]:
    """The parameters by GUID in lower case, the campaign's mended, the shared GUID's together in a list."""
    pairs = [_mended(name.lower(), name, text) for name, text in query]
    shared = [text for name, text in pairs if name == guids.CALL_TYPE_OR_DURATION]
    return {**first_of_each(pairs), guids.CALL_TYPE_OR_DURATION: shared[:_MOST_TYPES]}


def _mended(lower: str, written: str, text: str) -> tuple[str, str]:
    campaign = len(guids.CAMPAIGN)
    if lower.startswith(guids.CAMPAIGN) and len(lower) > campaign:
        # What was sent is "GUIDc1" or, when the campaign itself has a "=", "GUIDc=1".
        return guids.CAMPAIGN, written[campaign:] + (f"={text}" if text else "")
    return lower, text


def _dial(query: ResultQuery) -> Dial:
    """The record. Raises `BodyError`."""
    durations = [text for text in query.types_and_durations if _DURATION.fullmatch(text)]
    types = [text for text in query.types_and_durations if text and not _DURATION.fullmatch(text)]
    return Dial(
        dial_id=name(query.call_id, guids.CALL_ID),
        ani=phone(query.ani, guids.ANI).e164,
        prospect_phone=phone(query.phone, guids.PHONE).e164,
        at=call_time(query.call_time, guids.CALL_TIME),
        campaign_id=query.campaign.strip(),
        agent_name=query.agent,
        disposition_name=query.dispo.strip(),
        call_direction=types[0] if types else "",
        zip=query.zip,
        sys_created_date_original=query.created,
        total_dial_attempts=query.attempts,
        skill_name=query.skill,
        lead_source=query.lead_source,
        talk_s=float(durations[0]) if durations else None,
    )
