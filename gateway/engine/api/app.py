"""The HTTP service over one engine: all endpoints, their keys and limits."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from aiohttp import web

from gateway.engine.api.answers import Door, with_request_id
from gateway.engine.api.assignment import AssignmentApi
from gateway.engine.api.custom import custom_endpoints
from gateway.engine.api.dialer import DialerApi
from gateway.engine.api.dials import DialsApi
from gateway.engine.api.endpoint import Endpoint
from gateway.engine.api.envelopes import Health
from gateway.engine.api.keys import ApiKey, Keyring, RateLimit
from gateway.engine.api.nrm import NrmApi
from gateway.engine.api.openapi import describe
from gateway.engine.api.outdial_targets import OutdialTargetsApi
from gateway.engine.api.outdials import OutdialsApi
from gateway.engine.api.planner import PlannerApi
from gateway.engine.api.results import ResultsApi
from gateway.engine.provider import EngineProvider
from gateway.engine.settings import ApiKeySettings, ApiSettings


class NoApiKeyError(Exception):
    """No key is configured, so nobody could ever ask."""


def make_app(
    provider: EngineProvider, settings: ApiSettings, keys: Mapping[str, ApiKeySettings] | None = None
) -> web.Application:
    """The service over `provider`, which the caller keeps and closes. Raises `NoApiKeyError`."""
    keyring = Keyring(_keys(settings, keys or {}), settings.company_guids)
    if not keyring:
        raise NoApiKeyError("api.keys is empty, so nobody could ask; set at least one key")
    door = Door(keyring, RateLimit(settings.requests_per_second, settings.burst))
    endpoints = tuple(all_endpoints(provider, settings))
    app = web.Application(middlewares=[with_request_id], client_max_size=settings.max_body_bytes)
    app.router.add_get("/healthz", _Health(provider).show)
    app.router.add_get("/openapi.json", _Described(endpoints).show)
    for endpoint in endpoints:
        handler = door.handler(endpoint)
        app.router.add_route(endpoint.method, endpoint.path, handler)
        if endpoint.method == "GET":
            # Whatever can be asked with GET can be asked with HEAD (RFC 9110 §9.3.2).
            app.router.add_route("HEAD", endpoint.path, handler)
    return app


def all_endpoints(provider: EngineProvider, settings: ApiSettings) -> Iterator[Endpoint]:
    """Every endpoint there is, in the order of the description."""
    yield from AssignmentApi(provider, settings.max_batch).endpoints()
    yield from NrmApi(provider.numbers()).endpoints()
    yield from PlannerApi(provider.planner()).endpoints()
    yield from OutdialsApi(provider.outdials()).endpoints()
    yield from OutdialTargetsApi(provider.outdials()).endpoints()
    yield from DialsApi(provider).endpoints()
    yield from custom_endpoints(provider.inventory())
    yield from DialerApi(provider).endpoints()
    yield from ResultsApi(provider).endpoints()


def _keys(settings: ApiSettings, named: Mapping[str, ApiKeySettings]) -> Iterator[tuple[str, ApiKey]]:
    for number, secret in enumerate(settings.keys, 1):
        yield secret, ApiKey(f"api.keys {number}")
    for name, own in named.items():
        yield own.key, ApiKey(name, own.type, own.active, own.default_campaign)


class _Health:
    def __init__(self, provider: EngineProvider) -> None:
        self._provider = provider

    async def show(self, _request: web.Request) -> web.Response:
        """Alive, and with how many numbers. Needs no key."""
        body = msgspec.json.encode(Health(success=True, anis=self._provider.size))
        return web.Response(body=body, content_type="application/json")


class _Described:
    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._body = msgspec.json.encode(describe(endpoints))

    async def show(self, _request: web.Request) -> web.Response:
        """The OpenAPI description. Needs no key."""
        return web.Response(body=self._body, content_type="application/json")
