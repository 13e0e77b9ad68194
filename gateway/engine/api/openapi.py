"""The OpenAPI 3.1 description, made of the endpoints themselves.

Source: the OpenAPI Specification 3.1. Schemas come from the `msgspec` structs that check the input.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec

from gateway.engine.api.endpoint import Endpoint, Place
from gateway.engine.api.envelopes import Health
from gateway.engine.api.keys import Style

_PATH_PART = re.compile(r"\{(\w+)\}")
_JSON = "application/json"
_UNIVERSAL = "Needs a universal key."
_NO_BODY = "In place of the body's field, where there is no body."


def describe(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole description as a JSON object."""
    types = list(dict.fromkeys([Health, *(kind for endpoint in endpoints for kind in _types(endpoint))]))
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(types, schemas, strict=True))
    surfaces = dict.fromkeys(endpoint.surface for endpoint in endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(
            endpoint, schema_of, components
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ani-gateway engine",
            "version": version("ani-gateway"),
            "description": "The engine over HTTP, in the words of outboundIQ, outboundANI and VoIPBin.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": [{"name": each.name, "description": each.about} for each in surfaces],
        "paths": _HEALTH | paths,
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
    }


def _types(endpoint: Endpoint) -> list[Any]:
    answered = [kind for kinds in endpoint.answers.values() for kind in kinds]
    return [*endpoint.described, *answered, endpoint.surface.error]


def _operation(endpoint: Endpoint, schema_of: dict[Any, Any], components: dict[str, Any]) -> dict[str, Any]:
    failures = sorted({*endpoint.failures, *endpoint.common_failures} - set(endpoint.answers))
    operation: dict[str, Any] = {
        "operationId": _name(endpoint),
        "summary": endpoint.summary,
        "description": " ".join(filter(None, (endpoint.notes, _UNIVERSAL if endpoint.universal else ""))),
        "tags": [endpoint.surface.name],
        "security": [{style.name.lower(): []} for style in endpoint.surface.styles],
        "parameters": _parameters(
            endpoint, [components[_component(schema_of[kind])] for kind in endpoint.described]
        ),
        "responses": {
            str(status): _answer(status, [schema_of[kind] for kind in kinds])
            for status, kinds in {
                **endpoint.answers,
                **dict.fromkeys(failures, (endpoint.surface.error,)),
            }.items()
        },
    }
    if endpoint.place.has_body:
        schema = _any_of([schema_of[kind] for kind in endpoint.described])
        operation["requestBody"] = {
            "required": endpoint.place is Place.BODY,
            "content": {_JSON: {"schema": schema}},
        }
    return operation


def _name(endpoint: Endpoint) -> str:
    words = re.findall(r"\w+", endpoint.path)
    return "_".join([endpoint.method.lower(), *words])


def _answer(status: int, schemas: list[Any]) -> dict[str, Any]:
    headers = (
        {"Retry-After": {"schema": {"type": "string"}}} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
    )
    return {
        "description": HTTPStatus(status).phrase,
        "content": {_JSON: {"schema": _any_of(schemas)}},
        **({"headers": headers} if headers else {}),
    }


def _any_of(schemas: list[Any]) -> Any:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _component(schema: Mapping[str, Any]) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _parameters(endpoint: Endpoint, described: Sequence[Any]) -> list[dict[str, Any]]:
    path_format = endpoint.surface.path_format
    part = {"type": "string"} | ({"format": path_format} if path_format else {})
    found = [
        {"name": name, "in": "path", "required": True, "schema": part}
        for name in _PATH_PART.findall(endpoint.path)
    ]
    for schema in described if endpoint.place.has_query else ():
        found += [
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()) and not endpoint.place.has_body,
                **({"description": _NO_BODY} if endpoint.place.has_body else {}),
                # Beside a body the query is not looked at, so that its limits are none of the request's.
                "schema": {"type": "string"} if endpoint.place.has_body else own,
            }
            for name, own in schema["properties"].items()
        ]
    return found


_SCHEMES = {
    style.name.lower(): (
        {"type": "http", "scheme": "bearer"}
        if style is Style.BEARER
        else {"type": "apiKey", "in": style.value[0], "name": style.value[1]}
    )
    for style in Style
}
_HEALTH = {
    "/healthz": {
        "get": {
            "operationId": "get_healthz",
            "summary": "Alive, and with how many numbers",
            "description": "Needs no key, and counts against no rate.",
            "security": [],
            "responses": {
                "200": {
                    "description": HTTPStatus.OK.phrase,
                    "content": {_JSON: {"schema": {"$ref": "#/components/schemas/Health"}}},
                }
            },
        }
    }
}
