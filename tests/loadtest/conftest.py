import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Import a part of the benchmark by its name, the way its scripts import each other."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "loadtest"), *sys.path])
    return importlib.import_module
