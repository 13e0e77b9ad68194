"""outboundIQ's number reputation: GET /nrm/anis, POST /nrm/remediate, /nrm/pause, /nrm/activate.

Source: the vendor's SDKs; what they leave open is decided so:

| field                           | is                                                             |
| ------------------------------- | -------------------------------------------------------------- |
| `id`                            | the number in E.164                                            |
| `phone`                         | without country code, as the Assignment API writes numbers     |
| `status`                        | `active`, `paused`; `remediating`: asked for within 30 days    |
| `campaignName`                  | of the campaign whose id the number's group is, else the group |
| `region`                        | area code or place, `toll-free`, or empty; as in the planner   |
| `locality`                      | the place of a UK number; no source tells it of a NANP one     |
| `frequencyAssigned`             | how often it was handed out since it came here                 |
| `frequencyDialed`, `…Contacted` | over the dials kept (`engine.keep_dials_days`)                 |
| rates                           | shares, 0 to 1: see `engine.statistics`                        |
| dates                           | ISO 8601, UTC; null when it never happened                     |

A pause with a date ends on that day; without one, or with one that has come, it has no end. To activate with
a date to come dates the pause. `carrier` and `note` are kept with the act; nothing is sent to any carrier.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated

import msgspec

from gateway.engine.api.bodies import BodyError, Text
from gateway.engine.api.endpoint import Answered, Asked, Endpoint, Place
from gateway.engine.api.envelopes import OUTBOUNDIQ
from gateway.engine.geo import is_toll_free
from gateway.engine.numbers import OPEN_END, Numbers, NumberState
from gateway.model.inventory import parse_ani_number
from gateway.model.phone import PhoneNumber, strip_formatting
from gateway.stores.engine_statistics import Act

MAX_PAGE_SIZE = 1_000
_MAX_PAGE = 1_000_000
_WITHIN_COOLDOWN = "within cooldown"
_TOLL_FREE = "toll-free"
_DATE_CHARS = 10

Page = Annotated[int, msgspec.Meta(ge=1, le=_MAX_PAGE, description="From 1.")]
PageSize = Annotated[int, msgspec.Meta(ge=1, le=MAX_PAGE_SIZE)]
Digits = Annotated[
    str, msgspec.Meta(max_length=40, description="Only numbers that have these digits in them.")
]
AniText = Annotated[str, msgspec.Meta(max_length=40, description="A number of the inventory.")]
Day = Annotated[str, msgspec.Meta(max_length=40, description="YYYY-MM-DD, or a time that begins so.")]


class AnisQuery(msgspec.Struct):
    """Query of `GET /nrm/anis`."""

    page: Page = 1
    page_size: PageSize = 100
    number: Digits = ""


class RemediateBody(msgspec.Struct):
    """Body of `POST /nrm/remediate`."""

    ani: AniText
    carrier: Text | None = None
    note: Text | None = None


class DatedBody(msgspec.Struct):
    """Body of `POST /nrm/pause` and `/nrm/activate`."""

    ani: AniText
    date: Day | None = None
    carrier: Text | None = None
    note: Text | None = None


class CareAnswer(msgspec.Struct):
    """Answer of the three acts."""

    status: str
    ani: str


class CooldownAnswer(msgspec.Struct):
    """Answer of a second remediation within 30 days."""

    status: str


class NrmRow(msgspec.Struct, rename="camel"):
    """One number."""

    id: str
    phone: str
    brand: str
    status: str
    status_label: str
    campaign_name: str
    area_code: str
    region: str
    state: str
    locality: str
    frequency_assigned: int
    frequency_dialed: int
    frequency_contacted: int
    date_last_dialed: str | None
    date_activated: str | None
    date_deactivated: str | None
    date_inventoried: str | None
    created_at: str | None
    last_30_days_dials: int
    last_30_days_contacts: int
    contact_rate: float
    success_rate: float
    block_rate: float
    no_answer_rate: float


class NrmPage(msgspec.Struct):
    """Answer of `GET /nrm/anis`."""

    result: str
    count: int
    """Rows on this page."""
    total_anis: int
    can_next_page: bool
    can_prev_page: bool
    total_pages: int
    data: list[NrmRow]


class NrmApi:
    """The four endpoints over the engine's numbers."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        care = (CareAnswer,)
        return (
            Endpoint(
                "GET",
                "/nrm/anis",
                "List numbers with their reputation",
                OUTBOUNDIQ,
                self.list_anis,
                {200: (NrmPage,)},
                Place.QUERY,
                AnisQuery,
            ),
            Endpoint(
                "POST",
                "/nrm/remediate",
                "Note that a number's labels are to be mended",
                OUTBOUNDIQ,
                self.remediate,
                {200: (CareAnswer, CooldownAnswer)},
                Place.BODY,
                RemediateBody,
                failures=(404,),
            ),
            Endpoint(
                "POST",
                "/nrm/pause",
                "Show a number no more, until a day or for good",
                OUTBOUNDIQ,
                self.pause,
                {200: care},
                Place.BODY,
                DatedBody,
                failures=(404,),
            ),
            Endpoint(
                "POST",
                "/nrm/activate",
                "Show a number again, at once or from a day on",
                OUTBOUNDIQ,
                self.activate,
                {200: care},
                Place.BODY,
                DatedBody,
                failures=(404,),
            ),
        )

    async def list_anis(self, asked: Asked[AnisQuery]) -> Answered:
        """`GET /nrm/anis`."""
        query = asked.given
        digits = _digits(query.number)
        states, total = await self._numbers.page(number=query.page, size=query.page_size, digits=digits)
        pages = -(-total // query.page_size)
        return Answered(
            NrmPage(
                result="success",
                count=len(states),
                total_anis=total,
                can_next_page=query.page < pages,
                can_prev_page=1 < query.page <= pages + 1,
                total_pages=pages,
                data=[_row(state) for state in states],
            )
        )

    async def remediate(self, asked: Asked[RemediateBody]) -> Answered:
        """`POST /nrm/remediate`."""
        body = asked.given
        number = _number(body.ani)
        if await self._numbers.remediate(number, carrier=body.carrier or "", note=body.note or ""):
            return Answered(CareAnswer("remediation requested", number.national))
        return Answered(CooldownAnswer(_WITHIN_COOLDOWN))

    async def pause(self, asked: Asked[DatedBody]) -> Answered:
        """`POST /nrm/pause`."""
        body = asked.given
        number, day = _number(body.ani), _day(body.date)
        await self._numbers.pause(number, day, carrier=body.carrier or "", note=body.note or "")
        return Answered(CareAnswer("paused", number.national))

    async def activate(self, asked: Asked[DatedBody]) -> Answered:
        """`POST /nrm/activate`."""
        body = asked.given
        number, day = _number(body.ani), _day(body.date)
        await self._numbers.activate(number, day, carrier=body.carrier or "", note=body.note or "")
        return Answered(CareAnswer("activated", number.national))


def _number(text: str) -> PhoneNumber:
    number = parse_ani_number(text.strip(), "")
    if number is None:
        raise BodyError("ani: must be a number of the United States, Canada or the United Kingdom")
    return number


def _digits(text: str) -> str:
    digits = strip_formatting(text).removeprefix("+")
    if digits and not (digits.isascii() and digits.isdigit()):
        raise BodyError("number: must be digits; formatting characters do no harm")
    return digits


def _day(text: str | None) -> date | None:
    if text is None or not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip()[:_DATE_CHARS])
    except ValueError as error:
        raise BodyError("date: must begin YYYY-MM-DD") from error


