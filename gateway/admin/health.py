"""`GET /healthz`: the process is alive and takes calls."""

from aiohttp import web

from gateway.admin.app import as_json


def health_routes() -> list[web.RouteDef]:
    """The routes, for `make_app`."""
    return [web.get("/healthz", _show)]


async def _show(_request: web.Request) -> web.Response:
    return as_json({"status": "ok"})
