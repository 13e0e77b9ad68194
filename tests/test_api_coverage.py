"""The table of the vendors' APIs is whole and true: every field stands in it, and what it names is there.

The table is `docs/reference/api-coverage.md`; the engine's OpenAPI description says what must be in it. It
fails for a row that is missing or one too many, for a file, symbol or test that is gone, for a place that
does not know the field's name, and for an endpoint that is not proven all three ways.
"""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gateway.engine.api.reference import described
from gateway.providers import outboundani_guids

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/reference/api-coverage.md"
DOCUMENTS = {
    "Assignment API": ("/assignment*",),
    "Dials API": ("/dials",),
    "Custom Dialer Integration": ("/custom/*",),
    "AI Dialer Integration": ("/dialer/*", "/api/*"),
    "VoIPBin outdials": ("/v1.0/outdials*",),
}
"""The paths each document has here; rows that hold for all of them name the pattern."""
QUIRKS = {
    "no number is a body, not a status",
    "batch rows in any order",
    "two names for the numbers of a dial",
    "GET with a body",
    "DELETE with a body",
    "carrier_id accepted, not kept",
    "partial PUT",
    "one GUID for two values",
    "campaign without its =",
    "company GUID is no API key",
    "token on the last page",
    "rows of one microsecond",
    "three forms of a time",
    "no destination in two forms",
    "three ways to send the token",
    "429 with Retry-After",
}
NO_CLIENT = {
    ("POST /custom/anis", "body.carrier_id"),
    ("PUT /custom/anis", "body.carrier_id"),
    ("PUT /dialer/anis", "body.carrier_id"),
    ("POST /dialer/next", "answer.prospect_phone"),
    ("POST /dialer/next", "answer.assignment_type"),
}
"""Documented fields our clients do not use; the page says why."""
KPIS = {("POST /api/{guid}.php", f"query.KPI{number}_Name") for number in range(1, 6)}
"""Documented, and no part of the description: further parameters of any name are ignored."""
KINDS = ("tests/providers/", "tests/engine/api/", "tests/scenarios/")
"""Client against stub, raw request against server, client against server."""
NOTHING = "—"
GUIDS = {value: name for name, value in vars(outboundani_guids).items() if name.isupper()}
Schema = dict[str, Any]


class Row(NamedTuple):
    """One line of the table."""

    document: str
    endpoint: str
    field: str
    client: tuple[str, ...]
    server: tuple[str, ...]
    proof: tuple[str, ...]
    is_beyond: bool

    @property
    def words(self) -> tuple[str, ...]:
        """What code may call the field: its own name, or a GUID's constant; empty where it has no name."""
        where, _, name = self.field.rpartition(".")
        if where in {"", "path", "status"}:
            return ()
        if name in GUIDS:
            return (name, GUIDS[name])
        return ("KPI1_Name", "KPIs") if name.startswith("KPI") else (name,)


def cells(line: str) -> list[str]:
    return [cell.strip().replace("`", "") for cell in line.strip("|\n ").split(" | ")]


def lines_of(page: str, title: str) -> Iterator[tuple[list[str], bool]]:
    """The rows of a section, and whether they stand below its "Beyond the document"."""
    section = page.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    own, _, beyond = section.partition("\n### Beyond the document\n")
    for text, is_beyond in ((own, False), (beyond, True)):
        for line in text.splitlines():
            if line.startswith("| `"):
                yield cells(line), is_beyond


def names(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(", "))


def rows() -> list[Row]:
    page = PAGE.read_text()
    return [
        Row(title, endpoint, field, names(client), names(server), names(proof), is_beyond)
        for title in DOCUMENTS
        for (endpoint, field, client, server, proof), is_beyond in lines_of(page, title)
    ]


ROWS = rows()
QUIRK_LINES = [line for line, _ in lines_of(PAGE.read_text(), "Quirks")]


def resolved(schema: Schema, components: Schema) -> Iterator[Schema]:
    """The forms a schema can have."""
    if "$ref" in schema:
        yield from resolved(components[schema["$ref"].rpartition("/")[2]], components)
    elif "anyOf" in schema:
        for part in schema["anyOf"]:
            yield from resolved(part, components)
    else:
        yield schema


def within(schema: Schema, place: str, components: Schema) -> Iterator[str]:
    """Every field below a schema, by its place: `answer.results[].error`."""
    for form in resolved(schema, components):
        if form.get("type") == "array":
            yield from within(form["items"], f"{place}[]", components)
        for name, part in form.get("properties", {}).items():
            yield (field := re.sub(r"(destination_)\d\.", r"\1N.", f"{place}.{name}"))
            yield from (
                re.sub(r"(destination_)\d\.", r"\1N.", one) for one in within(part, field, components)
            )


def content(holder: Schema) -> Schema:
    schema: Schema = holder["content"]["application/json"]["schema"]
    return schema


def fields_of(operation: Schema, components: Schema) -> Iterator[str]:
    """An endpoint's own fields, and "—" for itself."""
    yield NOTHING
    yield from (f"{part['in']}.{part['name']}" for part in operation["parameters"])
    if "requestBody" in operation:
        yield from within(content(operation["requestBody"]), "body", components)
    yield from within(content(operation["responses"]["200"]), "answer", components)


