"""outboundIQ's Assignment API: POST /assignment and /assignment/batch.

Source: the Assignment API document. "No available ANI found" is an answer (200, `success` false), as clients
decide on `success`; a batch is answered row by row, and a bad row fails alone.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from gateway.engine.api.bodies import BodyError, Phone, decode, phone
from gateway.engine.api.endpoint import Answered, Asked, Endpoint, Place
from gateway.engine.api.envelopes import OUTBOUNDIQ
from gateway.engine.api.explained import Explain, Explained, choose
from gateway.engine.provider import NO_ANI, EngineProvider
from gateway.model.lead import Lead, parse_zip
from gateway.model.phone import PhoneNumber

_ASSIGNED = "ANI assigned successfully"

_MOST_EXPLAINED = 50
"""One explanation takes milliseconds, in which other requests wait."""
_BATCH_NOTES = (
    "A bad row fails alone: its `error` says why. More than `api.max_batch` rows are answered 400, and so "
    f"are more than {_MOST_EXPLAINED} with `explain`."
)


class AssignmentBody(msgspec.Struct):
    """Body of `POST /assignment`."""

    prospect_phone: Phone
    prospect_zip: str | None = None
    dialer_campaign: str | None = None
    real_time: bool | None = None
    e164: bool | None = None
    explain: Explain = None


class BatchBody(msgspec.Struct):
    """Body of `POST /assignment/batch`. The rows are checked one by one."""

    leads: list[msgspec.Raw]
    real_time: bool | None = None
    e164: bool | None = None
    explain: Explain = None


class RowId(msgspec.Struct):
    """What a batch's row must have for its fault to be reported in the row's own result."""

    row_id: str


class RowBody(msgspec.Struct):
    """One row of a batch."""

    row_id: str
    prospect_phone: Phone
    prospect_zip: str | None = None
    dialer_campaign: str | None = None


class Batch(msgspec.Struct):
    """Body of `POST /assignment/batch`, whole."""

    leads: list[RowBody]
    real_time: bool | None = None
    e164: bool | None = None
    explain: Explain = None


class Assigned(msgspec.Struct):
    """Answer of `POST /assignment` with a number."""

    success: bool
    ani: str
    """10 digits, or E.164 with plus when `e164` was asked for."""
    message: str
    explain: Explained | msgspec.UnsetType = msgspec.UNSET


class NotAssigned(msgspec.Struct):
    """Answer of `POST /assignment` without a number."""

    success: bool
    message: str
    explain: Explained | msgspec.UnsetType = msgspec.UNSET


class RowResult(msgspec.Struct):
    """One row of a batch's answer: good when `error` is empty."""

    row_id: str
    outboundani: str
    error: str
    explain: Explained | msgspec.UnsetType = msgspec.UNSET


class BatchResults(msgspec.Struct):
    """Answer of `POST /assignment/batch`."""

    success: bool
    results: list[RowResult]


class AssignmentApi:
    """The two endpoints over one engine."""

    def __init__(self, provider: EngineProvider, max_batch: int) -> None:
        self._provider = provider
        self._max_batch = max_batch

    def endpoints(self) -> Sequence[Endpoint]:
        """Both of them."""
        return (
            Endpoint(
                "POST",
                "/assignment",
                "Get the next ANI",
                OUTBOUNDIQ,
                self.assign,
                {200: (Assigned, NotAssigned)},
                Place.BODY,
                AssignmentBody,
                universal=False,
                notes="Without a number the status is 200 and `success` is false.",
            ),
            Endpoint(
                "POST",
                "/assignment/batch",
                "Get the next ANI for many leads",
                OUTBOUNDIQ,
                self.assign_batch,
                {200: (BatchResults,)},
                Place.BODY,
                BatchBody,
                shows=Batch,
                universal=False,
                notes=_BATCH_NOTES,
            ),
        )

    async def assign(self, asked: Asked[AssignmentBody]) -> Answered:
        """`POST /assignment`."""
        body = asked.given
        lead = _lead(body, asked, real_time=body.real_time, explain=body.explain)
        choice, why = await choose(self._provider, lead)
        if choice is None:
            return Answered(NotAssigned(success=False, message=NO_ANI, explain=why))
        ani = _written(choice.ani, e164=bool(body.e164))
        return Answered(Assigned(success=True, ani=ani, message=_ASSIGNED, explain=why))

    async def assign_batch(self, asked: Asked[BatchBody]) -> Answered:
        """`POST /assignment/batch`."""
        leads = asked.given.leads
        if len(leads) > self._max_batch:
            raise BodyError(f"leads: {len(leads)} rows are too many; send at most {self._max_batch}")
        if asked.given.explain and len(leads) > _MOST_EXPLAINED:
            raise BodyError(f"explain: {len(leads)} rows are too many for it; send at most {_MOST_EXPLAINED}")
        # The ids first: a row without one has no result to put its fault in, and nothing may be assigned yet.
        ids = [decode(raw, RowId, inside=f"leads[{row}]").row_id for row, raw in enumerate(leads)]
        rows = [self._result(row_id, raw, asked) for row_id, raw in zip(ids, leads, strict=True)]
        # Those that wait for other nodes go to them together; without any, one after the other is quicker.
        results = await asyncio.gather(*rows) if self._provider.is_shared else [await row for row in rows]
        return Answered(BatchResults(success=True, results=results))

    async def _result(self, row_id: str, raw: msgspec.Raw, asked: Asked[BatchBody]) -> RowResult:
        whole = asked.given
        try:
            lead = _lead(decode(raw, RowBody), asked, real_time=whole.real_time, explain=whole.explain)
        except BodyError as error:
            return RowResult(row_id, "", str(error))
        choice, why = await choose(self._provider, lead)
        if choice is None:
            return RowResult(row_id, "", NO_ANI, why)
        return RowResult(row_id, _written(choice.ani, e164=bool(whole.e164)), "", why)


def _lead(
    body: AssignmentBody | RowBody,
    asked: Asked[AssignmentBody] | Asked[BatchBody],
    *,
    real_time: bool | None,
    explain: bool | None,
) -> Lead:
    """The lead a body asks for. A zip that is none is as good as no zip. Raises `BodyError`."""
    return Lead(
        phone=phone(body.prospect_phone, "prospect_phone"),
        zip=parse_zip((body.prospect_zip or "").strip()),
        campaign=(body.dialer_campaign or "").strip() or asked.key.default_campaign,
        real_time=bool(real_time),
        explain=bool(explain),
    )


def _written(ani: PhoneNumber, *, e164: bool) -> str:
    return ani.e164 if e164 else ani.national
