"""`GET /`: the dashboard. Files that come with the package, the same for everybody and without any figure.

The page asks `/api/events` for the figures, with the token that its reader types in. It loads nothing from
elsewhere, and the headers forbid that it ever does.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from importlib.resources import files

from aiohttp import web

_KINDS = {
    "index.html": "text/html",
    "style.css": "text/css",
    "page.js": "text/javascript",
    "stream.js": "text/javascript",
    "chart.js": "text/javascript",
    "history.js": "text/javascript",
    "panels.js": "text/javascript",
    "words.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
PATHS = frozenset({"/", *(f"/{name}" for name in _KINDS if name != "index.html")})
"""Asked for without a token, as a browser has none yet. Relative to each other, so a proxy may move them."""
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # kept, but asked for by its ETag: after an upgrade no old script runs
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def page_routes() -> list[web.RouteDef]:
    """The routes, for `make_app`."""
    return [
        web.get("/" if name == "index.html" else f"/{name}", _handler(name, kind))
        for name, kind in _KINDS.items()
    ]


def _handler(name: str, kind: str) -> Handler:
    content = (files("gateway.admin") / "page" / name).read_bytes()
    tag = sha256(content).hexdigest()[:16]
    headers = _HEADERS | {"ETag": f'"{tag}"'}

    async def show(request: web.Request) -> web.Response:
        if any(tag == known.value for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=content, headers=headers, content_type=kind, charset="utf-8")

    return show