def shared_of(operation: Schema, description: Schema) -> Iterator[str]:
    """What an endpoint has like all of its document: keys and failures."""
    components = description["components"]
    for name in (name for way in operation["security"] for name in way):
        scheme = components["securitySchemes"][name]
        yield f"{scheme['in']}.{scheme['name']}" if "in" in scheme else "header.Authorization"
    for status, answer in operation["responses"].items():
        yield from (f"header.{name}" for name in answer.get("headers", ()))
        if status != "200":
            yield f"status.{status}"
            found = within(content(answer), "failure", components["schemas"])
            yield from (one for one in found if not one.startswith("failure.explain"))


def wanted() -> dict[str, set[tuple[str, str]]]:
    """The rows each document must have."""
    description = described()
    found: dict[str, set[tuple[str, str]]] = {title: set() for title in DOCUMENTS}
    for title, patterns in DOCUMENTS.items():
        for path, operations in description["paths"].items():
            for pattern in (one for one in patterns if fnmatchcase(path, one)):
                for method, operation in operations.items():
                    own = fields_of(operation, description["components"]["schemas"])
                    found[title] |= {(f"{method.upper()} {path}", field) for field in own}
                    found[title] |= {(pattern, field) for field in shared_of(operation, description)}
    found["AI Dialer Integration"] |= KPIS
    return found


@cache
def text_of(file: str) -> str:
    return (ROOT / file).read_text()


@cache
def symbols(file: str) -> frozenset[str]:
    """What a file defines, members of classes as `Class.member`."""

    def inside(body: list[ast.stmt], prefix: str) -> Iterator[str]:
        for node in body:
            match node:
                case ast.ClassDef():
                    yield prefix + node.name
                    yield from inside(node.body, f"{prefix}{node.name}.")
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    yield prefix + node.name
                case ast.AnnAssign(target=ast.Name(id=name)):
                    yield prefix + name
                case ast.Assign(targets=[ast.Name(id=name)]):
                    yield prefix + name

    return frozenset(inside(ast.parse(text_of(file)).body, ""))


def missing(name: str) -> bool:
    """Whether a `file::symbol` is not there."""
    file, _, symbol = name.partition("::")
    return not (ROOT / file).is_file() or symbol not in symbols(file)


def knows(name: str, word: str) -> bool:
    """Whether the file of a `file::symbol` has the word, or builds it of its place's number."""
    text = text_of(name.partition("::")[0])
    numbered = re.sub(r"(?<=_)[0-9]$", "{place}", word)
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None or f'"{numbered}"' in text


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_endpoint_and_field_has_its_row_and_no_other_thing_has(document: str) -> None:
    there = [(row.endpoint, row.field) for row in ROWS if row.document == document]
    assert len(there) == len(set(there)), "a row stands twice"
    needed = wanted()[document]
    assert (needed - set(there), set(there) - needed) == (set(), set())


def test_every_endpoint_of_the_service_is_of_a_document_or_known_not_to_be() -> None:
    """Else a new surface would be missing here without a word."""
    patterns = [pattern for patterns in DOCUMENTS.values() for pattern in patterns]
    beyond = ("/healthz", "/nrm/*", "/ani-planner/*", "/webhooks*")
    paths = described()["paths"]
    assert [path for path in paths if not any(fnmatchcase(path, one) for one in (*patterns, *beyond))] == []


def test_whatever_is_named_is_there() -> None:
    named = {name for row in ROWS for name in (*row.client, *row.server, *row.proof)}
    named |= {name for line in QUIRK_LINES for cell in line[1:] for name in names(cell)}
    assert sorted(name for name in named - {NOTHING} if missing(name)) == []


def test_proofs_are_tests() -> None:
    proofs = {name for row in ROWS for name in row.proof}
    proofs |= {name for line in QUIRK_LINES for name in names(line[-1])}
    assert [name for name in proofs if not re.fullmatch(r"tests/[\w/]+\.py::test_\w+", name)] == []


def test_only_what_is_beyond_the_documents_may_lack_a_client() -> None:
    without = [row for row in ROWS if NOTHING in row.client and not row.is_beyond]
    assert {(row.endpoint, row.field) for row in without} == NO_CLIENT
    assert [row for row in ROWS if NOTHING in row.server] == []


def test_both_sides_and_a_proof_know_the_fields_name() -> None:
    strange = [
        (row.endpoint, row.field, side)
        for row in ROWS
        for side in (row.client, row.server, row.proof)
        if row.words and side != (NOTHING,)
        if not any(knows(name, word) for name in side for word in row.words)
    ]
    assert strange == []


def test_every_guid_has_its_row() -> None:
    fields = {row.field.removeprefix("query.") for row in ROWS}
    assert set(GUIDS) - fields == set()


def test_every_endpoint_is_proven_as_client_as_server_and_together() -> None:
    unproven = [
        (row.endpoint, kind)
        for row in ROWS
        if row.field == NOTHING
        for kind in KINDS
        if not any(proof.startswith(kind) for proof in row.proof)
    ]
    assert unproven == []


def test_every_quirk_has_its_row() -> None:
    assert sorted(line[0] for line in QUIRK_LINES) == sorted(QUIRKS)
