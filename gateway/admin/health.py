"""`GET /healthz`: the process is alive. `GET /readyz`: calls get numbers now; 503 says why not."""

from collections.abc import Callable

from aiohttp import web

from gateway.admin.app import as_json
from gateway.admin.standing import Standing

_NOT_READY = 503


def health_routes() -> list[web.RouteDef]:
    """The route of `/healthz`, for `make_app`."""
    return [web.get("/healthz", _show)]


def ready_routes(stands: Callable[[], Standing]) -> list[web.RouteDef]:
    """The route of `/readyz`, for `make_app`."""

    async def show(_request: web.Request) -> web.Response:
        now = stands()
        body = {"ready": now.is_ready, "state": now.state, "words": now.words}
        return as_json(body, status=200 if now.is_ready else _NOT_READY)

    return [web.get("/readyz", show)]


async def _show(_request: web.Request) -> web.Response:
    return as_json({"status": "ok"})
