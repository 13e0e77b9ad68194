"""The engine over HTTP: the Assignment API for any client of it (`ani-gateway api`).

Source: the Assignment API document. "No available ANI found" is an answer (200, `success` false), as clients
decide on `success`; a batch is answered row by row, and a bad row fails alone.
"""

from typing import Any

from aiohttp import web

from gateway.engine.api_bodies import AssignmentBody, BatchBody, BodyError, RowBody, RowId, decode, lead
from gateway.engine.api_http import BearerKeys, in_json, json_answer
from gateway.engine.provider import NO_ANI, EngineProvider
from gateway.engine.settings import ApiSettings
from gateway.model.phone import PhoneNumber

_ASSIGNED = "ANI assigned successfully"


class NoApiKeyError(Exception):
    """No key is configured, so nobody could ever ask."""


def make_app(provider: EngineProvider, settings: ApiSettings) -> web.Application:
    """The service over `provider`, which the caller keeps and closes. Raises `NoApiKeyError`."""
    if not any(settings.keys):
        raise NoApiKeyError("api.keys is empty, so nobody could ask; set at least one key")
    keys = BearerKeys(tuple(key for key in settings.keys if key))
    assignment = _AssignmentApi(provider, keys, settings.max_batch)
    app = web.Application(middlewares=[in_json], client_max_size=settings.max_body_bytes)
    app.add_routes(
        [
            web.get("/healthz", _Health(provider).show),
            web.post("/assignment", assignment.assign),
            web.post("/assignment/batch", assignment.assign_batch),
        ]
    )
    return app


class _Health:
    def __init__(self, provider: EngineProvider) -> None:
        self._provider = provider

    async def show(self, _request: web.Request) -> web.Response:
        """Alive, and with how many numbers. Needs no key."""
        return json_answer({"success": True, "anis": self._provider.size})


class _AssignmentApi:
    def __init__(self, provider: EngineProvider, keys: BearerKeys, max_batch: int) -> None:
        self._provider = provider
        self._keys = keys
        self._max_batch = max_batch

    async def assign(self, request: web.Request) -> web.Response:
        """`POST /assignment`."""
        self._keys.check(request)
        body = decode(await request.read(), AssignmentBody)
        answer = self._provider.assign_now(lead(body, real_time=bool(body.real_time)))
        if answer.ani is None:
            return json_answer({"success": False, "message": answer.message})
        ani = _written(answer.ani, e164=bool(body.e164))
        return json_answer({"success": True, "ani": ani, "message": _ASSIGNED})

    async def assign_batch(self, request: web.Request) -> web.Response:
        """`POST /assignment/batch`."""
        self._keys.check(request)
        body = decode(await request.read(), BatchBody)
        if len(body.leads) > self._max_batch:
            raise BodyError(f"leads: {len(body.leads)} rows are too many; send at most {self._max_batch}")
        # The ids first: a row without one has no result to put its fault in, and nothing may be assigned yet.
        ids = [decode(raw, RowId, inside=f"leads[{row}]").row_id for row, raw in enumerate(body.leads)]
        results = [self._result(row_id, raw, body) for row_id, raw in zip(ids, body.leads, strict=True)]
        return json_answer({"success": True, "results": results})

    def _result(self, row_id: str, raw: Any, body: BatchBody) -> dict[str, str]:
        try:
            asked = lead(decode(raw, RowBody), real_time=bool(body.real_time))
        except BodyError as error:
            return {"row_id": row_id, "outboundani": "", "error": str(error)}
        ani = self._provider.assign_now(asked).ani
        if ani is None:
            return {"row_id": row_id, "outboundani": "", "error": NO_ANI}
        return {"row_id": row_id, "outboundani": _written(ani, e164=bool(body.e164)), "error": ""}


def _written(ani: PhoneNumber, *, e164: bool) -> str:
    return ani.e164 if e164 else ani.national
