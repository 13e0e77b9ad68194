"""Reads inventory files: YAML for everything, CSV for ANIs.

Every value is taken as the text that was written, so `9001`, `"9001"` and `01234` mean what they say. Either
a whole file is good, or all its faults are reported as `FILE:LINE: what; how to mend it` and nothing is
loaded.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from gateway.engine import rows
from gateway.model.inventory import Inventory

T = TypeVar("T")

SAMPLE = Path(__file__).with_name("sample.yaml")
"""Fictitious numbers all over the United States, for trials."""

MAX_BYTES = 64 * 1024 * 1024
"""Largest file; 500,000 CSV rows take about 25 MB."""
MAX_ROWS = 500_000
"""Most rows in one file: five times the largest inventories seen."""
# Enough to see the pattern; a file with the wrong columns has a fault in every line.
_MAX_FINDINGS = 50
_YAML_NULL = "tag:yaml.org,2002:null"
# The C reader is ten times faster; a PyYAML built without it still works.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class InventoryError(Exception):
    """The file cannot be loaded; `findings` has one line for each fault, the first 50 of them."""

    def __init__(self, findings: Sequence[str]) -> None:
        hidden = len(findings) - _MAX_FINDINGS
        self.findings = [*findings[:_MAX_FINDINGS], *([f"and {hidden} more"] if hidden > 0 else [])]
        super().__init__("\n".join(self.findings))


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Section:
    """One kind of row: how it is read, and by what two rows are the same."""

    name: str
    fields: tuple[str, ...]
    read: Callable[[rows.Row], Any]
    identity: Callable[[Any], str]


_CAMPAIGNS = _Section("campaigns", rows.CAMPAIGN_FIELDS, rows.campaign, lambda row: str(row.id))
_DISPOS = _Section("dispos", rows.DISPO_FIELDS, rows.dispo, lambda row: str(row.id))
_ANIS = _Section("anis", rows.ANI_FIELDS, rows.ani, lambda row: str(row.number.e164))
_SECTIONS = {section.name: section for section in (_CAMPAIGNS, _DISPOS, _ANIS)}


def read_inventory(path: Path) -> Inventory:
    """The file's content; `.csv` holds ANIs, `.yaml` or `.yml` all kinds. Raises `InventoryError`."""
    match path.suffix.lower():
        case ".csv":
            read = _read_csv
        case ".yaml" | ".yml":
            read = _read_yaml
        case _:
            raise InventoryError([f"{path}: unknown kind of file; name it .yaml, .yml or .csv"])
    findings: list[str] = []
    inventory = read(path, _content(path), findings)
    if findings:
        raise InventoryError(findings)
    return inventory


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise InventoryError([f"{path}: larger than {MAX_BYTES} bytes; split the file"])
        # Spreadsheets put a byte-order mark in front.
        return content.decode("utf-8-sig")
    except OSError as error:
        raise InventoryError([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InventoryError([f"{path}:{line}: is not UTF-8; save the file as UTF-8"]) from error


def _read_csv(path: Path, content: str, findings: list[str]) -> Inventory:
    first_line = content.partition("\n")[0]
    delimiter = ";" if ";" in first_line and "," not in first_line else ","
    reader = csv.reader(content.splitlines(keepends=True), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        fault = _header_fault(names)
        if fault:
            findings.append(f"{path}:1: {fault}")
            return Inventory()
        anis = _read_rows(_ANIS, _csv_lines(path, reader, names, findings), path, findings)
    except csv.Error as error:
        findings.append(f"{path}:{reader.line_num}: {error}; mend the quotes")
        return Inventory()
    return Inventory(anis=anis)


def _header_fault(names: list[str]) -> str:
    if "number" not in names:
        return f"no column number; the first line names the columns: {', '.join(rows.ANI_FIELDS)}"
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        return f"column {', '.join(twice)} stands twice; keep one"
    return rows.unknown_fields(names, rows.ANI_FIELDS)


def _csv_lines(path: Path, reader: Any, names: list[str], findings: list[str]) -> Iterator[_Line]:
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(names):
            findings.append(
                f"{path}:{reader.line_num}: {len(cells)} values for {len(names)} columns; "
                "put values with a comma in quotes"
            )
            continue
        yield _Line(reader.line_num, dict(zip(names, cells, strict=False)))


def _read_yaml(path: Path, content: str, findings: list[str]) -> Inventory:
    try:
        root = yaml.compose(content, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        findings.append(f"{path}:{line}: is not YAML: {error.problem}; mend the indentation or the quotes")
        return Inventory()
    except (yaml.YAMLError, RecursionError) as error:
        findings.append(f"{path}: is not YAML: {str(error).splitlines()[0]}")
        return Inventory()
    found: dict[str, tuple[Any, ...]] = {}
    for key, value in _pairs(root, path, findings) if root is not None else ():
        section = _SECTIONS.get(key.value)
        if section is None:
            findings.append(
                f'{path}:{key.start_mark.line + 1}: unknown section "{key.value}"; '
                f"known are {', '.join(_SECTIONS)}"
            )
        else:
            found[section.name] = _read_rows(section, _yaml_lines(value, path, findings), path, findings)
    return Inventory(found.get("campaigns", ()), found.get("dispos", ()), found.get("anis", ()))


def _yaml_lines(node: yaml.Node, path: Path, findings: list[str]) -> Iterator[_Line]:
    if node.tag == _YAML_NULL:
        return
    if not isinstance(node, yaml.SequenceNode):
        findings.append(f'{path}:{node.start_mark.line + 1}: expected a list; put "- " before each entry')
        return
    for entry in node.value:
        pairs = list(_pairs(entry, path, findings))
        simple = {
            key.value: "" if value.tag == _YAML_NULL else value.value
            for key, value in pairs
            if isinstance(value, yaml.ScalarNode)
        }
        if len(simple) == len(pairs) and pairs:
            yield _Line(entry.start_mark.line + 1, simple)
        elif pairs:
            findings.append(
                f"{path}:{entry.start_mark.line + 1}: a field stands twice or holds a list; "
                "write each field once, with one value"
            )


def _pairs(node: yaml.Node, path: Path, findings: list[str]) -> list[tuple[Any, Any]]:
    if isinstance(node, yaml.MappingNode):
        return list(node.value)
    findings.append(f'{path}:{node.start_mark.line + 1}: expected "name: value" pairs; write them so')
    return []


def _read_rows(section: _Section, lines: Iterator[_Line], path: Path, findings: list[str]) -> tuple[Any, ...]:
    first_line: dict[str, int] = {}
    found: list[Any] = []
    for line in lines:
        if len(found) >= MAX_ROWS:
            findings.append(f"{path}:{line.number}: more than {MAX_ROWS} {section.name}; split the file")
            break
        try:
            row = _read_row(section, line.fields)
        except rows.RowError as error:
            findings.append(f"{path}:{line.number}: {error}")
            continue
        identity = section.identity(row)
        if identity in first_line:
            findings.append(
                f"{path}:{line.number}: {identity} stands on line {first_line[identity]} already; keep one"
            )
        first_line.setdefault(identity, line.number)
        found.append(row)
    return tuple(found)


def _read_row(section: _Section, fields: rows.Row) -> Any:
    fault = rows.unknown_fields(fields, section.fields)
    if fault:
        raise rows.RowError(fault)
    return section.read(fields)
