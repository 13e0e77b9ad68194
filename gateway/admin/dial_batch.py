"""`POST /webhooks/dial.batch`: the inlet of webhooks, wherever it is mounted.

The signature over the raw body is its key: nothing of an unsigned body is read, and no other token is asked
for. `{"success": true, "taken": true}` is the answer, with `taken` false for a repeat.

| answer | when                                                        |
| ------ | ----------------------------------------------------------- |
| 200    | it is written down, by this delivery or an earlier one      |
| 400    | signed, and no `dial.batch`                                 |
| 401    | the signature is missing or wrong                           |
| 413    | larger than `MAX_BODY_BYTES`                                |
| 503    | the spool cannot be written now, or the body did not arrive |
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import orjson
from aiohttp import web

from gateway.providers import dial_batch
from gateway.stores.base import StoreError
from gateway.telemetry.logs import Throttle

PATH = "/webhooks/dial.batch"
MAX_BODY_BYTES = 262_144
"""A hundred dials take about 45 kB."""
_BODY_S = 10.0
"""Longest wait for a whole body."""
_log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Confirm = Callable[[str, Sequence[str]], Awaitable[bool]]
"""Takes a delivery's id and its dials'; false when it has been taken before. Raises `StoreError`."""


def dial_batch_routes(secret: str, confirm: Confirm) -> list[web.RouteDef]:
    """The route, for the admin listener; none without a secret."""
    return [web.post(PATH, dial_batch_handler(secret, confirm))] if secret else []


def dial_batch_handler(secret: str, confirm: Confirm) -> Handler:
    """What takes the POST. `secret` must not be empty."""
    if not secret:
        raise ValueError("without a secret no signature can be verified")
    throttle = Throttle(_log)

    async def take(request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(_BODY_S):
                body = await _body(request)
        except TimeoutError:
            return _failed(503, f"the body did not arrive within {_BODY_S:.0f} s")
        if body is None:
            return _failed(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
        if not dial_batch.is_signed(secret, body, request.headers):
            throttle.warning("a webhook came without a good signature; check webhook_in.secret")
            return _failed(401, f"{dial_batch.SIGNATURE_HEADER} is missing or wrong")
        try:
            told = dial_batch.read(body)
        except dial_batch.NoBatchError as error:
            return _failed(400, str(error))
        try:
            taken = await confirm(told.delivery_id, told.call_ids)
        except StoreError as error:
            throttle.warning("a webhook could not be written down: %s", error)
            return _failed(503, "it cannot be written down now; send it again")
        return _as_json({"success": True, "taken": taken}, 200)

    return take


async def _body(request: web.Request) -> bytes | None:
    """The raw body, `None` when it is too large."""
    body = b""
    while part := await request.content.read(MAX_BODY_BYTES + 1 - len(body)):
        body += part
        if len(body) > MAX_BODY_BYTES:
            return None
    return body


def _failed(status: int, message: str) -> web.Response:
    return _as_json({"success": False, "message": message}, status)


def _as_json(body: dict[str, object], status: int) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
