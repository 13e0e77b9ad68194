"""The OpenAPI description as a page for people: docs/reference/api.md is what this prints.

Reads nothing but the description, so that an endpoint is on the page as soon as it exists.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.engine.api.app import all_endpoints
from gateway.engine.api.openapi import describe
from gateway.engine.provider import EngineProvider
from gateway.engine.settings import ApiSettings, EngineSettings

Schema = Mapping[str, Any]
_INTRO = """# API reference

What `ani-gateway api` answers, and `serve` with `api.in_serve`. This page is made of the OpenAPI description,
which the service gives at `/openapi.json`; renew it with
`ani-gateway api --describe markdown > docs/reference/api.md`.

Unknown fields are ignored. A request that cannot be understood is answered 400, and the message names the
field. Every answer has its own `x-request-id`; the log names it where something broke. `OPTIONS` names the
methods of an address, and `HEAD` works where `GET` does.
"""
_STATUSES = {
    "400": "the input cannot be understood",
    "401": "no key, or an unknown one",
    "403": "an inactive key, or one of the wrong type",
    "408": "the body did not arrive in time",
    "413": "the body is larger than `api.max_body_bytes`",
    "429": "above `api.requests_per_second`; `Retry-After` says how many seconds to wait",
    "500": "a fault of ours; the log has it under the request id",
    "503": "the database cannot be reached; try later",
}
"""Failures that mean the same everywhere; others stand with their endpoint."""


def described() -> dict[str, Any]:
    """The description of every endpoint, made over an engine with nothing in it. Blocks as that opens."""
    provider = EngineProvider.open(EngineSettings())
    try:
        return describe(list(all_endpoints(provider, ApiSettings())))
    finally:
        provider.close()


def as_json(description: Schema) -> str:
    """The description itself."""
    return json.dumps(description, indent=2, ensure_ascii=False) + "\n"


def as_markdown(description: Schema) -> str:
    """The page."""
    components = description["components"]
    lines = [_INTRO, "## Failures everywhere", "", "| status | meaning |", "| --- | --- |"]
    lines += [f"| {status} | {meaning} |" for status, meaning in _STATUSES.items()]
    lines += ["", "## Without a key", ""]
    lines += _operations(description, None)
    for tag in description["tags"]:
        lines += [f"## {tag['name']}", ""]
        lines += [tag["description"], ""] if tag["description"] else []
        lines += _operations(description, tag["name"])
    lines += ["## Forms", ""]
    for name, schema in sorted(components["schemas"].items()):
        lines += _form(name, schema)
    return "\n".join(lines).rstrip() + "\n"


def _operations(description: Schema, tag: str | None) -> Iterator[str]:
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if operation.get("tags", [None])[0] == tag:
                yield from _operation(method.upper(), path, operation, description)


def _operation(method: str, path: str, operation: Schema, description: Schema) -> Iterator[str]:
    yield from (f"### {method} {path}", "", f"{operation['summary']}. {operation['description']}".strip(), "")
    if operation["security"]:
        schemes = description["components"]["securitySchemes"]
        ways = (_way(schemes[name]) for wanted in operation["security"] for name in wanted)
        yield from (f"- key: {' or '.join(ways)}",)
    if "requestBody" in operation:
        body = operation["requestBody"]
        only = "" if body["required"] else ", or the parameters in its place"
        yield f"- body: {_type(_schema(body))}{only}"
    for status, answer in operation["responses"].items():
        if status not in _STATUSES:
            yield f"- {status}: {_type(_schema(answer)) if 'content' in answer else 'no body'}"
    yield ""
    if operation.get("parameters"):
        yield from ("| parameter | where | type | required | meaning |", "| --- | --- | --- | --- | --- |")
        for part in operation["parameters"]:
            meaning = part.get("description") or part["schema"].get("description", "")
            yield _row(
                f"`{part['name']}`", part["in"], _type(part["schema"]), _yes(part["required"]), meaning
            )
        yield ""


def _form(name: str, schema: Schema) -> Iterator[str]:
    yield from (f"### {name}", "", schema.get("description", "").replace("\n", " "), "")
    if "enum" in schema:
        yield from (_type(schema), "")
        return
    yield from ("| field | type | required | meaning |", "| --- | --- | --- | --- |")
    required = schema.get("required", ())
    for field, part in schema.get("properties", {}).items():
        yield _row(f"`{field}`", _type(part), _yes(field in required), part.get("description", ""))
    yield ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _yes(value: object) -> str:
    return "yes" if value else ""


def _way(scheme: Schema) -> str:
    if scheme["type"] == "http":
        return "`Authorization: Bearer KEY`"
    return f"`{scheme['name']}: KEY`" if scheme["in"] == "header" else f"`?{scheme['name']}=KEY`"


def _schema(holder: Schema) -> Schema:
    schema: Schema = next(iter(holder["content"].values()))["schema"]
    return schema


def _type(schema: Schema) -> str:
    """A schema in a few words, with a link where it has a form of its own."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower().replace('.', '')})"
    if "anyOf" in schema:
        return " or ".join(_type(part) for part in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}{_limits(schema, 'minItems', 'maxItems')}"
    word = schema.get("format") or schema.get("type", "anything")
    return f"{word}{_limits(schema, 'minLength', 'maxLength')}"


def _limits(schema: Schema, least: str, most: str) -> str:
    found: Sequence[str] = [
        *([f"at least {schema[least]}"] if least in schema else []),
        *([f"at most {schema[most]}"] if most in schema else []),
    ]
    return f" ({', '.join(found)})" if found else ""
