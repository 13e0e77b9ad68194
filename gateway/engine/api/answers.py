"""From a request to an endpoint and back: request id, key, rate, input, errors in the surface's envelope."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from gateway.engine.api.bodies import BodyError, decode, decode_query
from gateway.engine.api.endpoint import Answered, Asked, Endpoint, FailureError, Place
from gateway.engine.api.envelopes import Plain
from gateway.engine.api.keys import ApiKey, Keyring, RateLimit, Style, UnknownKeyError
from gateway.engine.settings import KeyType
from gateway.providers.base import (
    AlreadyExistsError,
    NotFoundError,
    ProviderError,
    RefusedError,
    UnavailableError,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID = "x-request-id"
_BODY_S = 30.0
"""Longest wait for a body: a full batch over a slow line. Beyond, somebody holds a connection open."""
_ID = web.RequestKey("request id", str)
_log = logging.getLogger(__name__)


class Door:
    """Lets requests in to one endpoint: knows the keys and the rates."""

    def __init__(self, keys: Keyring, rate: RateLimit, *, body_s: float = _BODY_S) -> None:
        """`body_s` is the longest wait for a body, in seconds."""
        self._keys = keys
        self._rate = rate
        self._body_s = body_s

    def handler(self, endpoint: Endpoint) -> Handler:
        """What the router calls for `endpoint`."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return _written(await self._act(endpoint, request))
            except UnknownKeyError as error:
                answer = _failed(endpoint, 401, str(error))
                if Style.BEARER in endpoint.surface.styles:
                    answer.headers["WWW-Authenticate"] = "Bearer"
                return answer
            except FailureError as error:
                answer = _failed(endpoint, error.status, error.message)
                if error.retry_after_s is not None:
                    answer.headers["Retry-After"] = str(error.retry_after_s)
                return answer
            except web.HTTPRequestEntityTooLarge:
                limit = request._client_max_size  # noqa: SLF001 - aiohttp has no public name for it
                return _failed(endpoint, 413, f"body: larger than {limit} bytes")
            except Exception:  # noqa: BLE001 - one request is fenced off from the rest
                _log.exception("request %s failed: %s %s", request[_ID], endpoint.method, endpoint.path)
                return _failed(endpoint, 500, f"internal error; the log has it under {request[_ID]}")

        return handle

    async def _act(self, endpoint: Endpoint, request: web.Request) -> Answered:
        key = self._keys.recognise(request, endpoint.surface.styles)
        _allow(endpoint, key)
        wait_s = self._rate.wait_s(key)
        if wait_s:
            raise FailureError("too many requests; wait and send again", status=429, retry_after_s=wait_s)
        try:
            asked = Asked(key, await self._given(endpoint, request), dict(request.match_info))
            return await endpoint.act(asked)
        except BodyError as error:
            raise FailureError(str(error), status=400) from error
        except ProviderError as error:
            raise FailureError(str(error), status=_status(error)) from error

    async def _given(self, endpoint: Endpoint, request: web.Request) -> object:
        if endpoint.takes is None:
            return None
        content = await self._body(request) if endpoint.place.has_body else b""
        if endpoint.place is Place.QUERY or (endpoint.place is Place.BODY_OR_QUERY and not content.strip()):
            return decode_query(endpoint.gather(request.query.items()), endpoint.takes)
        return decode(content, endpoint.takes)

    async def _body(self, request: web.Request) -> bytes:
        try:
            async with asyncio.timeout(self._body_s):
                return await request.read()
        except TimeoutError as error:
            message = f"body: not complete within {self._body_s:g} s; send it faster, or less of it"
            raise FailureError(message, status=408) from error


def _allow(endpoint: Endpoint, key: ApiKey) -> None:
    if not key.active:
        raise FailureError("API key is inactive", status=403)
    if endpoint.universal and key.type is not KeyType.UNIVERSAL:
        raise FailureError("API key is not a universal key, and this needs one", status=403)


def _status(error: ProviderError) -> int:
    match error:
        case NotFoundError():
            return 404
        case AlreadyExistsError():
            return 409
        case RefusedError():
            return 400
        case UnavailableError():
            return 503
        case _:
            return 500


def _written(answered: Answered) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(answered.body), status=answered.status, content_type="application/json"
    )


def _failed(endpoint: Endpoint, status: int, message: str) -> web.Response:
    return _written(Answered(endpoint.surface.failure(status, message), status))


@web.middleware
async def with_request_id(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each answer a request id, and the router's own errors (404, 405) a JSON body."""
    request_id = uuid.uuid4().hex
    request[_ID] = request_id
    try:
        answer = await handler(request)
    except web.HTTPMethodNotAllowed as error:
        answer = _other_method(request, error)
    except web.HTTPException as error:
        message = f"{request.method} {request.path}: {error.reason}"
        answer = _written(Answered(Plain(success=False, message=message), error.status))
    answer.headers[REQUEST_ID] = request_id
    return answer


def _other_method(request: web.Request, error: web.HTTPMethodNotAllowed) -> web.Response:
    """OPTIONS asks for what is in `Allow`; for any other method that is the mend."""
    allowed = ", ".join(sorted(error.allowed_methods))
    if request.method == "OPTIONS":
        return web.Response(status=204, headers={"Allow": allowed})
    message = f"{request.method} {request.path}: method not allowed; use {allowed}"
    answer = _written(Answered(Plain(success=False, message=message), error.status))
    answer.headers["Allow"] = allowed
    return answer
