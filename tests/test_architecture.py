"""The import rule: packages form layers, and imports only point down.

cli > service | doctor > simulator | config > admin > agi | ami > assignment | dials | engine | leads | sync
    > providers > stores | telemetry > model
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "gateway"


def package_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


LAYERS = (
    ("cli",),
    ("service", "doctor"),
    ("simulator", "config"),
    ("admin",),
    ("agi", "ami"),
    ("assignment", "dials", "engine", "leads", "sync"),
    ("providers",),
    ("stores", "telemetry"),
    ("model",),
)
LEVEL = {package: level for level, packages in enumerate(LAYERS) for package in packages}
FILES = sorted(path for path in ROOT.rglob("*.py") if package_of(path) not in {"__init__", "__main__"})
WAY_OF_A_CALL = (
    "agi/session.py",
    "agi/protocol.py",
    "agi/verbs/assign.py",
    "assignment/resolver.py",
    "providers/outboundiq.py",
)


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_packages(path: Path) -> set[str]:
    parts = (module.split(".") for module in imported_modules(path))
    return {names[1] for names in parts if names[0] == "gateway" and len(names) > 1 and names[1] in LEVEL}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down_only(path: Path) -> None:
    package = package_of(path)
    wrong = {other for other in own_packages(path) if other != package and LEVEL[other] <= LEVEL[package]}
    assert wrong == set(), f"{package} must not import {sorted(wrong)}"


def test_every_package_has_a_layer() -> None:
    assert {package_of(path) for path in FILES} <= LEVEL.keys()


@pytest.mark.parametrize("package", ["agi", "assignment", "dials"])
def test_call_path_knows_no_concrete_provider(package: str) -> None:
    names = ("base", "breaker", "backoff", "errand")
    shared = tuple(f"gateway.providers.{name}" for name in names)
    for path in (ROOT / package).rglob("*.py"):
        modules = {module for module in imported_modules(path) if module.startswith("gateway.")}
        concrete = {
            module
            for module in modules
            if module.startswith("gateway.providers.") and not module.startswith(shared)
        }
        assert concrete == set(), path
        assert not any(module.startswith("gateway.engine") for module in modules), path


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("panoramisk", {"ami/listener.py"}),
        ("uvloop", {"service/loop.py"}),
        ("zipcodes", {"engine/geo_build.py"}),
        ("phonenumbers", {"engine/geo_build.py"}),
        ("cachetools", {"assignment/cache.py", "agi/verbs/ready.py"}),
        ("httptools", {"providers/http1.py"}),
        ("sqlite3", {"stores/sqlite.py"}),
        ("pymysql", {"stores/cdr_mysql.py"}),
        ("redis", {"stores/redis.py"}),
        ("yaml", {"engine/inventory.py"}),
        ("prometheus_client", {"admin/prometheus.py"}),
    ],
)
def test_a_library_is_known_to_one_file(library: str, homes: set[str]) -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in FILES
        if any(module.split(".")[0] == library for module in imported_modules(path))
    }
    assert users <= homes


def test_way_of_a_call_reads_in_one_sitting() -> None:
    lines = sum(len((ROOT / name).read_text().splitlines()) for name in WAY_OF_A_CALL)
    assert lines <= 800


def test_no_file_outgrows_one_idea() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in FILES}
    assert {name: count for name, count in long.items() if count > 400} == {}


def test_no_file_is_a_drawer() -> None:
    assert not {path.stem for path in FILES} & {"utils", "helpers", "misc", "common", "core", "manager"}


def names_given(path: Path) -> list[str]:
    """What the module's own lines give a value to, in order."""
    return [
        target.id
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_constant_has_one_value(path: Path) -> None:
    """Two branches that add the same constant merge into one that has it twice; the last one counts."""
    names = names_given(path)
    assert sorted(names) == sorted(set(names))
