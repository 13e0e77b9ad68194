from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def call_cost(part: Callable[[str], Any]) -> Any:
    return part("call_cost")


def test_every_file_belongs_to_a_part(call_cost: Any) -> None:
    session = f"{call_cost.ROOT}/gateway/agi/session.py"
    assert call_cost.part_of(session, by_file=False) == "gateway/agi"
    assert call_cost.part_of(session, by_file=True) == "agi/session.py"
    assert call_cost.part_of("~", by_file=True) == call_cost.BUILTINS
    assert call_cost.part_of("/usr/lib/python3.11/re/__init__.py", by_file=True) == call_cost.LIBRARIES
    assert call_cost.part_of("/usr/lib/python3.11/asyncio/runners.py", by_file=True) == call_cost.OUTSIDE


def test_hits_are_told_by_package_and_by_file(call_cost: Any, tmp_path: Path) -> None:
    stats, calls = call_cost.profiled("hit", 0.5, tmp_path)
    assert calls > 50
    by_package = {cost.part: cost for cost in call_cost.costs(stats, calls, by_file=False)}
    assert sum(cost.share for cost in by_package.values()) == pytest.approx(1.0)
    assert by_package["gateway/agi"].share > 0.05
    by_file = {cost.part: cost for cost in call_cost.costs(stats, calls, by_file=True)}
    assert by_file["agi/protocol.py"].entries > 1
