"""What every endpoint of the engine's HTTP service shares: keys, request ids, JSON errors."""

import hmac
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from gateway.engine.api_bodies import BodyError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Middleware = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]

REQUEST_ID = "x-request-id"
_log = logging.getLogger(__name__)


class UnauthorizedError(Exception):
    """The request carries no key, or an unknown one."""


class BearerKeys:
    """The keys that may ask, as `Authorization: Bearer KEY` (RFC 6750 §2.1)."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = [key.encode() for key in keys]

    def check(self, request: web.Request) -> None:
        """Raises `UnauthorizedError` unless the request carries one of the keys."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not given.strip():
            raise UnauthorizedError("API key is missing; send Authorization: Bearer YOUR_API_KEY")
        # Headers arrive as text with undecodable bytes escaped.
        candidate = given.strip().encode("utf-8", "surrogateescape")
        # Every key is compared, in a time that depends on lengths only, so timing tells nothing.
        if sum(hmac.compare_digest(candidate, key) for key in self._keys) == 0:
            raise UnauthorizedError("API key is invalid")


def json_answer(body: Any, *, status: int = 200) -> web.Response:
    """`body` as JSON."""
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


def failure(message: str, *, status: int) -> web.Response:
    """The vendors' envelope for everything that went wrong."""
    return json_answer({"success": False, "message": message}, status=status)


@web.middleware
async def in_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each answer a request id, and every error the vendors' envelope."""
    request_id = uuid.uuid4().hex
    answer = await _answer(request, handler, request_id)
    answer.headers[REQUEST_ID] = request_id
    return answer


async def _answer(request: web.Request, handler: Handler, request_id: str) -> web.StreamResponse:
    try:
        return await handler(request)
    except UnauthorizedError as error:
        answer = failure(str(error), status=401)
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    except BodyError as error:
        return failure(str(error), status=400)
    except web.HTTPRequestEntityTooLarge:
        limit = request._client_max_size  # noqa: SLF001 - aiohttp has no public name for it
        return failure(f"body: larger than {limit} bytes", status=413)
    except web.HTTPException as error:
        answer = failure(f"{request.method} {request.path}: {error.reason}", status=error.status)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except Exception:  # noqa: BLE001 - one request is fenced off from the rest
        _log.exception("request %s failed: %s %s", request_id, request.method, request.path)
        return failure(f"internal error; the log has it under {request_id}", status=500)