def _row(state: NumberState) -> NrmRow:
    facts, found = state.facts, state.figures
    number = facts.number
    inventoried = _iso(facts.inventoried_at or None)
    activated = facts.acts.get(Act.ACTIVATE)
    return NrmRow(
        id=number.e164,
        phone=number.national,
        brand=facts.brand,
        status="paused" if state.is_paused else "remediating" if state.is_remediating else "active",
        status_label=_label(state),
        campaign_name=facts.campaign_name or facts.group,
        area_code=number.national[:3] if number.is_nanp else "",
        region=_TOLL_FREE if is_toll_free(number) else state.locality or state.area,
        state=state.state,
        locality=state.locality,
        frequency_assigned=facts.assigned,
        frequency_dialed=found.dialed,
        frequency_contacted=found.contacted,
        date_last_dialed=_iso(found.last_at),
        date_activated=inventoried if activated is None else _iso(activated),
        date_deactivated=_iso(facts.acts.get(Act.PAUSE)),
        date_inventoried=inventoried,
        created_at=inventoried,
        last_30_days_dials=found.recent,
        last_30_days_contacts=found.recent_contacts,
        contact_rate=found.contact_rate,
        success_rate=found.success_rate,
        block_rate=found.block_rate,
        no_answer_rate=found.no_answer_rate,
    )


def _label(state: NumberState) -> str:
    until = state.facts.paused_until
    if state.is_paused and until is not None:
        return "Paused" if until == OPEN_END else f"Paused until {until}"
    return "Remediation requested" if state.is_remediating else "Active"


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
